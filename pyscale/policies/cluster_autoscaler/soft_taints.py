"""Soft taints: unneeded nodes are marked so that the scheduler prefers others.

Specification section 5.9; upstream ``core/scaledown/actuation/softtaint.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...model.taints import PREFER_NO_SCHEDULE, Taint
from ...model.times import SECOND
from .actuator import CONFLICT_RETRY
from .options import Options
from .world import DELETION_CANDIDATE, TO_BE_DELETED, NodeRow, World


def update_soft_taints(
    world: World, options: Options, unneeded: Sequence[NodeRow], needed: Iterable[NodeRow]
) -> None:
    """Untaint nodes that are needed again, taint unneeded ones, within the budget of one loop.

    Nodes under deletion (as listed) are left alone.  A stale copy of a node costs the wait for a
    retry, which counts against the time allowed.
    """
    calls = options.max_bulk_soft_taint_count
    start = world.now()
    for nodes, add in ((needed, False), (unneeded, True)):
        for node in nodes:
            if node.taint(TO_BE_DELETED) is not None:
                continue
            if (node.taint(DELETION_CANDIDATE) is not None) == add:
                continue
            if calls <= 0 or world.now() - start >= options.max_bulk_soft_taint_time:
                return
            calls -= 1
            _update(world, node, add)


def _update(world: World, node: NodeRow, add: bool) -> None:
    taint = Taint(DELETION_CANDIDATE, PREFER_NO_SCHEDULE, str(world.now() // SECOND))
    version = node.version
    while True:
        if add:
            done = world.update_taints(node.name, version, [taint])
        else:
            done = world.update_taints(node.name, version, remove=[DELETION_CANDIDATE])
        if done:
            return
        world.sleep(CONFLICT_RETRY)
        fresh = world.node(node.name)
        if fresh is None or (fresh.taint(DELETION_CANDIDATE) is not None) == add:
            return
        version = fresh.version
