"""How many nodes one estimate may open.

Specification section 4.5, Limits; upstream ``estimator/threshold_based_limiter.go``.
"""

from __future__ import annotations

from collections.abc import Iterable

NO_LIMIT = 0
NOTHING = -1


def similar_groups_limit(groups: Iterable[tuple[int, int]]) -> int:
    """Return the room of a group and its similar ones, given as (target, max)."""
    room = sum(max(0, maximum - target) for target, maximum in groups)
    return room if room > 0 else NOTHING


def cluster_limit(max_nodes_total: int, current_nodes: int) -> int:
    """Return the room left by ``max-nodes-total``."""
    if max_nodes_total <= 0:
        return NO_LIMIT
    left = max_nodes_total - current_nodes
    return left if left > 0 else NOTHING


def combined(limits: Iterable[int]) -> int:
    """Combine limits: a negative one forbids every node, 0 is none, else the smallest counts."""
    limits = list(limits)
    if any(limit < 0 for limit in limits):
        return NOTHING
    return min((limit for limit in limits if limit > 0), default=NO_LIMIT)
