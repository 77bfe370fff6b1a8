"""What a NodeClaim may launch, and what follows from that alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pyscale.model.nodes import (
    CAPACITY_TYPE_LABEL,
    HOSTNAME_LABEL,
    INSTANCE_TYPE_LABEL,
    NODEPOOL_LABEL,
    ZONE_LABEL,
)

from .instance_types import CompiledType, Offered
from .labels import SIMULATION_ONLY, is_restricted
from .parity import UNSTABLE_SORT
from .requirements import Requirement, Requirements, one_of
from .templates import Template

MAX_INSTANCE_TYPES = 600

#: So many of what a run's templates are asked for are kept; a long run comes by many.
MOST_KNOWN = 4096


class ClaimTypes:
    """The types that a claim of a template may be of, under some requirements.

    Made by :func:`of_columns` and :meth:`narrowed`, which give equals out again: in a run few
    occur, each many times.

    Attributes
    ----------
    template : Template
    requirements : Requirements
        The claim's own, without its types.
    columns : int
        The bitset of columns that were left before types were narrowed.
    """

    def __init__(
        self,
        template: Template,
        requirements: Requirements,
        columns: int,
        chosen: tuple[int, ...] | None = None,
    ) -> None:
        self.template = template
        self.requirements = requirements
        self.columns = columns
        self._chosen = chosen

    @cached_property
    def numbers(self) -> NDArray[np.intp]:
        """Numbers of all types that are left, in no order that means anything."""
        if self._chosen is not None:
            return np.array(self._chosen, dtype=np.intp)
        return np.array(self.template.columns.types_of(self.columns), dtype=np.intp)

    @cached_property
    def ordered(self) -> list[int]:
        """Numbers of all types that are left, cheapest first, ties as upstream leaves them."""
        if self._chosen is not None:
            return list(self._chosen)
        columns, groups = self.template.columns, self.template.groups
        if len(groups) == 1:
            current = columns.types_of(self.columns)
        else:
            current = [
                i for group in groups for i in columns.types_of(self.columns & group.columns)
            ]
        stable = UNSTABLE_SORT in self.template.repaired
        return columns.ordered_by_price(current, self.requirements, stable=stable)

    @cached_property
    def named(self) -> NDArray[np.intp]:
        """Numbers of the types that the NodeClaim names, in their order."""
        return np.array(self.ordered[:MAX_INSTANCE_TYPES], dtype=np.intp)

    @cached_property
    def breaks_min_values(self) -> bool:
        """Whether the cut to 600 types leaves too few values."""
        if not self.requirements.has_min_values():
            return False
        kept = self.ordered[:MAX_INSTANCE_TYPES]
        return bool(self.template.columns.missed_min_values(kept, self.requirements))

    @cached_property
    def types(self) -> list[CompiledType]:
        """The types that the NodeClaim names, in price order, at most 600."""
        types = self.template.columns.types
        return [types[i] for i in self.ordered[:MAX_INSTANCE_TYPES]]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        names = self.template.columns.names
        return tuple([names[i] for i in self.ordered[:MAX_INSTANCE_TYPES]])

    @cached_property
    def _offered(self) -> list[Offered]:
        """How the types are offered."""
        return self.template.columns.offered(self.ordered[:MAX_INSTANCE_TYPES])

    @cached_property
    def name_set(self) -> frozenset[str]:
        """The same without their order."""
        return frozenset(self.names)

    @cached_property
    def final_requirements(self) -> Requirements:
        """What the created NodeClaim requires, its types and their capacity types included."""
        held = self.requirements.get(INSTANCE_TYPE_LABEL)
        names = one_of(INSTANCE_TYPE_LABEL, self.names)
        if held is not None:
            names = names.with_min_values(held.min_values)
        requirements = self.requirements.merged((names,))
        well_known = self.template.columns.well_known
        # Many offerings share few requirement sets.
        offers = frozenset().union(*(it.available for it in self._offered))
        capacity_types = {
            capacity_type
            for offer, capacity_type in offers
            if requirements.compatible(offer, well_known)
        }
        if capacity_types:
            requirements = requirements.merged((one_of(CAPACITY_TYPE_LABEL, capacity_types),))
        return requirements.without(SIMULATION_ONLY)

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """Zones that the NodeClaim allows, sorted."""
        return _allowed(
            self.final_requirements.get_or_exists(ZONE_LABEL),
            frozenset().union(*(it.zones for it in self._offered)),
        )

    @cached_property
    def capacity_types(self) -> tuple[str, ...]:
        """Capacity types that it allows, sorted."""
        return _allowed(
            self.final_requirements.get_or_exists(CAPACITY_TYPE_LABEL),
            frozenset().union(*(it.capacity_types for it in self._offered)),
        )

    @cached_property
    def own_labels(self) -> Mapping[str, str]:
        """Labels for keys that neither the machine nor the cloud defines: the first value allowed.

        Notes
        -----
        Follows Karpenter core ``pkg/scheduling/requirements.go:Labels``; of several values upstream
        takes any.
        """
        well_known = self.template.columns.well_known
        known = {HOSTNAME_LABEL, INSTANCE_TYPE_LABEL, NODEPOOL_LABEL, *well_known}
        return {
            held.key: min(held.values)
            for held in self.final_requirements
            if held.key not in known
            and not is_restricted(held.key, well_known)
            and not held.complement
            and held.values
        }

    def narrowed(self, types: Sequence[int], requirements: Requirements) -> ClaimTypes:
        """Return what is left with these types, in their order, and requirements."""
        return _known(self.template, requirements, self.columns, tuple(types))


def of_columns(template: Template, requirements: Requirements, columns: int) -> ClaimTypes:
    """Return what a claim with these columns may launch."""
    return _known(template, requirements, columns, None)


def _known(
    template: Template, requirements: Requirements, columns: int, chosen: tuple[int, ...] | None
) -> ClaimTypes:
    key = requirements, columns, chosen
    found: ClaimTypes | None = template.claim_types.get(key)
    if found is None:
        if len(template.claim_types) >= MOST_KNOWN:
            template.claim_types.clear()
        found = template.claim_types[key] = ClaimTypes(template, requirements, columns, chosen)
    return found


def _allowed(requirement: Requirement, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if requirement.has(value)}))
