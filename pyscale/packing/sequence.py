"""``place_sequence``: pods of many classes that come and go in any order."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyscale.kernel import _expand
from pyscale.kernel._cursor import Cursors
from pyscale.packing import _border as border
from pyscale.packing._border import Int64
from pyscale.packing._solve import Problem, comparing, new_node, width_for


@dataclass(frozen=True, eq=False)
class SequencePlacement:
    """Where the pods of a sequence went.

    Attributes
    ----------
    requests : ndarray of int64, shape (n_classes, n_resources)
        Requests of one pod.
    events : ndarray of int64, shape (n_events,)
        What happened: a class that arrives, or ``-1 - e`` for a departure.
    node_of_event : ndarray of int32, shape (n_events,)
        The node the pod came to or left; -1 where there was no room.
    n_nodes, n_new_nodes : int
        Nodes in all, and nodes opened.
    """

    requests: Int64
    events: Int64
    node_of_event: NDArray[np.int32]
    n_nodes: int
    n_new_nodes: int

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def n_unplaced(self) -> int:
        """Number of pods that found no room when they arrived."""
        return int(np.count_nonzero((self.events >= 0) & (self.node_of_event < 0)))

    def used(self) -> Int64:
        """Sum the requests on every node after the last event, shape (n_nodes, n_resources)."""
        here = self.node_of_event >= 0
        arrived = here & (self.events >= 0)
        left = -1 - self.events[here & (self.events < 0)]
        used = np.zeros((self.n_nodes, self.requests.shape[1]), dtype=np.int64)
        for index, sign in ((np.flatnonzero(arrived), -1), (left, 1)):
            records = np.ones((len(index), 4), dtype=np.int64)
            records[:, 0] = self.events[index]
            records[:, 1] = self.node_of_event[index]
            records[:, 3] = sign
            _expand.subtract(records, self.requests, used)
        return used

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: numbers and lists."""
        return {
            "n_nodes": self.n_nodes,
            "n_new_nodes": self.n_new_nodes,
            "n_unplaced": self.n_unplaced,
            "events": self.events.tolist(),
            "node_of_event": self.node_of_event.tolist(),
        }

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Export (event, node) rows as an Arrow stream (needs pyarrow)."""
        from pyscale.packing._arrow import record_stream

        rows = np.column_stack([self.events, self.node_of_event.astype(np.int64)])
        return record_stream(("event", "node"), rows, requested_schema)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SequencePlacement):
            return NotImplemented
        return (self.n_nodes, self.n_new_nodes) == (other.n_nodes, other.n_new_nodes) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("requests", "events", "node_of_event")
        )

    def summary(self) -> dict[str, int]:
        """Return the few numbers that a person looks at first."""
        return {
            "classes": len(self.requests),
            "events": len(self.events),
            "nodes": self.n_nodes,
            "new nodes": self.n_new_nodes,
            "pods without a place": self.n_unplaced,
        }

    def __repr__(self) -> str:
        words = ", ".join(f"{key}: {value}" for key, value in self.summary().items())
        return f"<SequencePlacement {words}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(key)}</th><td>{value}</td></tr>"
            for key, value in self.summary().items()
        )
        return f"<table>{rows}</table>"


def place_sequence(
    requests: ArrayLike,
    events: ArrayLike,
    *,
    free: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
    max_new_nodes: int | None = None,
) -> SequencePlacement:
    """Place pods by first fit as they arrive, and free their room as they leave.

    Parameters
    ----------
    requests : array_like of int, shape (n_classes, n_resources)
        What one pod of each class requests, 0 to 2^61.
    events : array_like of int, shape (n_events,)
        ``c >= 0``: a pod of class c arrives. ``-1 - e`` (``~e``): the pod of event e leaves.
    free : array_like of int, shape (n_nodes, n_resources), optional
        Room on nodes that exist; may be negative.
    capacity : array_like of int, shape (n_resources,), optional
        A new node; without it none is opened.
    max_new_nodes : int, optional
        How many nodes may be opened.

    Returns
    -------
    SequencePlacement
        The node of every event.

    Raises
    ------
    ValueError, TypeError
        With the argument, index and value that is wrong.

    Notes
    -----
    First fit needs no search from the first node: each class remembers the node before which there
    is no room for it. Memory is O(nodes + classes) besides the events.

    Examples
    --------
    >>> import pyscale as ps
    >>> ps.place_sequence([[3], [5]], [0, 1, 0, ~1, 1], free=[[6], [6]]).node_of_event
    array([0, 1, 0, 1, 1], dtype=int32)
    """
    request, _ = border.classes(requests, None)
    n_resources = request.shape[1]
    event = border.integers("events", events, ("n_events",))
    check_events(event, len(request))
    room, _ = border.nodes(free, None, n_resources)
    if capacity is None:
        if max_new_nodes:
            raise ValueError(f"max_new_nodes needs capacity, found {max_new_nodes}")
        node, most = np.empty(0, dtype=np.int64), 0
    else:
        node = border.amounts("capacity", capacity, (n_resources,))
        most = border.limit("max_new_nodes", max_new_nodes)
    problem = Problem(
        requests=request,
        counts=np.ones(len(request), dtype=np.int64),
        free=room,
        free_counts=np.ones(len(room), dtype=np.int64),
        capacity=node,
        max_new_nodes=most,
    )
    return run_events(problem, event)


def run_events(problem: Problem, events: Int64) -> SequencePlacement:
    """Give checked events to the kernel."""
    narrow, (requests, rooms, capacity) = width_for(
        problem, problem.requests, problem.free, new_node(problem)
    )
    cursors = Cursors(problem.requests.shape[1], narrow)
    n_existing = len(problem.free)
    cursors.load(
        requests,
        comparing(requests),
        np.ascontiguousarray(rooms.T),
        capacity,
        min(n_existing + problem.max_new_nodes, border.MAX_NODES),
    )
    nodes = np.empty(len(events), dtype=np.int32)
    cursors.run(events, nodes)
    return SequencePlacement(
        requests=problem.requests,
        events=events,
        node_of_event=nodes,
        n_nodes=cursors.n_nodes,
        n_new_nodes=cursors.n_nodes - n_existing,
    )


def check_events(events: Int64, n_classes: int) -> None:
    """Refuse unknown classes, and departures of pods that are not there."""
    border.refuse(
        "events", events, events >= n_classes, f"must be a class below {n_classes} or ~event"
    )
    leaving = np.flatnonzero(events < 0)
    if len(leaving) == 0:
        return
    arrivals = -1 - events[leaving]
    wrong = np.zeros(len(events), dtype=bool)
    wrong[leaving] = arrivals >= leaving
    border.refuse("events", events, wrong, "must name an earlier event")
    wrong[leaving] = events[arrivals] < 0
    border.refuse("events", events, wrong, "must name the arrival of a pod")
    _, first = np.unique(arrivals, return_index=True)
    wrong[leaving] = True
    wrong[leaving[first]] = False
    border.refuse("events", events, wrong, "names a pod that has left before")
