"""Listings of nodes are compared by name."""

from __future__ import annotations

import numpy as np

from pyscale.model.nodes import Node
from pyscale.policies.cluster_autoscaler.succession import succession_of
from pyscale.policies.cluster_autoscaler.world import NodeRow, PodList


def row(name: str, pods: list[int]) -> NodeRow:
    ids = np.array(pods, np.int64)
    held = PodList(ids, ids, np.zeros(len(pods), np.int32))
    return NodeRow(name, "", Node(name=name), (), False, True, 0, 0, held)


def test_nodes_that_changed_their_order_are_not_kept() -> None:
    before = [row("a", [1]), row("b", [2, 3])]

    how = succession_of(before, [before[1], before[0]])

    assert how.kept.tolist() == []
    assert how.fresh.tolist() == [0, 1]
    assert how.n_changed == 0
    assert how.held.starts.tolist() == [0, 2, 3]
    assert list(how.held.pods) == [2, 3, 1]


def test_what_is_gone_new_or_another_object_is_told_apart() -> None:
    before = [row("a", [1]), row("b", [2]), row("c", [3])]
    other = row("c", [4, 5])

    how = succession_of(before, [before[1], other, row("d", [])])

    assert how.kept.tolist() == [1, 2]
    assert how.fresh.tolist() == [1, 2]
    assert how.n_changed == 1
    first, behind = how.held.split(how.n_changed)
    assert (list(first.pods), first.starts.tolist()) == ([4, 5], [0, 2])
    assert (list(behind.pods), behind.starts.tolist()) == ([], [0, 0])
    some = how.held.where(np.array([False, True]))
    assert (list(some.pods), some.starts.tolist()) == ([5], [0, 1, 1])
