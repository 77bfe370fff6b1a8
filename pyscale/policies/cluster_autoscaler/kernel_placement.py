"""The snapshot on the constraint kernel that kube-scheduler's decisions run on too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...model.nodes import Node
from ...model.taints import NO_SCHEDULE, Taint
from ..kube_scheduler.objects import ClusterObjects
from ..kube_scheduler.profile import Profile
from ..kube_scheduler.snapshot import Snapshot
from ..kube_scheduler.verdicts import UNRESOLVABLE
from .classes import PodClass
from .placement import Accept, Refusal

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
        self._open: NDArray[np.uint8] = np.zeros(64, np.uint8)

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
            self._open = np.concatenate([self._open, np.zeros(handle + 1, np.uint8)])
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

    def scan(self, pod_class: PodClass, accept: Accept | None = None) -> int | None:
        """Return the first node that takes a pod, by rotating scan, and remember its place."""
        accepted = self._open
        if accept is not None:
            accepted = np.zeros_like(self._open)
            for node in np.flatnonzero(self._open):
                accepted[node] = accept(int(node))
        return self.scan_among(pod_class, accepted)

    def scan_among(self, pod_class: PodClass, accepted: NDArray[np.uint8]) -> int | None:
        """Scan the nodes that have a 1 in ``accepted``, which has an entry per handle."""
        class_id = self.class_id(pod_class)
        known = self._snapshot.classes[class_id]
        if known.names is not None:
            named = [self._snapshot.name_of(node) in known.names for node in range(len(accepted))]
            accepted = accepted & np.array(named, np.uint8)
        place = self.state.scan_list(class_id, self.last_match + 1, accepted)
        if place < 0:
            return None
        self.last_match = place
        return int(self.state.node_at(place))
