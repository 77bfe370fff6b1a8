"""The snapshot on the constraint kernel that kube-scheduler's decisions run on too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from pyscale.kernel._estimate import CheckedNodes, NewNodes, is_plain, room_verdicts
from pyscale.kernel._remove import empty_node, move_pods

from ...model.nodes import Node
from ...model.taints import NO_SCHEDULE, Taint
from ..kube_scheduler.objects import ClusterObjects
from ..kube_scheduler.profile import Profile
from ..kube_scheduler.snapshot import Snapshot
from ..kube_scheduler.verdicts import UNRESOLVABLE
from .classes import PodClass
from .equivalence import PodGroup
from .estimator import Counts, Estimate, has_hostname_spread, order_of
from .node_shapes import NodeShape
from .placement import Mask, Refusal

HONOR = "Honor"
_NOT_NAMED = Refusal("NodeAffinity", ("node(s) didn't satisfy plugin(s) [NodeAffinity]",), True)


class KernelPlacement:
    """Nodes in order of addition, pods by class, checked by the compiled filters.

    Parameters
    ----------
    objects : ClusterObjects, optional
        What the filters look up by name: namespaces, volumes.
    """

    def __init__(self, objects: ClusterObjects | None = None) -> None:
        profile = Profile(score_weights={})
        self._snapshot = Snapshot(profile, objects, interleaved=False)
        self.state = self._snapshot.state
        self.last_match = 0
        self._classes: dict[int, int] = {}
        self._kept: list[PodClass] = []
        self._honours_taints = False
        self._size = 0
        self._forks: list[int] = []
        self._open: Mask = np.zeros(64, np.bool_)
        self._new_names: list[tuple[int, int]] = []

    def class_id(self, pod_class: PodClass) -> int:
        """Return the kernel's number of a class."""
        found = self._classes.get(id(pod_class))
        if found is None:
            template = pod_class.template
            found = self._snapshot.pod_class(template, pod_class.terminating)
            self._classes[id(pod_class)] = found
            self._kept.append(pod_class)
            self._honours_taints |= any(
                constraint.node_taints_policy == HONOR
                for constraint in template.spec.topology_spread_constraints
            )
        return found

    # --- nodes ---

    def reset(self) -> None:
        """Drop all nodes; the scan's memory stays."""
        while self._forks:
            self.revert()
        for node in self.state.active_nodes():
            self._snapshot.remove_node(node)
        self._size = 0

    def size(self) -> int:
        """Return the number of nodes."""
        return self._size

    def add_node(self, node: Node, name: str, pods: Iterable[PodClass]) -> int:
        """Append a node with pods; return its handle."""
        handle = self._snapshot.insert_node(node, name)
        for pod_class in pods:
            self.state.add_pod(self.class_id(pod_class), handle)
        if handle >= len(self._open):
            self._open = np.concatenate([self._open, np.zeros(handle + 1, np.bool_)])
        self._open[handle] = not node.unschedulable
        self._size += 1
        return handle

    def change_node(self, node: int, to: Node) -> None:
        """Change a node's labels, taints or cordon, in place."""
        self._snapshot.relabel(node, to)
        self._open[node] = not to.unschedulable

    def remove_node(self, node: int) -> None:
        """Take a node and its pods out of the list."""
        if not self._forks:
            self._snapshot.remove_node(node)
            self._size -= 1
            return
        self.state.remove_node(node)
        self._size -= 1

    def taint_node(self, node: int, key: str) -> None:
        """Give a node a NoSchedule taint, in place.

        Only constraints that honour taints can tell, so nothing is done without any.
        """
        if not self._honours_taints:
            return
        given = self._snapshot.nodes[node]
        tainted = replace(given, taints=(*given.taints, Taint(key, NO_SCHEDULE)))
        self._snapshot.relabel(node, tainted)

    # --- forks ---

    def fork(self) -> None:
        """Remember the state."""
        self.state.fork()
        self._forks.append(self._size)

    def revert(self) -> None:
        """Undo everything since the last fork."""
        self.state.revert()
        self._size = self._forks.pop()

    def commit(self) -> None:
        """Keep everything since the last fork."""
        self.state.commit()
        self._forks.pop()

    # --- pods ---

    def place(self, pod_class: PodClass, node: int) -> None:
        """Put a pod on a node, unchecked."""
        self.state.add_pod(self.class_id(pod_class), node)

    def displace(self, pod_class: PodClass, node: int) -> None:
        """Take a pod off a node."""
        self.state.remove_pod(self.class_id(pod_class), node)

    def refusal(self, pod_class: PodClass, node: int) -> Refusal | None:
        """Return why a node refuses a pod, None if it takes it."""
        class_id = self.class_id(pod_class)
        known = self._snapshot.classes[class_id]
        if known.pre_filter is not None:
            found = known.pre_filter
        elif known.names is not None and self._snapshot.name_of(node) not in known.names:
            return _NOT_NAMED
        else:
            verdict, shortfall = self.state.verdict(class_id, node)
            if verdict == 0:
                return None
            refused = self._snapshot.refusal(verdict, shortfall)
            assert refused is not None
            found = refused
        return Refusal(found.plugin, found.reasons, found.status == UNRESOLVABLE)

    def empty(self, node: int) -> None:
        """Take all pods off a node."""
        empty_node(self.state, node)

    def move(self, classes: Sequence[PodClass], mask: Mask) -> list[int]:
        """Place pods by rotating scan until one fits nowhere; return the nodes of those placed."""
        ids = [self.class_id(pod_class) for pod_class in classes]
        if any(self._snapshot.classes[class_id].names is not None for class_id in set(ids)):
            return self._move_named(classes, mask)
        nodes = np.empty(len(ids), np.int32)
        accepted = (self._open & mask).view(np.uint8)
        count, self.last_match = move_pods(
            self.state, np.array(ids, np.int32), accepted, self.last_match, nodes
        )
        return list(map(int, nodes[:count].tolist()))

    def _move_named(self, classes: Sequence[PodClass], mask: Mask) -> list[int]:
        nodes: list[int] = []
        for pod_class in classes:
            node = self.scan(pod_class, mask)
            if node is None:
                break
            self.place(pod_class, node)
            nodes.append(node)
        return nodes

    def is_plain(self, pod_class: PodClass) -> bool:
        """Whether nothing but room and the node itself restricts a class."""
        return bool(is_plain(self.state, self.class_id(pod_class)))

    def mask(self) -> Mask:
        """Return a mask of nothing, for the nodes that are there."""
        return np.zeros(len(self._open), np.bool_)

    def scan(self, pod_class: PodClass, mask: Mask | None = None) -> int | None:
        """Return the first node that takes a pod, by rotating scan, and remember its place."""
        class_id = self.class_id(pod_class)
        accepted = self._open if mask is None else self._open & mask
        known = self._snapshot.classes[class_id]
        if known.names is not None:
            named = [self._snapshot.name_of(node) in known.names for node in range(len(accepted))]
            accepted = accepted & np.array(named, np.bool_)
        if not self._size:
            return None
        place = self.state.scan_list(class_id, self.last_match + 1, accepted.view(np.uint8))
        if place < 0:
            return None
        self.last_match = place
        return int(self.state.node_at(place))

    # --- estimates ---

    def estimate(
        self, shape: NodeShape, groups: Sequence[PodGroup], limit: int, fast_path: bool
    ) -> Estimate:
        """Return how many new nodes of a shape groups of pods need; the scan's memory moves on.

        Groups whose pods nothing but room and the node itself restricts are placed by counting;
        if there is another one, every pod of all groups is checked.
        """
        order, arithmetic = order_of(groups, shape, fast_path)
        classes = np.array([self.class_id(groups[i].pod_class) for i in order], np.int32)
        counts = np.array([len(groups[i].pods) for i in order], np.int64)
        placed = np.zeros(len(order), np.int64)
        alone = bytearray(groups[i].is_alone for i in order)
        by_arithmetic = -1 if arithmetic is None else len(order) - 1
        n_base = self._size
        self.fork()
        node = self.add_node(shape.node, "estimated-node", shape.pods)
        fits = room_verdicts(self.state, classes, node)
        is_plain_all = not shape.node.unschedulable and all(
            is_plain(self.state, class_id) for class_id in set(classes.tolist())
        )
        result = Estimate()
        dealt: NewNodes | CheckedNodes
        if is_plain_all:
            dealt = nodes = NewNodes(self.state, node, n_base, self.last_match, limit)
            self.revert()
            nodes.deal(classes, counts, fits, alone, placed, by_arithmetic)
            result.per_node = [(size, _by_position(held, order)) for size, held in nodes.contents()]
        else:
            self.revert()
            self.fork()
            dealt = checked = self._checked(shape, limit)
            possible = bytearray(self._is_possible(class_id) for class_id in classes.tolist())
            spreads = bytearray(has_hostname_spread(groups[i]) for i in order)
            checked.deal(classes, counts, possible, spreads, alone, placed, by_arithmetic)
            self.revert()
            opened = set(checked.nodes)
            result.per_node = [(1, _by_position(checked.held[new], order)) for new in checked.nodes]
            result.existing = {
                old: _by_position(held, order)
                for old, held in checked.held.items()
                if old not in opened
            }
        self.last_match = dealt.last_match
        result.arithmetic_nodes = dealt.arithmetic_nodes
        result.placed = {
            position: count for position, count in zip(order, placed.tolist(), strict=True) if count
        }
        return result

    def _checked(self, shape: NodeShape, limit: int) -> CheckedNodes:
        own = [self.class_id(pod_class) for pod_class in shape.pods]
        return CheckedNodes(
            self.state,
            self._snapshot.kind(shape.node),
            own,
            self._new_name,
            self.last_match,
            limit,
            self._open.view(np.uint8),
        )

    def _new_name(self, number: int) -> tuple[int, int]:
        while len(self._new_names) <= number:
            name = f"estimated-node-{len(self._new_names)}"
            self._new_names.append(self._snapshot.name_ids(name))
        return self._new_names[number]

    def _is_possible(self, class_id: int) -> bool:
        known = self._snapshot.classes[class_id]
        return known.pre_filter is None and known.names is None


def _by_position(counts: Counts, order: Sequence[int]) -> Counts:
    return {order[group]: count for group, count in counts.items()}
