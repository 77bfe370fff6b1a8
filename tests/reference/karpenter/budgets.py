"""Disruption budgets of NodePools."""

import math
from datetime import timedelta

from .clock import CronSchedule, parse_duration

UNLIMITED = 2147483647


class InvalidBudget(Exception):
    pass


def budget_mapping(cluster, reason):
    """Pool → how many nodes may be disrupted for this reason now."""
    return {
        pool.name: max(
            allowed_disruptions(pool, node_count(cluster, pool), reason, cluster.now)
            - disrupting_count(cluster, pool),
            0,
        )
        for pool in cluster.all_pools.values()
    }


def budgeted_nodes(cluster, pool):
    return [
        node
        for node in cluster.nodes
        if node.pool == pool.name and node.initialized and not node.given.get("instanceTerminating")
    ]


def node_count(cluster, pool):
    return len(budgeted_nodes(cluster, pool))


def disrupting_count(cluster, pool):
    return sum(
        1 for node in budgeted_nodes(cluster, pool) if not node.ready or node.marked_for_deletion
    )


def allowed_disruptions(pool, nodes, reason, now):
    """The smallest value of the budgets for the reason; an invalid one closes the whole pool."""
    try:
        values = [(budget, budget_value(budget, nodes, now)) for budget in pool.budgets]
    except InvalidBudget:
        return 0
    return min(
        [
            value
            for budget, value in values
            if not budget.get("reasons") or reason in budget["reasons"]
        ],
        default=UNLIMITED,
    )


def budget_value(budget, nodes, now):
    if not is_active(budget, now):
        return UNLIMITED
    text = str(budget["nodes"])
    try:
        if text.endswith("%"):
            return math.ceil(int(text[:-1]) * nodes / 100)
        return int(text)
    except ValueError as error:
        raise InvalidBudget(text) from error


def is_active(budget, now):
    """Whether the schedule hit within the duration before now."""
    if not budget.get("schedule"):
        return True
    try:
        schedule = CronSchedule(budget["schedule"])
    except ValueError as error:
        raise InvalidBudget(budget["schedule"]) from error
    return schedule.next_after(now - timedelta(seconds=parse_duration(budget["duration"]))) <= now
