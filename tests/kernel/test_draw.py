"""A drawn node is one that takes the pod, and every such node is drawn about as often."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies_cluster_autoscaler import node_of, template

from pyscale.kernel._hints import Hints
from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.world import PodList


def draws(rooms, seed, times=1, cpu=2):
    """The nodes of so many pods, each placed on its own in nodes with room for so much."""
    pod_class = ClassTable().add(0, template(cpu, 0))
    placement = KernelPlacement(draw_seed=seed)
    placement.class_id(pod_class)
    for number, room in enumerate(rooms):
        placement.add_node(node_of(room, 9, 9), f"n{number}")
    found = []
    for pod in range(times):
        placement.fork()
        ids = np.array([pod], np.int64)
        nodes = placement.place_hinted(PodList(ids, ids, np.zeros(1, np.int32)), Hints())
        found.append(int(nodes[0]))
        placement.revert()
    return found


@given(rooms=st.lists(st.integers(0, 4), min_size=1, max_size=60), seed=st.integers(0, 2**64 - 1))
def test_only_nodes_with_room_are_drawn(rooms, seed):
    fitting = [number for number, room in enumerate(rooms) if room >= 2]
    for node in draws(rooms, seed, times=5):
        assert node in fitting if fitting else node == -1
    assert draws(rooms, seed, times=3) == draws(rooms, seed, times=3)


def test_every_node_with_room_has_the_same_chance():
    few = [0] * 500 + [4, 4, 0, 4, 4]  # found by looking at all
    counts = np.bincount(draws(few, 7, times=2000), minlength=len(few))
    assert np.flatnonzero(counts).tolist() == [500, 501, 503, 504]
    assert counts[counts > 0].min() > 400
    many = np.bincount(draws([4] * 10, 8, times=5000), minlength=10)
    assert many.min() > 400
