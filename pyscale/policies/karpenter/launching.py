"""NodeClaims as orders of machines."""

from __future__ import annotations

from collections.abc import Sequence

from ..decision import AddNodes
from .result import Claim


def order_of(claim: Claim, reason: str, pods: Sequence[int] = (), token: int = -1) -> AddNodes:
    """Return the machine that a NodeClaim asks for: the cheapest of what it allows."""
    launch = claim.launch
    return AddNodes(
        reason=reason,
        instance_types=launch.names,
        zones=launch.zones,
        capacity_types=launch.capacity_types,
        pool=claim.pool,
        labels=launch.own_labels,
        pods=tuple(pods),
        token=token,
    )
