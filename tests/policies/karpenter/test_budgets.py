"""Disruption budgets: percentages, windows, and what closes a pool."""

import pytest

from pyscale.model.disruption import DisruptionBudget, DisruptionSettings
from pyscale.model.groups import NodePool
from pyscale.model.times import HOUR, MINUTE, parse_timestamp
from pyscale.policies.karpenter.budgets import (
    UNLIMITED,
    allowed_disruptions,
    budgets_of_pools,
    is_active,
)

NOON = parse_timestamp("2026-01-05T12:00:00Z")


def pool(*budgets):
    return NodePool("p", disruption=DisruptionSettings(budgets=budgets))


def allowed(*budgets, nodes=10, reason="Empty"):
    return allowed_disruptions(pool(*budgets), nodes, reason, NOON)


@pytest.mark.parametrize(("nodes", "value"), [(0, 0), (1, 1), (10, 1), (11, 2), (100, 10)])
def test_percentages_round_up(nodes, value):
    assert allowed(DisruptionBudget("10%"), nodes=nodes) == value


def test_the_smallest_budget_for_the_reason_counts():
    budgets = (DisruptionBudget("5"), DisruptionBudget("0", ("Drifted",)))
    assert allowed(*budgets, reason="Empty") == 5
    assert allowed(*budgets, reason="Underutilized") == 5
    assert allowed(*budgets, reason="Drifted") == 0


def test_budgets_and_reasons_may_be_lists():
    settings = DisruptionSettings(budgets=[DisruptionBudget("3", ["Empty"])])
    lists = NodePool("p", disruption=settings)
    assert allowed_disruptions(lists, 10, "Empty", NOON) == 3
    assert allowed_disruptions(lists, 10, "Drifted", NOON) == UNLIMITED


def test_no_budgets_mean_no_limit():
    assert allowed() == UNLIMITED


@pytest.mark.parametrize(
    "bad",
    [
        DisruptionBudget("many"),
        DisruptionBudget("1", schedule="bad cron", duration_ns=HOUR),
        DisruptionBudget("1", ("Drifted",), schedule="bad cron", duration_ns=HOUR),
    ],
)
def test_a_budget_that_cannot_be_read_closes_the_pool(bad):
    assert allowed(DisruptionBudget("5"), bad) == 0


def test_a_window_is_open_from_its_hit_for_its_duration():
    window = DisruptionBudget("0", schedule="0 11 * * *", duration_ns=HOUR)
    assert not is_active(window, NOON - 61 * MINUTE)
    assert is_active(window, NOON - 60 * MINUTE)
    assert is_active(window, NOON - 1)
    assert not is_active(window, NOON)


def test_a_schedule_that_never_hits_is_always_open():
    assert is_active(DisruptionBudget("0", schedule="0 0 30 2 *", duration_ns=HOUR), NOON)


def test_nodes_that_use_the_budget_up_are_taken_off():
    # Three nodes count, of which one is available.
    for share, left in (("100%", 1), ("34%", 0)):
        assert budgets_of_pools([pool(DisruptionBudget(share))], [(3, 2)], "Empty", NOON) == [left]
