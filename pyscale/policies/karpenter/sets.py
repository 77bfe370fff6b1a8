"""Requirement sets as numbers: equal sets have one number, each question is answered once."""

from __future__ import annotations

from pyscale.model.nodes import HOSTNAME_LABEL

from .requirements import EMPTY, NO_KEYS, Requirement, Requirements

CONFLICT = -1
UNDEFINED = -2


class SetTable:
    """Interned requirement sets without hostname, and interned requirements on the hostname.

    Set 0 is the empty one.
    """

    def __init__(self, well_known: frozenset[str]) -> None:
        self.well_known = well_known
        self.sets: list[Requirements] = [EMPTY]
        self.hosts: list[Requirement] = []
        self._set_ids: dict[Requirements, int] = {EMPTY: 0}
        self._host_ids: dict[Requirement, int] = {}

    def set_id(self, requirements: Requirements) -> int:
        """Return the number of a set that says nothing about the hostname."""
        known = self._set_ids.get(requirements)
        if known is None:
            known = self._set_ids[requirements] = len(self.sets)
            self.sets.append(requirements)
        return known

    def split(self, requirements: Requirements) -> tuple[int, int]:
        """Return the number of the set without hostname, and of its hostname part (-1 none)."""
        host = requirements.get(HOSTNAME_LABEL)
        if host is None:
            return self.set_id(requirements), -1
        return self.set_id(requirements.without((HOSTNAME_LABEL,))), self.host_id(host)

    def host_id(self, requirement: Requirement) -> int:
        """Return the number of a requirement on the hostname."""
        known = self._host_ids.get(requirement)
        if known is None:
            known = self._host_ids[requirement] = len(self.hosts)
            self.hosts.append(requirement)
        return known

    def meet(self, loose: bool, holder: int, incoming: int) -> int:
        """Return the set of what both require, CONFLICT for ever, or UNDEFINED for now."""
        ours, theirs = self.sets[holder], self.sets[incoming]
        if ours.conflicting_key(theirs) is not None:
            return CONFLICT
        allowed = self.well_known if loose else NO_KEYS
        if ours.undefined_key(theirs, allowed) is not None:
            return UNDEFINED
        return self.set_id(ours.merged(theirs))

    def pin(self, loose: bool, holder: int, result: Requirement) -> int:
        """Return the set narrowed by a topology result, or a refusal."""
        ours = self.sets[holder]
        held = ours.get(result.key)
        if held is None:
            allowed = loose and result.key in self.well_known
            if not allowed and not result.may_be_absent:
                return UNDEFINED
            return self.set_id(ours.replaced(result))
        narrowed = held.intersection(result)
        if held.conflicts(narrowed):
            return CONFLICT
        return self.set_id(ours.replaced(held.intersection(narrowed)))
