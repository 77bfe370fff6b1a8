"""Hints hold for the call that gave them and for the next."""

import numpy as np
import pytest
from strategies_cluster_autoscaler import node_of, template

from pyscale.kernel._hints import Hints
from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.world import PodList


@pytest.mark.parametrize(
    ("calls", "node"), [(0, 0), (1, 0), (2, 1)], ids=["this call", "the next", "later"]
)
@pytest.mark.parametrize("key", [0, 1_000_000])
def test_a_hint_holds_until_the_next_call_is_over(calls, node, key):
    placement, hints = KernelPlacement(), Hints()
    placement.class_id(ClassTable().add(0, template(1, 1)))
    for name in ("a", "b"):
        placement.add_node(node_of(9, 9, 9), name)
    pod = PodList(np.array([7]), np.array([key]), np.zeros(1, np.int32))
    placement.last_match = 1  # the scan begins at the first node
    assert placement.place_hinted(pod, hints).tolist() == [0]
    for _ in range(calls):
        hints.drop_old()

    # Without the hint the scan, which begins behind its last hit, takes the second.
    assert placement.place_hinted(pod, hints).tolist() == [node]
