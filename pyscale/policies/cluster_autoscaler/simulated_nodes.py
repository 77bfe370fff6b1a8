"""The nodes of a simulation's views as rows, and the machines of its groups."""

from __future__ import annotations

from typing import cast

import numpy as np

from ...model.groups import NodeGroup
from ...model.taints import NO_SCHEDULE, Taint
from ..base import BOOTING, DRAINING, TERMINATING, ClusterView
from .simulated_pods import SimulatedPods
from .succession import Succession
from .world import TO_BE_DELETED, Int64s, NodeRow, PodList, PodsByNode, no_numbers

NO_VERSION = -1
NOBODY = PodsByNode.of(())


class SimulatedNodes:
    """Nodes of the view read last; what did not change stays the same object.

    Attributes
    ----------
    rows : list of NodeRow
        Of the nodes that have joined, in order of id; another list whenever a row is another.
    succession : Succession or None
        How the rows follow from other ones before, if nodes kept their order.
    members : dict of str to list of str
        Names of the machines of each group, those that boot included.
    """

    def __init__(self) -> None:
        self.rows: list[NodeRow] = []
        self.succession: Succession | None = None
        self.members: dict[str, list[str]] = {}
        self._ids: Int64s = no_numbers()  # of the rows
        self._versions: Int64s = no_numbers()
        self._groups: tuple[NodeGroup, ...] = ()
        self._machines: Int64s = no_numbers()  # ids
        self._group_of: Int64s = no_numbers()  # of the machines

    def read(self, view: ClusterView, pods: SimulatedPods) -> None:
        """Take in a view, and the pods of nodes that changed."""
        there = (view.node_state != BOOTING).nonzero()[0]
        ids, versions, before = view.node_id[there], view.node_version[there], self.rows
        rows: list[NodeRow | None]
        if np.array_equal(ids, self._ids):
            kept, is_in_order = np.arange(len(ids)), True
            stale = (versions != self._versions).nonzero()[0]
            rows = [*before]
        else:
            places = _places(ids, self._ids)
            stale = (versions != np.append(self._versions, NO_VERSION)[places]).nonzero()[0]
            kept = places[places < len(before)]
            is_in_order = bool((places[: len(kept)] == kept).all())
            rows = list(map([*before, None].__getitem__, places.tolist()))
        held = NOBODY
        if len(stale):
            found = view.pods_of(there[stale])
            pods.see(found.pod, found.class_id, view.now_ns)
            held = PodsByNode(found.start, PodList(found.pod, found.pod, found.class_id))
            self._remake(rows, stale, view, there[stale], held)
        if len(stale) or len(rows) != len(before):
            self.rows = cast("list[NodeRow]", rows)
        self.succession = Succession(before, kept, stale, held) if is_in_order else None
        self._ids, self._versions = ids, versions
        self._list_members(view)

    def _remake(
        self,
        rows: list[NodeRow | None],
        stale: Int64s,
        view: ClusterView,
        which: Int64s,
        held: PodsByNode,
    ) -> None:
        """Make some rows anew, those of the view's ``which``; of most only the pods are others."""
        states, bounds = view.node_state[which], held.starts.tolist()
        ids, classes = held.pods.ids, held.pods.classes
        for position, place, is_leaving, is_cordoned, first, end in zip(
            stale.tolist(),
            which.tolist(),
            ((states == DRAINING) | (states == TERMINATING)).tolist(),
            view.node_cordoned[which].tolist(),
            bounds,
            bounds[1:],
            strict=False,
        ):
            before, mine = rows[position], ids[first:end]
            own = PodList(mine, mine, classes[first:end])
            if (
                before is not None
                and before.taints is before.node.taints
                and before.unschedulable == is_cordoned
                and not is_leaving
            ):
                rows[position] = before.with_pods(own)
            else:
                rows[position] = self._row(view, place, is_leaving, is_cordoned, own)

    def _row(
        self, view: ClusterView, place: int, is_leaving: bool, is_cordoned: bool, pods: PodList
    ) -> NodeRow:
        kind, joined = view.kinds[view.node_kind[place]], int(view.node_ready_ns[place])
        taints = kind.node.taints
        if is_leaving:
            seconds = str(view.now_ns // 10**9)
            taints = (*taints, Taint(TO_BE_DELETED, NO_SCHEDULE, seconds))
        return NodeRow(
            name=node_name(int(view.node_id[place])),
            group=view.groups[kind.group].name if kind.group >= 0 else "",
            node=kind.node,
            taints=taints,
            unschedulable=is_cordoned,
            ready=True,
            ready_since_ns=joined,
            created_ns=joined,
            pods=pods,
        )

    def _list_members(self, view: ClusterView) -> None:
        """List machines of groups; the list of a group that has the same ones stays the same."""
        ids, before, groups_before = view.node_id, self._machines, self._group_of
        if view.groups is self._groups and np.array_equal(ids, before):
            return
        self._machines = ids.copy()
        self._group_of = np.array([kind.group for kind in view.kinds], np.int64)[view.node_kind]
        if view.groups is self._groups:
            came = _places(ids, before) == len(before)
            went = _places(before, ids) == len(ids)
            touched = {*self._group_of[came].tolist(), *groups_before[went].tolist()}
        else:
            self._groups, self.members = view.groups, {}
            touched = set(range(len(view.groups)))
        for group in touched - {-1}:
            mine = ids[self._group_of == group].tolist()
            self.members[self._groups[group].name] = [node_name(node) for node in mine]


def _places(ids: Int64s, among: Int64s) -> Int64s:
    """Return where ids are in other ones, both ascending; the number of those if they are not."""
    places = np.searchsorted(among, ids)
    if len(among):
        places[among[np.minimum(places, len(among) - 1)] != ids] = len(among)
    return places


def node_name(node: int) -> str:
    """Return the name of a node of the view."""
    return f"node-{node}"


def node_id(name: str) -> int:
    """Return the id in the view of a node's name."""
    return int(name.removeprefix("node-"))
