"""Rounds of removals that are sketched end as if every move had been made in the state."""

import random

import numpy as np
import pytest
from reference.cluster_autoscaler_hints import Pair, assert_removals_agree
from strategies_cluster_autoscaler import node_of, template

from pyscale.kernel._removals import NO_PLACE, REMOVABLE


@pytest.mark.parametrize("told_after", [40, 149])
@pytest.mark.parametrize("seed", range(3))
def test_many_nodes_go_or_stay_as_there_is_room_for_what_they_held(seed, told_after):
    draw = random.Random(seed)
    templates = [template(1 + i, draw.randint(1, 4)) for i in range(5)]
    cluster = [
        (node_of(draw.randint(3, 12), 20, 9), draw.choices(range(5), k=draw.randint(0, 3)))
        for _ in range(150)
    ]
    pair = Pair(cluster, templates)
    usable = pair.placement.mask()
    usable[list(pair.twin.names)] = True

    found = assert_removals_agree(pair, usable, [2] * 5, told_after)

    assert {REMOVABLE, NO_PLACE} <= set(found)


def test_room_that_a_failed_removal_gives_back_is_used_again():
    # The first pod of node 0 goes to node 2, which then refuses the second; so does node 1.
    # Both stay, and node 2 takes what it refused from node 1.
    templates = [template(3, 1), template(4, 1)]
    cluster = [(node_of(7, 9, 9), [0, 1]), (node_of(4, 9, 9), [1]), (node_of(5, 9, 9), [])]
    pair = Pair(cluster, templates)
    usable = pair.placement.mask()
    usable[list(pair.twin.names)] = True

    found = assert_removals_agree(pair, usable, [2, 2], told_after=2, rounds=1)

    assert found[:2] == [NO_PLACE, REMOVABLE]


def test_a_pod_that_moved_moves_on_with_the_node_that_took_it():
    cluster = [(node_of(3, 9, 9), [0]), (node_of(3, 9, 9), []), (node_of(3, 9, 9), [])]
    pair = Pair(cluster, [template(3, 1)])
    usable = pair.placement.mask()
    usable[list(pair.twin.names)] = True
    n0, n1, n2 = pair.twin.names
    pair.placement.fork()
    removal = pair.placement.begin_removals(
        pair.hints, usable, usable.copy(), np.array([2], np.int8), None
    )

    assert removal.remove(n0) == REMOVABLE
    assert removal.remove(n1) == REMOVABLE
    assert removal.remove(n2) == NO_PLACE

    pods, _, to = removal.moves()
    assert pods.tolist() == [0, 0]
    assert to.tolist() == [n1, n2]
    removal.publish()
    assert list(pair.placement.content(n2)) == [0]
    assert not pair.placement.is_there(n0)
    pair.placement.revert()
    assert list(pair.placement.content(n0)) == [0]
