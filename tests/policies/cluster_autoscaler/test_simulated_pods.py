"""Pods of views by id."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from strategies_cluster_autoscaler import template

from pyscale.policies.cluster_autoscaler.classes import ClassTable
from pyscale.policies.cluster_autoscaler.simulated_pods import SimulatedPods


def test_a_pod_keeps_the_time_at_which_it_was_seen_first() -> None:
    table = ClassTable()
    pods = SimulatedPods([table.add(i, template(1, i)) for i in range(2)])
    pending = SimpleNamespace(
        pending_pod=np.array([7, 3]),
        pending_class=np.array([1, 0], np.int32),
        pending_since_ns=np.array([50, 60]),
    )

    listed = pods.see_pending(pending)  # type: ignore[arg-type]
    pods.see(np.array([3, 5000]), np.array([0, 1], np.int32), 100)
    pods.see(np.array([5000]), np.array([1], np.int32), 200)

    assert pods.see_pending(pending) is listed  # type: ignore[arg-type]
    assert pods.created_ns(np.array([5000, 3, 7])).tolist() == [100, 60, 50]
    assert [pods.classes[pod].index for pod in (5000, 3, 7)] == [1, 0, 1]
