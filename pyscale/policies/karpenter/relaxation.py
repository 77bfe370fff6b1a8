"""Dropping one preference of a pod at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from pyscale.model.pods import PodSpec

from .podspec import TOLERATE_PREFER_NO_SCHEDULE


class _Weighted(Protocol):
    @property
    def weight(self) -> int: ...


W = TypeVar("W", bound=_Weighted)


def relax(spec: PodSpec, tolerate_prefer_no_schedule: bool) -> tuple[PodSpec, str] | None:
    """Return the spec with the next preference dropped, and what was dropped; None if none is left.

    Parameters
    ----------
    spec : PodSpec
    tolerate_prefer_no_schedule : bool
        Whether some pool has a PreferNoSchedule taint: tolerating it is then the last step.

    Notes
    -----
    Follows Karpenter core ``pkg/controllers/provisioning/scheduling/preferences.go:Relax``: an
    OR-term of required node affinity (never the last), then the heaviest preferred pod affinity,
    pod anti-affinity and node affinity term, then the first ScheduleAnyway constraint, whose place
    the last constraint of the list takes.
    """
    terms = spec.required_node_affinity
    if terms and len(terms) > 1:
        return replace(spec, required_node_affinity=terms[1:]), "required node affinity term"
    if spec.preferred_pod_affinity:
        kept = _without_heaviest(spec.preferred_pod_affinity)
        return replace(spec, preferred_pod_affinity=kept), "preferred pod affinity term"
    if spec.preferred_pod_anti_affinity:
        kept = _without_heaviest(spec.preferred_pod_anti_affinity)
        return replace(spec, preferred_pod_anti_affinity=kept), "preferred pod anti-affinity term"
    if spec.preferred_node_affinity:
        left = _without_heaviest(spec.preferred_node_affinity)
        return replace(spec, preferred_node_affinity=left), "preferred node affinity term"
    constraints = list(spec.topology_spread_constraints)
    for i, constraint in enumerate(constraints):
        if constraint.when_unsatisfiable == "ScheduleAnyway":
            constraints[i] = constraints[-1]
            constraints.pop()
            relaxed = replace(spec, topology_spread_constraints=tuple(constraints))
            return relaxed, f"ScheduleAnyway constraint over {constraint.topology_key}"
    if tolerate_prefer_no_schedule and TOLERATE_PREFER_NO_SCHEDULE not in spec.tolerations:
        tolerations = (*spec.tolerations, TOLERATE_PREFER_NO_SCHEDULE)
        return replace(spec, tolerations=tolerations), "PreferNoSchedule taints"
    return None


def _without_heaviest(terms: Sequence[W]) -> tuple[W, ...]:
    """Sort by weight, heaviest first, equal ones as they were, and drop the first."""
    return tuple(sorted(terms, key=lambda term: -term.weight)[1:])
