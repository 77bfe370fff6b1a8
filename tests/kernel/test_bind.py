"""Whole queues without the GIL decide as one cycle after the other does."""

import numpy as np
import pytest

from pyscale.bench._clusters import mixed_cluster
from pyscale.policies.kube_scheduler.profile import Profile


def heap_root(totals):
    """Upstream's choice: the root of a max-heap built in place."""
    heap = list(range(len(totals)))
    for start in range(len(heap) // 2 - 1, -1, -1):
        parent = start
        while 2 * parent + 1 < len(heap):
            child = 2 * parent + 1
            if child + 1 < len(heap) and totals[heap[child + 1]] > totals[heap[child]]:
                child += 1
            if totals[heap[child]] <= totals[heap[parent]]:
                break
            heap[parent], heap[child] = heap[child], heap[parent]
            parent = child
    return heap[0]


@pytest.mark.parametrize(("n_nodes", "n_pods"), [(7, 300), (110, 2000), (700, 3000)])
def test_a_queue_is_bound_as_one_pod_after_the_other(n_nodes, n_pods):
    snapshot, classes = mixed_cluster(n_nodes, 24)
    order = np.array(classes, np.int32)[
        np.random.default_rng(n_nodes).integers(len(classes), size=n_pods)
    ]
    nodes = np.empty(n_pods, np.int32)
    bound = snapshot.state.bind_queue(order, nodes)
    slow, _ = mixed_cluster(n_nodes, 24)
    for class_id, node in zip(order.tolist(), nodes.tolist(), strict=True):
        outcome, chosen, total, n_feasible, _, _ = slow.state.schedule(class_id)
        assert chosen == node
        if outcome == 0:
            if n_feasible > 1:
                feasible, totals = slow.state.last_window()
                assert feasible[heap_root(totals)] == chosen
                assert max(totals) == total
            slow.add_pod(class_id, chosen)
    assert bound == sum(node >= 0 for node in nodes.tolist())
    assert snapshot.state.next_start == slow.state.next_start


def test_a_queue_of_unknown_classes_is_refused():
    snapshot, _classes = mixed_cluster(3, 2)
    with pytest.raises(ValueError, match=r"classes\[1\]: expected 0..1"):
        snapshot.state.bind_queue(np.array([0, 2], np.int32), np.empty(2, np.int32))


def test_revert_without_fork_is_refused():
    snapshot, _ = mixed_cluster(3, 2)
    with pytest.raises(ValueError, match="no fork to revert"):
        snapshot.state.revert()


def test_weight_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"score_weights\['NodeAffinity'\]: expected 1 to"):
        Profile(score_weights={"NodeAffinity": 0})
