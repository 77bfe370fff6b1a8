"""Pods are placed as the simulator that looks at every pod places them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.cluster_autoscaler_hints import Pair
from strategies_cluster_autoscaler import all_pods, clusters, node_of, owned_pods

from pyscale.kernel._hints import Hints
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.world import PodList


@given(
    cluster=clusters,
    templates=st.lists(owned_pods | all_pods, min_size=1, max_size=5),
    calls=st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=3),
    keys=st.lists(st.integers(1000, 1004), min_size=1, max_size=4),
    last_match=st.integers(0, 6),
)
def test_pods_go_where_hints_and_the_rotating_scan_send_them(
    cluster, templates, calls, keys, last_match
):
    pair = Pair(cluster, templates)
    placement, twin = pair.placement, pair.twin
    placement.last_match = twin.placement.last_match = last_match
    for kinds in calls:
        placement.fork()
        before = {node: list(pods) for node, pods in twin.pods.items()}
        twin.placement.fork()
        pods = pair.pods(kinds, keys)

        nodes = placement.place_hinted(pair.columns(pods), pair.hints)

        everywhere = np.ones(len(placement.open_nodes), np.bool_)
        expected = twin.place(pods, everywhere, twin.placement.open_nodes)
        assert nodes.tolist() == [expected.get(pod, -1) for pod, _, _ in pods]
        assert placement.last_match == twin.placement.last_match
        ours, theirs = pair.contents()
        assert ours == {n: theirs[n] for n in ours}
        pair.hints.drop_old()
        twin.drop_old()
        placement.revert()
        twin.placement.revert()
        twin.pods = before
        assert pair.contents()[0] == pair.contents()[1]


def test_unknown_classes_are_refused():
    placement = KernelPlacement()
    node = placement.add_node(node_of(4, 4, 4), "n")
    pods = PodList(np.array([0]), np.array([0]), np.array([7], np.int32))

    with pytest.raises(ValueError, match="class 7 is not known"):
        placement.place_hinted(pods, Hints())
    assert placement.is_there(node)
