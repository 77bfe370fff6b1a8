"""The cluster of one loop by names: which node is which handle, and which pods are on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...model.nodes import Node
from .classes import PodClass
from .placement import Placement


@dataclass(slots=True)
class Snapshot:
    """Names and pods beside a :class:`Placement`; forks are undone together."""

    placement: Placement
    _handles: dict[str, int] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _pods: dict[int, list[int]] = field(default_factory=dict)
    _undo: list[list[tuple[str, int, int]]] = field(default_factory=list)
    _removed: dict[int, list[int]] = field(default_factory=dict)

    def reset(self) -> None:
        """Start over for the next loop; the rotating scan goes on where it was."""
        self.placement.reset()
        self._handles.clear()
        self._names.clear()
        self._pods.clear()
        self._undo.clear()
        self._removed.clear()

    def add_node(
        self, node: Node, name: str, pods: Sequence[int] = (), classes: Iterable[PodClass] = ()
    ) -> int:
        """Append a node with its pods; ``classes`` may go beyond the pods that have ids."""
        handle = self.placement.add_node(node, name, classes)
        self._handles[name] = handle
        self._names[handle] = name
        self._pods[handle] = list(pods)
        self._log("add", handle, 0)
        return handle

    def remove_node(self, name: str) -> None:
        """Take a node out."""
        handle = self._handles.pop(name)
        self.placement.remove_node(handle)
        self._removed[handle] = self._pods.pop(handle)
        self._log("remove", handle, 0)

    def handle(self, name: str) -> int | None:
        """Return a node's handle, None if there is no such node."""
        return self._handles.get(name)

    def name(self, handle: int) -> str:
        """Return a node's name."""
        return self._names[handle]

    def names(self) -> list[str]:
        """Return all names, in list order."""
        return [self._names[handle] for handle in sorted(self._pods)]

    def size(self) -> int:
        """Return the number of nodes."""
        return len(self._pods)

    def pods_on(self, handle: int) -> list[int]:
        """Return the ids of the pods on a node, in order of arrival."""
        return self._pods[handle]

    def place(self, pod: int, pod_class: PodClass, handle: int) -> None:
        """Put a pod on a node, unchecked."""
        self.placement.place(pod_class, handle)
        self._pods[handle].append(pod)
        self._log("place", handle, pod)

    def displace(self, pod: int, pod_class: PodClass, handle: int) -> None:
        """Take a pod off a node."""
        self.placement.displace(pod_class, handle)
        pods = self._pods[handle]
        index = pods.index(pod)
        del pods[index]
        self._log(f"displace {index}", handle, pod)

    def fork(self) -> None:
        """Remember the state."""
        self.placement.fork()
        self._undo.append([])

    def revert(self) -> None:
        """Go back to the last fork."""
        self.placement.revert()
        for what, handle, pod in reversed(self._undo.pop()):
            if what == "add":
                del self._handles[self._names.pop(handle)]
                del self._pods[handle]
            elif what == "remove":
                self._handles[self._names[handle]] = handle
                self._pods[handle] = self._removed.pop(handle)
            elif what == "place":
                self._pods[handle].pop()
            else:
                self._pods[handle].insert(int(what.split()[1]), pod)

    def commit(self) -> None:
        """Keep what was done since the last fork."""
        self.placement.commit()
        operations = self._undo.pop()
        if self._undo:
            self._undo[-1] += operations

    def _log(self, what: str, handle: int, pod: int) -> None:
        if self._undo:
            self._undo[-1].append((what, handle, pod))
