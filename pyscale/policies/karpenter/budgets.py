"""Disruption budgets of NodePools: how many nodes may go for a reason right now.

Follows Karpenter core ``pkg/apis/v1/nodepool.go`` (``GetAllowedDisruptionsByReason``, ``IsActive``)
and ``pkg/controllers/disruption/helpers.go:BuildDisruptionBudgetMapping``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from pyscale.errors import InvalidObjectError
from pyscale.model.disruption import DisruptionBudget
from pyscale.model.groups import NodePool

from .cron import CronSchedule

UNLIMITED = 2**31 - 1

_COUNT = re.compile(r"[0-9]{1,9}")
_PERCENT = re.compile(r"([0-9]{1,9})%")


def budgets_of_pools(
    pools: Sequence[NodePool], counts: Sequence[tuple[int, int]], reason: str, now_ns: int
) -> list[int]:
    """Return, per pool, how many nodes may still be disrupted for the reason.

    ``counts`` are, per pool, how many nodes count for its budgets and how many use them up: those
    do that are not ready or on their way out.
    """
    return [
        max(allowed_disruptions(pool, members, reason, now_ns) - disrupting, 0)
        for pool, (members, disrupting) in zip(pools, counts, strict=True)
    ]


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
    count, percent = _amount(budget.nodes)
    return count if percent is None else -(-percent * nodes // 100)


@lru_cache
def _amount(text: str) -> tuple[int, int | None]:
    """Return a count, or 0 and a percentage."""
    if _COUNT.fullmatch(text):
        return int(text), None
    percent = _PERCENT.fullmatch(text)
    if percent is None:
        raise InvalidObjectError("nodes", f"expected a count or percentage, found {text!r}")
    return 0, int(percent[1])


def is_active(budget: DisruptionBudget, now_ns: int) -> bool:
    """Say whether the schedule, if there is one, hit within the budget's duration before now.

    A schedule that never hits counts as active: upstream compares with Go's zero time.
    """
    if budget.schedule is None and budget.duration_ns is None:
        return True
    schedule = CronSchedule.parse(budget.schedule or "")
    hit = schedule.next_after(now_ns - (budget.duration_ns or 0))
    return hit is None or hit <= now_ns
