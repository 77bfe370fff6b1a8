"""The cluster of one loop by names: which node is which handle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...model.nodes import Node
from .classes import PodClass
from .kernel_placement import KernelPlacement
from .world import Int32s, Int64s, PodsByNode


@dataclass(slots=True)
class Snapshot:
    """Names beside a placement, and the base that is loaded anew for each loop."""

    placement: KernelPlacement
    _base: Int32s = field(default_factory=lambda: np.empty(0, np.int32))  # handles, as loaded
    _nodes: dict[int, Node] = field(default_factory=dict)  # of the base, by handle
    _handles: dict[str, int] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _added: list[list[str]] = field(default_factory=list)

    def load(
        self,
        kept: Int64s,
        changed: Int64s,
        fresh: Sequence[tuple[str, Node]],
        held: PodsByNode,
        table: Sequence[PodClass],
    ) -> Int32s:
        """Take in the cluster of the next loop; the rotating scan goes on where it was.

        Whatever was done since the last call is undone, and only what differs from the last
        cluster is changed: Node objects that are the same object are the same.

        Parameters
        ----------
        kept : ndarray of int64
            Positions, in the cluster loaded last, of the nodes that come first now; ascending.
        changed : ndarray of int64
            Positions of nodes among those that may be other Node objects or have other pods.
        fresh : sequence of (str, Node)
            Names and objects of the changed nodes, and behind them those of the nodes that follow
            the kept ones.
        held : PodsByNode
            Their pods.
        table : sequence of PodClass
            All classes, by index.

        Returns
        -------
        ndarray of int32
            The nodes' handles.
        """
        self.restore()
        if len(kept) < len(self._base):
            self._drop(np.delete(self._base, kept))
            self._base = self._base[kept]
        new = fresh[len(changed) :]
        if new:
            held, of_new = held.split(len(changed))
        if len(changed):
            self._change(self._base[changed], fresh, held, table)
        if new:
            self._append(new, of_new, table)
        return self._base

    def _drop(self, handles: Int32s) -> None:
        for handle in handles.tolist():
            self.placement.remove_node(handle)
            del self._nodes[handle], self._handles[self._names.pop(handle)]

    def _change(
        self,
        handles: Int32s,
        to: Sequence[tuple[str, Node]],
        held: PodsByNode,
        table: Sequence[PodClass],
    ) -> None:
        nodes = self._nodes
        for handle, (_, node) in zip(handles.tolist(), to, strict=False):
            if nodes[handle] is not node:
                self.placement.change_node(handle, node)
                nodes[handle] = node
        self.placement.set_pods(handles, held, table)

    def _append(
        self, given: Sequence[tuple[str, Node]], held: PodsByNode, table: Sequence[PodClass]
    ) -> None:
        names, nodes = zip(*given, strict=True)
        handles = self.placement.add_nodes(nodes, names, held, table)
        self._nodes.update(zip(handles, nodes, strict=True))
        self._handles.update(zip(names, handles, strict=True))
        self._names.update(zip(handles, names, strict=True))
        self._base = np.concatenate([self._base, np.array(handles, np.int32)])

    def restore(self) -> None:
        """Undo whatever was done since the last cluster was loaded."""
        while self._added:
            self.revert()

    def add_node(self, node: Node, name: str, own: Iterable[PodClass] = ()) -> int:
        """Append a node that is no part of the base; ``own`` are pods that have no ids."""
        handle = self.placement.add_node(node, name, own=own)
        self._handles[name] = handle
        self._names[handle] = name
        self._added[-1].append(name)
        return handle

    def remove_node(self, name: str) -> None:
        """Take a node out, until the fork is undone."""
        self.placement.remove_node(self._handles[name])

    def handle(self, name: str) -> int | None:
        """Return a node's handle, None if there is no such node."""
        handle = self._handles.get(name)
        return handle if handle is not None and self.placement.is_there(handle) else None

    def handles(self, names: Iterable[str]) -> list[int]:
        """Return the handles of those nodes that are there."""
        is_there = self.placement.residents.is_there
        known = map(self._handles.get, names)
        return [handle for handle in known if handle is not None and is_there(handle)]

    def name(self, handle: int) -> str:
        """Return a node's name."""
        return self._names[handle]

    def added(self) -> list[str]:
        """Return the names of the nodes that are no part of the base."""
        return [name for names in self._added for name in names]

    def size(self) -> int:
        """Return the number of nodes."""
        return self.placement.size()

    def arrived(self) -> Int32s:
        """Return the nodes to which pods came since the cluster was loaded."""
        nodes = self.placement.residents.arrived()
        return np.unique(nodes) if len(nodes) else nodes

    def fork(self) -> None:
        """Remember the state."""
        self.placement.fork()
        self._added.append([])

    def revert(self) -> None:
        """Go back to the last fork."""
        self.placement.revert()
        for name in self._added.pop():
            del self._names[self._handles.pop(name)]
