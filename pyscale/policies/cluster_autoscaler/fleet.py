"""The nodes of the latest observation as columns.

Most nodes are the same from loop to loop; what is computed of one holds until its row changes or
pods come to it in a loop.  Columns are by handle, so they outlive the nodes' order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import is_

import numpy as np
from numpy.typing import NDArray

from ...model.nodes import Node
from .group_columns import GroupColumns
from .options import Options
from .pod_list import is_expendable
from .snapshot import Snapshot
from .succession import succession_of
from .templates import GOOD_AFTER, is_ready
from .utilization import Measures
from .world import TO_BE_DELETED, Flags, Int32s, Int64s, NodeRow, Observation, PodList, is_disabled

NEVER = 2**63 - 1


class Fleet:
    """Nodes by position in the listing, their facts by handle.

    Attributes
    ----------
    rows : sequence of NodeRow
        In listing order.
    handles : ndarray of int32
        Of the rows.
    listed : ndarray of int64
        Positions of the rows that count as nodes in this loop: those not starting.
    by_group : dict of str to list of NodeRow
        Rows by the name of their group, as they were when one of the group came, went, or changed
        more than its pods: until then the same list.
    version : int
        Changes when nodes come, go, or change more than their pods.
    groups : GroupColumns
    group : ndarray of int32
        By handle: number of the group, -1 for none.
    ready, cordoned, doomed, disabled, has_gpu : ndarray of bool
        By handle; doomed nodes have the taint of a deletion, disabled ones the annotation.
    ready_since : ndarray of int64
        By handle.
    measures : Measures
        By handle: what their pods come to.
    """

    def __init__(
        self, options: Options, snapshot: Snapshot, measures: Measures, groups: GroupColumns
    ) -> None:
        self._options = options
        self._snapshot = snapshot
        self.measures = measures
        self.groups = groups
        self.rows: Sequence[NodeRow] = []
        self.handles: Int32s = np.empty(0, np.int32)
        self.listed: Int64s = np.empty(0, np.int64)
        self.by_group: dict[str, list[NodeRow]] = {}
        self.version = 0
        self._nodes: dict[tuple[object, ...], Node] = {}
        self._kept: list[Node] = []  # objects whose identity is remembered must stay alive
        self._expendable: Flags = np.zeros(0, np.bool_)
        self._has_expendable = False
        self._all: Int64s = self.listed
        self._first: tuple[int, dict[str, int]] = -1, {}
        self._templates: tuple[int, int, dict[str, int], dict[str, int]] = -1, 0, {}, {}
        self._template_rows: list[NodeRow] = []
        self._by_use: tuple[dict[str, NodeRow], dict[str, NodeRow]] = {}, {}
        self.group: Int32s = np.empty(0, np.int32)
        self.ready, self.cordoned, self.doomed, self.disabled, self.has_gpu = (
            np.zeros(0, np.bool_) for _ in range(5)
        )
        self.ready_since: Int64s = np.zeros(0, np.int64)

    # --- loading ---

    def load(self, seen: Observation) -> None:
        """Take in the nodes of an observation, and put them into the snapshot."""
        table, rows, before = seen.pods.table, seen.nodes, self.rows
        if len(table) > len(self._expendable):
            self._expendable = np.array([is_expendable(c, self._options) for c in table], np.bool_)
            self._has_expendable = bool(self._expendable.any())
        stale = self._snapshot.arrived()
        how = seen.succession
        if how is None or how.before is not before:
            how = succession_of(before, rows)
        self.rows = rows
        held, fresh, n_changed = how.held, how.fresh.tolist(), how.n_changed
        if self._has_expendable:
            held = held.where(~self._expendable[held.pods.classes])
        changed = how.fresh[:n_changed]
        loaded = [self._load(rows[i]) for i in fresh]
        self.handles = self._snapshot.load(how.kept, changed, loaded, held, table)
        were = [before[j] for j in how.kept[changed].tolist()]
        pairs = [
            (i, was)
            for i, was in zip(fresh, were, strict=False)
            if not _differ_in_pods_only(rows[i], was)
        ]
        written, touched = [i for i, _ in pairs], {was.group for _, was in pairs}
        if any(rows[i].node is not was.node for i, was in pairs):
            self.version += 1
        if not len(before) == len(how.kept) == len(rows):
            self._all = np.arange(len(rows))
            self.version += 1
            self._grow(int(self.handles.max(initial=-1)) + 1)
            written += fresh[n_changed:]
            if len(how.kept) < len(before):
                gone = np.delete(np.arange(len(before)), how.kept).tolist()
                touched.update(before[j].group for j in gone)
        self.listed = self._all
        if written:
            self._write(written)
            touched.update(rows[i].group for i in written)
        if touched:
            self._list_groups(touched)
        again = self.handles[how.fresh]
        if len(stale):
            again = np.unique(np.concatenate([again, stale[np.isin(stale, self.handles)]]))
        self._measure(again, seen)

    def _list_groups(self, names: Iterable[str]) -> None:
        """List the nodes of groups anew of which some came, went, or changed."""
        rows, group = self.rows, self.group[self.handles]
        for name in names:
            own = (group == self.groups.number(name)).nonzero()[0].tolist()
            self.by_group[name] = [rows[i] for i in own]
            if not own:
                del self.by_group[name]

    def _load(self, row: NodeRow) -> tuple[str, Node]:
        row.ready = is_ready(row, self._options)
        return row.name, self._current(row)

    def _current(self, row: NodeRow) -> Node:
        """The Node object with its taints and cordon of the moment."""
        key = (id(row.node), row.taints, row.unschedulable)
        node = self._nodes.get(key)
        if node is None:
            node = replace(row.node, taints=row.taints, unschedulable=row.unschedulable)
            self._nodes[key] = node
            self._kept.append(row.node)
        return node

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
        numbers = {name: self.groups.number(name) for name in dict.fromkeys(r.group for r in rows)}
        group = np.array([numbers[row.group] for row in rows], np.int32)
        ready = np.array([row.ready for row in rows], np.bool_)
        since = np.array([row.ready_since_ns for row in rows], np.int64)
        cordoned = np.array([row.unschedulable for row in rows], np.bool_)
        doomed = np.array(
            [bool(row.taints) and row.taint(TO_BE_DELETED) is not None for row in rows], np.bool_
        )
        for column, fresh in (
            (self.group, group),
            (self.ready, ready),
            (self.ready_since, since),
            (self.cordoned, cordoned),
            (self.doomed, doomed),
        ):
            if (column[handles] != fresh).any():
                self.version += 1
                column[handles] = fresh
        label = self.measures.gpu_label
        ids = [id(row.node) for row in rows]
        shared = dict(zip(ids, rows, strict=True))  # many rows have the same node object
        numbers_of = {one: number for number, one in enumerate(shared)}
        which = np.array([numbers_of[one] for one in ids], np.int64)
        samples = shared.values()
        disabled = np.array([is_disabled(row) for row in samples], np.bool_)
        has_gpu = np.array([bool(label) and label in row.node.labels for row in samples], np.bool_)
        self.disabled[handles], self.has_gpu[handles] = disabled[which], has_gpu[which]
        self.measures.set_nodes(handles, [row.node for row in samples], which)

    def _measure(self, handles: Int32s, seen: Observation) -> None:
        """Compute again what the pods of nodes come to."""
        if len(handles):
            ignores_daemons = self.groups.ignores_daemons[self.group[handles]]
            self.measures.read(handles, self.has_gpu[handles], ignores_daemons, seen.pods.table)

    def measure_arrivals(self, seen: Observation) -> None:
        """Compute again what nodes hold to which pods came in this loop."""
        arrived = self._snapshot.arrived()
        if len(arrived):
            self._measure(arrived[np.isin(arrived, self.handles)], seen)

    # --- reading ---

    def without(self, starting: set[str]) -> None:
        """Leave nodes out of the loop that have not started."""
        if starting:
            kept = [i for i, row in enumerate(self.rows) if row.name not in starting]
            self.listed = np.array(kept, np.int64)

    def mask_of(self, names: Iterable[str]) -> Flags:
        """Return a mask over handles of the nodes of these names that are there."""
        mask = self._snapshot.placement.mask()
        mask[self._snapshot.handles(names)] = True
        return mask

    def content(self, handle: int) -> PodList:
        """Return the pods on a node, those placed in this loop included."""
        return self._snapshot.placement.content(handle)

    def first_of_groups(self) -> dict[str, NodeRow]:
        """Return the first row per group."""
        if self._first[0] != self.version:
            everyone = np.ones(len(self.rows), np.bool_)
            self._first = self.version, self._first_positions(everyone)
        return {name: self.rows[position] for name, position in self._first[1].items()}

    def template_rows(self, now: int) -> tuple[dict[str, NodeRow], dict[str, NodeRow]]:
        """Return the first row per group that is good for a template, and the first that is not.

        Good ones are ready for over a minute, not cordoned and not under deletion.  As long as the
        answer is the same, so are the objects.
        """
        version, until, good, bad = self._templates
        if version != self.version or now > until:
            handles = self.handles
            since = self.ready_since[handles]
            old_enough = now - since > GOOD_AFTER
            is_good = (
                self.ready[handles] & ~self.cordoned[handles] & ~self.doomed[handles] & old_enough
            )
            good, bad = self._first_positions(is_good), self._first_positions(~is_good)
            until = int(since[~old_enough].min(initial=NEVER - GOOD_AFTER)) + GOOD_AFTER
            self._templates = self.version, until, good, bad
            self._template_rows = []
        found = list(map(self.rows.__getitem__, (*good.values(), *bad.values())))
        if not self._template_rows or not all(map(is_, found, self._template_rows)):
            self._template_rows = found
            self._by_use = (
                dict(zip(good, found, strict=False)),
                dict(zip(bad, found[len(good) :], strict=True)),
            )
        return self._by_use

    def _first_positions(self, chosen: Flags) -> dict[str, int]:
        group = self.group[self.handles]
        positions = np.flatnonzero(chosen & (group >= 0))[::-1]
        first = np.full(len(self.groups.names), -1)
        first[group[positions]] = positions  # of equal indexes the last one stays
        names = self.groups.names
        return {names[i]: position for i, position in enumerate(first.tolist()) if position >= 0}


def _differ_in_pods_only(row: NodeRow, before: NodeRow) -> bool:
    """Whether all columns but the measures hold for a node's next row too."""
    return (
        row.node is before.node
        and row.ready == before.ready
        and row.unschedulable == before.unschedulable
        and row.ready_since_ns == before.ready_since_ns
        and row.group == before.group
        and row.taints == before.taints
    )
