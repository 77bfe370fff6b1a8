"""The estimate of one node group's new nodes, on the compiled kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._estimate import NewNodes
from pyscale.kernel._estimate_checked import CheckedNodes
from pyscale.kernel._verdicts import is_plain, room_verdicts

from .equivalence import PodGroup
from .estimator import Counts, Estimate, fast_path_group, has_hostname_spread, scores
from .node_shapes import NodeShape
from .world import Flags, Int32s, Int64s

if TYPE_CHECKING:
    from .kernel_placement import KernelPlacement


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """Groups of pending pods as columns; cpu in milli-cores, memory in bytes, of one pod.

    ``plain`` are those that nothing but room and the node itself restricts, ``alone`` those that
    stand for as many groups of one pod each.
    """

    groups: Sequence[PodGroup]
    class_ids: Int32s
    counts: Int64s
    cpu: Int64s
    memory: Int64s
    alone: NDArray[np.uint8]
    plain: Flags

    @classmethod
    def of(cls, groups: Sequence[PodGroup], placement: KernelPlacement) -> Demand:
        """Look groups up in a placement."""
        ids = [placement.class_id(group.pod_class) for group in groups]
        plain = {class_id: is_plain(placement.state, class_id) for class_id in set(ids)}
        return cls(
            groups,
            np.array(ids, np.int32),
            np.array([len(group.pods) for group in groups], np.int64),
            np.array([group.pod_class.cpu for group in groups], np.int64),
            np.array([group.pod_class.memory for group in groups], np.int64),
            np.array([group.is_alone for group in groups], np.uint8),
            np.array([plain[class_id] for class_id in ids], np.bool_),
        )

    def where(self, chosen: Int64s) -> Demand:
        """Return the groups at positions."""
        if len(chosen) == len(self.groups):
            return self
        return Demand(
            [self.groups[position] for position in chosen.tolist()],
            self.class_ids[chosen],
            self.counts[chosen],
            self.cpu[chosen],
            self.memory[chosen],
            self.alone[chosen],
            self.plain[chosen],
        )


def estimate(
    placement: KernelPlacement, shape: NodeShape, demand: Demand, limit: int, fast_path: bool
) -> Estimate:
    """Return how many new nodes of a shape pods need; the scan's memory moves on.

    Groups whose pods nothing but room and the node itself restricts are placed by counting; if
    there is another one, or nodes are drawn, every pod of all groups is checked.

    Parameters
    ----------
    placement : KernelPlacement
        The cluster; nothing in it changes.
    shape : NodeShape
    demand : Demand
    limit : int
        Nodes that may be opened: 0 any number, negative none.
    fast_path : bool
        Place one group by arithmetic.
    """
    order = np.argsort(-scores(demand.cpu, demand.memory, shape.allocatable), kind="stable")
    arithmetic = -1
    if fast_path:
        chosen = fast_path_group(order.tolist(), demand.groups, shape.capacity)
        if chosen is not None:
            order = np.append(order[order != chosen], chosen)
            arithmetic = len(order) - 1
    classes, counts, alone = demand.class_ids[order], demand.counts[order], demand.alone[order]
    placed = np.zeros(len(order), np.int64)
    positions = order.tolist()
    n_base = placement.size()
    placement.fork()
    dealt: NewNodes | CheckedNodes
    if demand.plain.all() and not shape.node.unschedulable and placement.draw is None:
        node = placement.add_node(shape.node, "estimated-node", own=shape.pods)
        fits = room_verdicts(placement.state, classes, node)
        nodes = NewNodes(placement.state, node, n_base, placement.last_match, limit)
        placement.revert()
        nodes.deal(classes, counts, fits, alone, placed, arithmetic)
        dealt, node_count, existing = nodes, nodes.used_nodes, {}

        def read_nodes() -> list[tuple[int, Counts]]:
            return [(size, _by_position(held, positions)) for size, held in nodes.contents()]

    else:
        checked = CheckedNodes(
            placement.state,
            placement.kind(shape.node),
            [placement.class_id(pod_class) for pod_class in shape.pods],
            placement.new_name,
            placement.last_match,
            limit,
            placement.open_nodes.view(np.uint8),
            placement.draw,
        )
        possible = bytearray(placement.is_possible(class_id) for class_id in classes.tolist())
        spreads = bytearray(has_hostname_spread(demand.groups[i]) for i in positions)
        checked.deal(classes, counts, possible, spreads, alone, placed, arithmetic)
        placement.revert()
        opened = set(checked.nodes)
        existing = {
            old: _by_position(held, positions)
            for old, held in checked.held.items()
            if old not in opened
        }
        used = sum(1 for held in checked.held.values() if held)
        dealt, node_count = checked, used + checked.arithmetic_nodes

        def read_nodes() -> list[tuple[int, Counts]]:
            return [(1, _by_position(checked.held[new], positions)) for new in checked.nodes]

    placement.last_match = dealt.last_match
    return Estimate(
        {position: n for position, n in zip(positions, placed.tolist(), strict=True) if n},
        node_count,
        existing,
        dealt.arithmetic_nodes,
        read_nodes,
    )


def _by_position(counts: Counts, order: Sequence[int]) -> Counts:
    return {order[group]: count for group, count in counts.items()}
