"""Disruption budgets of NodePools: how many nodes may go for a reason right now.

Follows Karpenter core ``pkg/apis/v1/nodepool.go`` (``GetAllowedDisruptionsByReason``, ``IsActive``)
and ``pkg/controllers/disruption/helpers.go:BuildDisruptionBudgetMapping``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyscale.errors import InvalidObjectError
from pyscale.model.disruption import DisruptionBudget
from pyscale.model.groups import NodePool

from .cron import CronSchedule
from .state import StateNode

UNLIMITED = 2**31 - 1

_COUNT = re.compile(r"[0-9]{1,9}")
_PERCENT = re.compile(r"([0-9]{1,9})%")


@dataclass(frozen=True, slots=True)
class PoolCount:
    """How many nodes of a pool count for its budgets, and how many of them use budgets up.

    Those do that are not ready or on their way out.
    """

    pool: NodePool
    members: int
    disrupting: int


def count_pools(pools: Iterable[NodePool], nodes: Iterable[StateNode]) -> dict[str, PoolCount]:
    """Count the nodes of each pool."""
    known = {pool.name: pool for pool in pools}
    members = dict.fromkeys(known, 0)
    disrupting = dict.fromkeys(known, 0)
    for node in nodes:
        if node.pool in known and node.initialized and not node.instance_terminating:
            members[node.pool] += 1
            disrupting[node.pool] += not node.ready or node.marked_for_deletion
    return {name: PoolCount(known[name], members[name], disrupting[name]) for name in known}


def budgets_of_pools(counts: Mapping[str, PoolCount], reason: str, now_ns: int) -> dict[str, int]:
    """Return, by pool, how many nodes may still be disrupted for the reason."""
    return {
        name: max(
            allowed_disruptions(count.pool, count.members, reason, now_ns) - count.disrupting, 0
        )
        for name, count in counts.items()
    }


def allowed_disruptions(pool: NodePool, nodes: int, reason: str, now_ns: int) -> int:
    """Return the smallest value among the budgets for the reason, of a pool of so many nodes.

    A budget that can't be read closes the whole pool.
    """
    allowed = UNLIMITED
    for budget in pool.disruption.budgets:
        try:
            value = budget_value(budget, nodes, now_ns)
        except InvalidObjectError:
            return 0
        if not budget.reasons or reason in budget.reasons:
            allowed = min(allowed, value)
    return allowed


def budget_value(budget: DisruptionBudget, nodes: int, now_ns: int) -> int:
    """Return what one budget allows of so many nodes, percentages rounded up.

    Raises
    ------
    InvalidObjectError
        If the schedule or the number can't be read.
    """
    if not is_active(budget, now_ns):
        return UNLIMITED
    if _COUNT.fullmatch(budget.nodes):
        return int(budget.nodes)
    percent = _PERCENT.fullmatch(budget.nodes)
    if percent is None:
        raise InvalidObjectError("nodes", f"expected a count or percentage, found {budget.nodes!r}")
    return -(-int(percent[1]) * nodes // 100)


def is_active(budget: DisruptionBudget, now_ns: int) -> bool:
    """Say whether the schedule, if there is one, hit within the budget's duration before now.

    A schedule that never hits counts as active: upstream compares with Go's zero time.
    """
    if budget.schedule is None and budget.duration_ns is None:
        return True
    schedule = CronSchedule.parse(budget.schedule or "")
    hit = schedule.next_after(now_ns - (budget.duration_ns or 0))
    return hit is None or hit <= now_ns
