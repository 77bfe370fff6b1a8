"""Costs, order and scores of candidates: small cases worked out by hand."""

import numpy as np
import pytest

from pyscale.model.pods import Pod, PodSpec, PodTemplate
from pyscale.model.times import HOUR
from pyscale.policies.karpenter.costs import NodeCosts, eviction_cost, lifetime_remaining
from pyscale.policies.karpenter.disruption import interleaved_by_pool
from pyscale.policies.karpenter.state import StateNode

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def pod(priority=None, cost=None):
    annotations = {} if cost is None else {DELETION_COST: cost}
    return Pod("p", PodTemplate(PodSpec(priority=priority), annotations=annotations))


@pytest.mark.parametrize(
    ("made", "cost"),
    [
        (pod(), 1.0),
        (pod(priority=10**9), 10.0),
        (pod(cost=str(2**31 - 1)), 10.0),
        (pod(cost=str(-(2**31))), -10.0),
        (pod(cost="1e3"), 1.0 + 1000 / 2**27),
        (pod(cost="many"), 1.0),
        (pod(cost="1_000"), 1.0),
        (pod(priority=-(2**26)), -1.0),
    ],
)
def test_the_cost_of_an_eviction_is_clamped_and_ignores_what_is_no_number(made, cost):
    assert eviction_cost(made) == cost


def test_pods_that_nobody_misses_make_a_node_empty():
    costs = NodeCosts.of([pod(priority=-(2**26)), pod(cost=str(-(2**27)))])
    assert costs.reschedule == 1.0
    assert costs.has_pods_to_move


def test_pools_take_turns_in_the_order_of_their_names():
    ordered, pools = np.array([7, 5, 3, 2, 9], np.int32), [1, 1, 0, 0, 1]
    assert interleaved_by_pool(ordered, pools, ["a", "b"]).tolist() == [3, 7, 2, 5, 9]


def test_a_life_is_counted_from_the_creation():
    node = StateNode("n", "n", {}, {}, {}, creation_ns=0, expire_after_ns=4 * HOUR)
    assert lifetime_remaining(node, HOUR) == 0.75
    assert lifetime_remaining(node, 9 * HOUR) == 0.0
    assert lifetime_remaining(StateNode("n", "n", {}, {}, {}, creation_ns=0), HOUR) == 1.0
