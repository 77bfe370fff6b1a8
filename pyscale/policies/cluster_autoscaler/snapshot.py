"""The cluster of one loop by names: which node is which handle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from operator import attrgetter, is_not

import numpy as np

from ...model.nodes import Node
from .classes import PodClass
from .kernel_placement import KernelPlacement
from .world import Int32s, PodList

_NAME = attrgetter("name")


@dataclass(slots=True, eq=False)  # frozen ones take thrice as long to make
class LoadedNode:
    """A node of the base: its object and the pods on it, in order; not changed in place."""

    name: str
    node: Node
    pods: PodList


@dataclass(slots=True)
class Snapshot:
    """Names beside a placement, and the base that is loaded anew for each loop."""

    placement: KernelPlacement
    _loaded: list[LoadedNode] = field(default_factory=list)
    _base: Int32s = field(default_factory=lambda: np.empty(0, np.int32))  # handles, as loaded
    _places: dict[str, int] = field(default_factory=dict)
    _handles: dict[str, int] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _added: list[list[str]] = field(default_factory=list)

    def load(
        self, nodes: Sequence[LoadedNode], table: Sequence[PodClass]
    ) -> tuple[Int32s, list[int]]:
        """Take in the cluster of the next loop; the rotating scan goes on where it was.

        Whatever was done since the last call is undone, and only what differs from the last
        cluster is changed: loaded nodes that are the same object are the same.

        Parameters
        ----------
        nodes : sequence of LoadedNode
            In listing order.
        table : sequence of PodClass
            All classes, by index.

        Returns
        -------
        (ndarray of int32, list of int)
            The nodes' handles, and the positions of those that are new or changed.
        """
        self.restore()
        before, names_before = self._loaded, self._places
        self._places = dict(zip(map(_NAME, nodes), range(len(nodes)), strict=True))
        places = map(self._places.get, names_before, repeat(-1))
        where = np.fromiter(places, np.int64, len(before))
        stays = where >= 0
        for i in np.flatnonzero(~stays).tolist():
            self.placement.remove_node(self._handles.pop(before[i].name))
        kept, known = list(compress(before, stays.tolist())), self._base[stays]
        if (where[stays] != np.arange(len(kept))).any():
            self._drop_all()
            kept, known = [], known[:0]
        is_changed = np.fromiter(map(is_not, kept, nodes), np.bool_, len(kept))
        changed = np.flatnonzero(is_changed).tolist()
        self._change([(kept[i], nodes[i]) for i in changed], table)
        fresh = nodes[len(kept) :]
        changed += range(len(kept), len(nodes))
        names_of_fresh = [node.name for node in fresh]
        handles = self.placement.add_nodes(
            [node.node for node in fresh], names_of_fresh, [node.pods for node in fresh], table
        )
        self._handles.update(zip(names_of_fresh, handles, strict=True))
        self._names.update(zip(handles, names_of_fresh, strict=True))
        self._loaded = list(nodes)
        self._base = np.concatenate([known, np.array(handles, np.int32)])
        return self._base, changed

    def loaded(self, name: str) -> LoadedNode | None:
        """Return a node of the cluster that was loaded last, None if it had no such node."""
        place = self._places.get(name)
        return None if place is None else self._loaded[place]

    def restore(self) -> None:
        """Undo whatever was done since the last cluster was loaded."""
        while self._added:
            self.revert()

    def exchange(
        self, pairs: Sequence[tuple[LoadedNode, LoadedNode]], table: Sequence[PodClass]
    ) -> None:
        """Change nodes of the cluster that was loaded last, outside of forks: from, to."""
        for _, node in pairs:
            self._loaded[self._places[node.name]] = node
        self._change(pairs, table)

    def _change(
        self, pairs: Sequence[tuple[LoadedNode, LoadedNode]], table: Sequence[PodClass]
    ) -> None:
        if not pairs:
            return
        self.placement.learn(np.concatenate([node.pods.classes for _, node in pairs]), table)
        for before, node in pairs:
            handle = self._handles[node.name]
            if before.node is not node.node:
                self.placement.change_node(handle, node.node)
            if before.pods is not node.pods:
                self.placement.set_pods(handle, node.pods)

    def _drop_all(self) -> None:
        self.placement.reset()
        self._handles.clear()
        self._names.clear()

    def _note(self, name: str, handle: int) -> None:
        self._handles[name] = handle
        self._names[handle] = name

    def add_node(self, node: Node, name: str, own: Iterable[PodClass] = ()) -> int:
        """Append a node that is no part of the base; ``own`` are pods that have no ids."""
        handle = self.placement.add_node(node, name, own=own)
        self._note(name, handle)
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
