"""What a packing function answers: who sits where, in records, and pod by pod on request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel import _expand
from pyscale.packing._border import Int64, sum_exactly

COLUMNS = ("class", "first_node", "n_nodes", "copies")


@dataclass(frozen=True, eq=False)
class Packing:
    """Pods of classes placed on nodes; existing nodes come first, new ones follow.

    Attributes
    ----------
    rule : str
        The rule that placed them.
    requests : ndarray of int64, shape (n_classes, n_resources)
        Requests of one pod.
    counts : ndarray of int64, shape (n_classes,)
        Pods of each class.
    capacity : ndarray of int64, shape (n_resources,) or (n_types, n_resources)
        A new node; empty when none could be opened.
    free : ndarray of int64, shape (n_runs, n_resources)
        Room on the existing nodes before.
    free_counts : ndarray of int64, shape (n_runs,)
        How many existing nodes there are of each.
    n_nodes : int
        All nodes, existing and new.
    unplaced : ndarray of int64, shape (n_classes,)
        Pods that found no place: the last ones of their class.
    last_node : int
        The node that took the last pod, for the rotating rule to go on from; else -1.

    Notes
    -----
    Pods are numbered class after class in the order of ``requests``. Pods of one class are
    interchangeable; they are handed out in the order of the records (``rotating``: in rounds).
    """

    rule: str
    requests: Int64
    counts: Int64
    capacity: Int64
    free: Int64
    free_counts: Int64
    n_nodes: int
    unplaced: Int64
    last_node: int = -1
    excluded: NDArray[np.bool_] | None = None
    _records: Int64 | None = field(default=None, repr=False)
    _nodes: NDArray[np.int32] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def n_existing_nodes(self) -> int:
        """Number of nodes that were there before."""
        return sum_exactly(self.free_counts)

    @property
    def n_new_nodes(self) -> int:
        """Number of nodes opened."""
        return self.n_nodes - self.n_existing_nodes

    @property
    def n_unplaced(self) -> int:
        """Number of pods that found no place."""
        return sum_exactly(self.unplaced)

    @cached_property
    def records(self) -> Int64:
        """Rows of (class, first node, number of nodes, pods on each), in the order of placing."""
        if self._records is not None:
            return self._records
        pods = np.flatnonzero(self.node_of_pod >= 0)
        keys = self.class_of_pod[pods].astype(np.int64) * (self.n_nodes or 1)
        pairs, copies = np.unique(keys + self.node_of_pod[pods], return_counts=True)
        records = np.ones((len(pairs), 4), dtype=np.int64)
        records[:, 0], records[:, 1] = np.divmod(pairs, self.n_nodes or 1)
        records[:, 3] = copies
        records.setflags(write=False)
        return records

    @cached_property
    def class_of_pod(self) -> NDArray[np.int32]:
        """Class of every pod, int32, shape (n_pods,)."""
        return np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)

    @cached_property
    def node_of_pod(self) -> NDArray[np.int32]:
        """Node of every pod, int32, shape (n_pods,); -1 where there was no place."""
        if self._nodes is not None:
            return self._nodes
        assert self._records is not None
        nodes = np.full(sum_exactly(self.counts), -1, dtype=np.int32)
        starts = np.cumsum(self.counts) - self.counts
        expand = _expand.expand_rounds if self.rule == "rotating" else _expand.expand
        expand(self._records, starts, nodes)
        nodes.setflags(write=False)
        return nodes

    @cached_property
    def room(self) -> Int64:
        """Room left on every node, int64, shape (n_nodes, n_resources).

        With several node types the type of a node is not known; the room of each is then minus
        what its pods request.
        """
        n_resources = self.requests.shape[1]
        new = self.capacity if self.capacity.ndim == 1 and len(self.capacity) else 0
        room = np.empty((self.n_nodes, n_resources), dtype=np.int64)
        room[: self.n_existing_nodes] = np.repeat(self.free, self.free_counts, axis=0)
        room[self.n_existing_nodes :] = new
        _expand.subtract(self.records, self.requests, room)
        room.setflags(write=False)
        return room

    def reason(self, pod_class: int) -> str:
        """Say why pods of one class have no place; an empty string if they all have."""
        if not self.unplaced[pod_class]:
            return ""
        if self.excluded is not None and self.excluded[pod_class]:
            return "the class is not allowed here"
        if self.capacity.size == 0:
            return "no node has room"
        types = np.atleast_2d(self.capacity)
        want = self.requests[pod_class]
        if ((want <= types) | (want == 0)).all(axis=1).any():
            return "no node has room, and no more nodes may be opened"
        most = types.max(axis=0)
        for r in np.flatnonzero((want > most) & (want > 0)):
            return f"requests[{pod_class}, {r}] = {want[r]} exceeds the capacity {most[r]}"
        return "no node type has room for all resources at once"

    def with_excluded(self, counts: Int64, excluded: NDArray[np.bool_]) -> Packing:
        """Add the pods of classes that were left out (packed with a count of 0) as unplaced."""
        nodes = None
        if self._nodes is not None:
            nodes = np.full(sum_exactly(counts), -1, dtype=np.int32)
            nodes[np.repeat(~excluded, counts)] = self._nodes
        unplaced = self.unplaced + np.where(excluded, counts, 0)
        return replace(self, counts=counts, unplaced=unplaced, excluded=excluded, _nodes=nodes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: numbers, strings, lists and dictionaries."""
        return {
            "rule": self.rule,
            "n_nodes": self.n_nodes,
            "n_new_nodes": self.n_new_nodes,
            "last_node": self.last_node,
            "records": [dict(zip(COLUMNS, row, strict=True)) for row in self.records.tolist()],
            "unplaced": [
                {"class": int(i), "pods": int(self.unplaced[i]), "reason": self.reason(int(i))}
                for i in np.flatnonzero(self.unplaced)
            ],
        }

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export the records as an Arrow stream (needs pyarrow)."""
        from pyscale.packing._arrow import record_stream

        return record_stream(COLUMNS, self.records, requested_schema)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Packing):
            return NotImplemented
        return self.summary() == other.summary() and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in (
                "requests",
                "counts",
                "capacity",
                "free",
                "free_counts",
                "unplaced",
                "node_of_pod",
            )
        )

    def __getstate__(self) -> dict[str, Any]:
        # What can be computed again is not written.
        cached = {"records", "class_of_pod", "node_of_pod", "room"}
        return {key: value for key, value in vars(self).items() if key not in cached}

    def summary(self) -> dict[str, int | str]:
        """Return the few numbers that a person looks at first."""
        return {
            "rule": self.rule,
            "classes": len(self.counts),
            "pods": sum_exactly(self.counts),
            "existing nodes": self.n_existing_nodes,
            "new nodes": self.n_new_nodes,
            "pods without a place": self.n_unplaced,
        }

    def __repr__(self) -> str:
        words = ", ".join(f"{key}: {value}" for key, value in self.summary().items())
        return f"<Packing {words}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(key)}</th><td>{escape(str(value))}</td></tr>"
            for key, value in self.summary().items()
        )
        return f"<table>{rows}</table>"
