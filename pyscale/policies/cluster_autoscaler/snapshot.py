"""The cluster of one loop by names: which node is which handle, and which pods are on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...model.nodes import Node
from .classes import PodClass
from .placement import Mask, Placement
from .world import Lookup


@dataclass(frozen=True, slots=True, eq=False)
class LoadedNode:
    """A node of the base: its object and the pods on it, in order."""

    name: str
    node: Node
    pods: Sequence[int]


@dataclass(slots=True)
class Snapshot:
    """Names and pods beside a :class:`Placement`; forks are undone together.

    A node's list of pods is never changed in place, so its identity tells whether the pods are
    still the same.
    """

    placement: Placement
    _loaded: dict[str, LoadedNode] = field(default_factory=dict)
    _handles: dict[str, int] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _pods: dict[int, Sequence[int]] = field(default_factory=dict)
    _undo: list[list[tuple[int, Sequence[int] | None]]] = field(default_factory=list)

    def load(self, nodes: Sequence[LoadedNode], classes: Lookup[PodClass]) -> None:
        """Take in the cluster of the next loop; the rotating scan goes on where it was.

        Whatever was done since the last call is undone, and only what differs from the last
        cluster is changed.  ``classes`` are the pods' classes by id.
        """
        while self._undo:
            self.revert()
        names = {node.name for node in nodes}
        for name in [name for name in self._loaded if name not in names]:
            self.remove_node(name)
            del self._loaded[name]
        known = list(self._loaded)
        if [node.name for node in nodes[: len(known)]] != known:
            self.reset()
        for node in nodes:
            before = self._loaded.get(node.name)
            if before is None:
                self.add_node(node.node, node.name, node.pods, [classes[p] for p in node.pods])
            elif before.node is not node.node:
                self._exchange(before, node, classes)
            elif before.pods is not node.pods:
                self._change_pods(node, classes)
            self._loaded[node.name] = node

    def _exchange(self, before: LoadedNode, node: LoadedNode, classes: Lookup[PodClass]) -> None:
        handle = self._handles[node.name]
        self.placement.change_node(handle, node.node)
        if before.pods is not node.pods:
            self._change_pods(node, classes)

    def _change_pods(self, node: LoadedNode, classes: Lookup[PodClass]) -> None:
        handle = self._handles[node.name]
        before, after = self._pods[handle], node.pods
        staying = set(before) & set(after)
        for pod in before:
            if pod not in staying:
                self.placement.displace(classes[pod], handle)
        for pod in after:
            if pod not in staying:
                self.placement.place(classes[pod], handle)
        self._pods[handle] = after

    def reset(self) -> None:
        """Drop all nodes."""
        self.placement.reset()
        for table in (self._loaded, self._handles, self._names, self._pods):
            table.clear()
        self._undo.clear()

    def add_node(
        self, node: Node, name: str, pods: Sequence[int] = (), classes: Iterable[PodClass] = ()
    ) -> int:
        """Append a node with its pods; ``classes`` may go beyond the pods that have ids."""
        handle = self.placement.add_node(node, name, classes)
        self._handles[name] = handle
        self._names[handle] = name
        self._set_pods(handle, pods)
        return handle

    def remove_node(self, name: str) -> None:
        """Take a node out."""
        handle = self._handles.pop(name)
        self.placement.remove_node(handle)
        self._set_pods(handle, None)

    def handle(self, name: str) -> int | None:
        """Return a node's handle, None if there is no such node."""
        return self._handles.get(name)

    def name(self, handle: int) -> str:
        """Return a node's name."""
        return self._names[handle]

    def names(self) -> list[str]:
        """Return the names of all nodes."""
        return list(self._handles)

    def size(self) -> int:
        """Return the number of nodes."""
        return len(self._handles)

    def pods_on(self, handle: int) -> Sequence[int]:
        """Return the ids of the pods on a node, in order of arrival."""
        return self._pods[handle]

    def place(self, pod: int, pod_class: PodClass, handle: int) -> None:
        """Put a pod on a node, unchecked."""
        self.placement.place(pod_class, handle)
        self._set_pods(handle, [*self._pods[handle], pod])

    def displace(self, pod: int, pod_class: PodClass, handle: int) -> None:
        """Take a pod off a node."""
        self.placement.displace(pod_class, handle)
        self._set_pods(handle, [other for other in self._pods[handle] if other != pod])

    def empty(self, handle: int) -> None:
        """Take all pods off a node."""
        self.placement.empty(handle)
        self._set_pods(handle, ())

    def move(self, pods: Sequence[int], classes: Sequence[PodClass], mask: Mask) -> list[int]:
        """Place pods by rotating scan until one fits nowhere; return the nodes of those placed."""
        nodes = self.placement.move(classes, mask)
        arrived: dict[int, list[int]] = {}
        for pod, node in zip(pods, nodes, strict=False):
            arrived.setdefault(node, []).append(pod)
        for node, fresh in arrived.items():
            self._set_pods(node, [*self._pods[node], *fresh])
        return nodes

    def fork(self) -> None:
        """Remember the state."""
        self.placement.fork()
        self._undo.append([])

    def revert(self) -> None:
        """Go back to the last fork."""
        self.placement.revert()
        for handle, pods in reversed(self._undo.pop()):
            if pods is None:
                del self._pods[handle]
                del self._handles[self._names[handle]]
            else:
                self._handles[self._names[handle]] = handle
                self._pods[handle] = pods

    def commit(self) -> None:
        """Keep what was done since the last fork."""
        self.placement.commit()
        operations = self._undo.pop()
        if self._undo:
            self._undo[-1] += operations

    def _set_pods(self, handle: int, pods: Sequence[int] | None) -> None:
        """Change a node's pods, None for no node; remember what was there in a fork."""
        if self._undo:
            self._undo[-1].append((handle, self._pods.get(handle)))
        if pods is None:
            del self._pods[handle]
        else:
            self._pods[handle] = pods
