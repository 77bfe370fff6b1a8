"""NodeClaims as orders of machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyscale.model.nodes import (
    CAPACITY_TYPE_LABEL,
    HOSTNAME_LABEL,
    INSTANCE_TYPE_LABEL,
    NODEPOOL_LABEL,
    ZONE_LABEL,
)

from ..decision import AddNodes
from .labels import is_restricted
from .requirements import Requirement, Requirements
from .result import Claim


def order_of(claim: Claim, reason: str, pods: Sequence[int] = (), token: int = -1) -> AddNodes:
    """Return the machine that a NodeClaim asks for: the cheapest of what it allows."""
    requirements = claim.final_requirements
    types = claim.types
    zones: frozenset[str] = frozenset().union(*(compiled.zones for compiled in types))
    options: frozenset[str] = frozenset().union(*(compiled.capacity_types for compiled in types))
    zone = requirements.get_or_exists(ZONE_LABEL)
    capacity_type = requirements.get_or_exists(CAPACITY_TYPE_LABEL)
    return AddNodes(
        reason=reason,
        instance_types=tuple(compiled.name for compiled in types),
        zones=_allowed(zone, zones),
        capacity_types=_allowed(capacity_type, options),
        pool=claim.pool,
        labels=_own_labels(requirements, claim.template.columns.well_known),
        pods=tuple(pods),
        token=token,
    )


def _allowed(requirement: Requirement, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if requirement.has(value)}))


def _own_labels(requirements: Requirements, well_known: frozenset[str]) -> Mapping[str, str]:
    """Labels for keys that neither the machine nor the cloud defines: the first value allowed.

    Notes
    -----
    Follows Karpenter core ``pkg/scheduling/requirements.go:Labels``; of several values upstream
    takes any.
    """
    known = {HOSTNAME_LABEL, INSTANCE_TYPE_LABEL, NODEPOOL_LABEL, *well_known}
    return {
        held.key: min(held.values)
        for held in requirements
        if held.key not in known
        and not is_restricted(held.key, well_known)
        and not held.complement
        and held.values
    }
