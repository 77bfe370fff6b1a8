"""The nodes of the latest observation as columns.

Most nodes are the same from loop to loop; what is computed of one holds until its row changes or
pods come to it in a loop.  Columns are by handle, so they outlive the nodes' order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...model.nodes import Node
from .classes import PodClass
from .options import Options
from .pod_list import is_expendable
from .snapshot import LoadedNode, Snapshot
from .templates import is_ready
from .utilization import Measures
from .world import TO_BE_DELETED, Flags, Int32s, Int64s, NodeRow, Observation, PodList, is_disabled

NO_GROUP = -1


class Fleet:
    """Nodes by position in the listing, their facts by handle.

    Attributes
    ----------
    rows : list of NodeRow
        In listing order.
    handles : ndarray of int32
        Of the rows.
    listed : ndarray of int64
        Positions of the rows that count as nodes in this loop: those not starting.
    version : int
        Changes when nodes come, go, or change more than their pods.
    group : ndarray of int32
        By handle: index into ``group_names``, -1 for none.
    ready, cordoned, doomed, disabled, has_gpu : ndarray of bool
        By handle; doomed nodes have the taint of a deletion, disabled ones the annotation.
    ready_since : ndarray of int64
        By handle.
    measures : Measures
        By handle: what their pods come to.
    """

    def __init__(self, options: Options, snapshot: Snapshot, measures: Measures) -> None:
        self._options = options
        self._snapshot = snapshot
        self.measures = measures
        self.rows: list[NodeRow] = []
        self.handles: Int32s = np.empty(0, np.int32)
        self.listed: Int64s = np.empty(0, np.int64)
        self.version = 0
        self.group_names: list[str] = []
        self._group_ids: dict[str, int] = {"": NO_GROUP}
        self._loaded: dict[str, LoadedNode] = {}
        self._nodes: dict[tuple[object, ...], Node] = {}
        self._kept: list[Node] = []  # objects whose identity is remembered must stay alive
        self._expendable: Flags = np.zeros(0, np.bool_)
        self._all: Int64s = self.listed
        self.group: Int32s = np.empty(0, np.int32)
        self.ready, self.cordoned, self.doomed, self.disabled, self.has_gpu = (
            np.zeros(0, np.bool_) for _ in range(5)
        )
        self.ready_since: Int64s = np.zeros(0, np.int64)

    def group_id(self, name: str) -> int:
        """Return the number of a group."""
        found = self._group_ids.get(name)
        if found is None:
            found = self._group_ids[name] = len(self.group_names)
            self.group_names.append(name)
        return found

    def load(self, seen: Observation) -> None:
        """Take in the nodes of an observation, and put them into the snapshot."""
        table = seen.pods.table
        self._measure_classes(table)
        rows = list(seen.nodes)
        before = self.rows
        if len(rows) == len(before):
            fresh = [i for i, (a, b) in enumerate(zip(rows, before, strict=True)) if a is not b]
        else:
            known = {id(row) for row in before}
            fresh = [i for i, row in enumerate(rows) if id(row) not in known]
        for i in fresh:
            rows[i].ready = is_ready(rows[i], self._options)
            self._loaded[rows[i].name] = self._load(rows[i], self._loaded.get(rows[i].name))
        loaded = self._loaded
        if len(loaded) > len(rows):
            names = {row.name for row in rows}
            self._loaded = {name: node for name, node in loaded.items() if name in names}
        self.rows = rows
        stale = self._snapshot.arrived()
        handles, changed = self._snapshot.load([loaded[row.name] for row in rows], table)
        if handles is not self.handles:
            self.handles = handles
            self._all = np.arange(len(rows))
            self.version += 1
            self._grow(int(handles.max(initial=-1)) + 1)
        if set(changed).difference(fresh):
            fresh = sorted({*fresh, *changed})
        self.listed = self._all
        if fresh:
            self._write(fresh)
        again = handles[fresh]
        if len(stale):
            again = np.unique(np.concatenate([again, stale[np.isin(stale, handles)]]))
        self.measure(again, seen)

    def _load(self, row: NodeRow, before: LoadedNode | None) -> LoadedNode:
        node = self._current(row)
        pods = row.pods
        if self._expendable.any() and self._expendable[pods.classes].any():
            pods = pods.where(~self._expendable[pods.classes])
        if before is not None:
            mine = before.pods.ids
            if len(mine) == len(pods) and bool((mine == pods.ids).all()):
                pods = before.pods
                if before.node is node:
                    return before
        return LoadedNode(row.name, node, pods)

    def _current(self, row: NodeRow) -> Node:
        """The Node object with its taints and cordon of the moment."""
        key = (id(row.node), row.taints, row.unschedulable)
        node = self._nodes.get(key)
        if node is None:
            node = replace(row.node, taints=row.taints, unschedulable=row.unschedulable)
            self._nodes[key] = node
            self._kept.append(row.node)
        return node

    def _measure_classes(self, table: Sequence[PodClass]) -> None:
        if len(table) > len(self._expendable):
            self._expendable = np.array([is_expendable(c, self._options) for c in table], np.bool_)

    def _grow(self, need: int) -> None:
        if need <= len(self.group):
            return
        more = max(need, 2 * len(self.group)) - len(self.group)
        for name in ("group", "ready", "cordoned", "doomed", "disabled", "has_gpu", "ready_since"):
            column: NDArray[np.generic] = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros(more, column.dtype)]))
        self.measures.grow(len(self.group))

    def _write(self, positions: list[int]) -> None:
        """Fill the columns of rows that changed."""
        rows = [self.rows[i] for i in positions]
        handles = self.handles[positions]
        group = np.array([self.group_id(row.group) for row in rows], np.int32)
        ready = np.array([row.ready for row in rows], np.bool_)
        since = np.array([row.ready_since_ns for row in rows], np.int64)
        if (self.group[handles] != group).any() or (self.ready[handles] != ready).any():
            self.version += 1
        self.group[handles], self.ready[handles], self.ready_since[handles] = group, ready, since
        self.cordoned[handles] = [row.unschedulable for row in rows]
        self.doomed[handles] = [
            bool(row.taints) and row.taint(TO_BE_DELETED) is not None for row in rows
        ]
        self.disabled[handles] = [is_disabled(row) for row in rows]
        label = self.measures.gpu_label
        self.has_gpu[handles] = [bool(label) and label in row.node.labels for row in rows]
        self.measures.set_nodes(handles, [row.node for row in rows])

    def measure(self, handles: Int32s, seen: Observation) -> None:
        """Compute again what the pods of nodes come to."""
        if len(handles):
            self.measures.read(handles, self.has_gpu[handles], seen.pods.table)

    def measure_arrivals(self, seen: Observation) -> None:
        """Compute again what nodes hold to which pods came in this loop."""
        arrived = self._snapshot.arrived()
        if len(arrived):
            self.measure(arrived[np.isin(arrived, self.handles)], seen)

    def without(self, starting: set[str]) -> None:
        """Leave nodes out of the loop that have not started."""
        if starting:
            kept = [i for i, row in enumerate(self.rows) if row.name not in starting]
            self.listed = np.array(kept, np.int64)

    def mask_of(self, names: Iterable[str]) -> Flags:
        """Return a mask over handles of the nodes of these names that are there."""
        mask = self._snapshot.placement.mask()
        known = (self._snapshot.handle(name) for name in names)
        mask[[handle for handle in known if handle is not None]] = True
        return mask

    def content(self, handle: int) -> PodList:
        """Return the pods on a node, those placed in this loop included."""
        return self._snapshot.placement.content(handle)

    def first_of_groups(self, chosen: Flags) -> dict[str, NodeRow]:
        """Return the first row per group among the rows that a mask chooses."""
        positions = np.flatnonzero(chosen & (self.group[self.handles] >= 0))
        groups = self.group[self.handles[positions]]
        found, first = np.unique(groups, return_index=True)
        return {
            self.group_names[group]: self.rows[position]
            for group, position in zip(found.tolist(), positions[first].tolist(), strict=True)
        }
