"""Laws that hold in every run, read off its records alone."""

from __future__ import annotations

from typing import Any

import numpy as np

HOUR = 3600 * 10**9
MINUTE = 60 * 10**9


def check_laws(result: Any, n_pods: int) -> None:
    """No pod placed twice or lost, no node over its allocatable, events in order."""
    pods, nodes, end = result.pods, result.nodes, result.end_ns
    assert (pods.row >= 0).sum() <= n_pods
    bound, ended = pods.bound_ns >= 0, pods.ended_ns >= 0
    assert not (ended & ~bound).any()
    assert (pods.bound_ns[bound] >= pods.created_ns[bound]).all()
    assert (pods.ended_ns[ended] >= pods.bound_ns[ended]).all()
    until = nodes.until_ns(end)
    assert (nodes.ready_ns[pods.node[bound]] >= 0).all()
    assert (pods.bound_ns[bound] >= nodes.ready_ns[pods.node[bound]]).all()
    assert (np.where(ended, pods.ended_ns, end)[bound] <= until[pods.node[bound]]).all()
    # A pod that stands in for another was created when that one ended, and no pod has two.
    heirs = pods.origin >= 0
    assert len(set(pods.origin[heirs].tolist())) == heirs.sum()
    assert (pods.created_ns[heirs] == pods.ended_ns[pods.origin[heirs]]).all()
    ended_early = result.metrics.evictions + result.metrics.preemptions
    assert ended_early == heirs.sum() + result.metrics.lost_pods
    for node in range(len(nodes)):
        mine = bound & (pods.node == node)
        times = np.concatenate((pods.bound_ns[mine], pods.ended_ns[mine & ended]))
        needs = result.requests[:, pods.class_id]
        changes = np.concatenate((needs[:, mine], -needs[:, mine & ended]), axis=1)
        signs = np.concatenate((np.ones(mine.sum()), np.zeros((mine & ended).sum())))
        order = np.lexsort((signs, times))
        used = np.cumsum(changes[:, order], axis=1)
        assert (used <= result.allocatable[:, nodes.kind[node]][:, None]).all()


def cost_from_records(result: Any, catalog: Any, least: int = MINUTE) -> int:
    """The bill from the node records alone, at standing prices."""
    total = 0
    for kind, begin, end in zip(
        result.nodes.kind.tolist(),
        result.nodes.created_ns.tolist(),
        result.nodes.until_ns(result.end_ns).tolist(),
        strict=True,
    ):
        mine = result.kinds[kind]
        offering = catalog.offering(mine.instance_type, mine.zone, mine.capacity_type)
        if offering is not None:
            total += offering.price_nano * max(end - begin, least)
    return (2 * total + HOUR) // (2 * HOUR)
