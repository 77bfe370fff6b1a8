"""The world of a simulation as Cluster Autoscaler sees it, and what it asks of it.

Reads views and collects actions.  What upstream does in steps that the simulated world does as
one is named in :class:`~pyscale.policies.cluster_autoscaler.ClusterAutoscaler`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pyscale.catalog.nodes import template_of_group

from ...model.disruption import PodDisruptionBudget
from ...model.groups import NodeGroup
from ...model.taints import NO_SCHEDULE, Taint
from ..base import BOOTING, DRAINING, TERMINATING, ClusterView, Failure, Setting
from ..decision import Action, AddNodes, RemoveNodes, Scale
from .actuator import Deletion
from .budgets import Bucket
from .classes import ClassTable, PodClass
from .node_shapes import NodeShape
from .options import Options
from .planner import Removable
from .world import (
    NO_PODS,
    OUT_OF_RESOURCES,
    TO_BE_DELETED,
    Controller,
    Controllers,
    DaemonSet,
    Instance,
    Int64s,
    NodeGroupRow,
    NodeRow,
    Observation,
    PodList,
    Pods,
    no_numbers,
)

DRAIN_TIMEOUT = "DrainTimeout"
INSUFFICIENT_CAPACITY = "InsufficientCapacity"
GPU_LABEL = "k8s.amazonaws.com/accelerator"


class _NoTimes:
    """Pods under deletion are no part of a view."""

    def __getitem__(self, pod: int, /) -> int | None:
        return None


class SimulatedPods:
    """Live pods of views, by id.

    Parameters
    ----------
    table : sequence of PodClass
        Classes by index, which is that of the view.
    """

    def __init__(self, table: Sequence[PodClass]) -> None:
        self.table = table
        self.classes: dict[int, PodClass] = {}
        self.deletion_ns = _NoTimes()
        self._created: dict[int, int] = {}
        self._limit = 4096
        self._pending = NO_PODS
        self._since = self._order = no_numbers()

    def see(self, pods: Sequence[int], classes: Sequence[int], now: int) -> None:
        """Take in pods on a node; what pended before keeps its time of creation."""
        table, created = self.table, self._created
        for place in [place for place, pod in enumerate(pods) if pod not in created]:
            created[pods[place]] = now
            self.classes[pods[place]] = table[classes[place]]

    def see_pending(self, view: ClusterView) -> PodList:
        """Take in the pods that pend; as long as they are the same, so is the list."""
        before = self._pending
        if np.array_equal(view.pending_pod, before.ids):
            return before
        ids = view.pending_pod.copy()
        self._pending = now = PodList(ids, ids, view.pending_class.copy())
        self._since = view.pending_since_ns.copy()
        self._order = np.argsort(ids)
        is_new = ~np.isin(ids, before.ids, assume_unique=True)
        fresh, table = now.where(is_new), self.table
        self._created.update(zip(fresh, self._since[is_new].tolist(), strict=True))
        self.classes.update(
            (pod, table[index]) for pod, index in zip(fresh, fresh.classes.tolist(), strict=True)
        )
        return now

    def created_ns(self, ids: Int64s) -> Int64s:
        """Return times of creation."""
        pending, order = self._pending.ids, self._order
        if ids is pending:
            return self._since
        if len(pending):
            place = np.minimum(np.searchsorted(pending, ids, sorter=order), len(order) - 1)
            found = order[place]
            if (pending[found] == ids).all():
                return self._since[found]
        return np.array([self._created[pod] for pod in ids.tolist()], np.int64)

    def forget(self, rows: Sequence[NodeRow]) -> None:
        """Forget pods that neither pend nor are on these nodes, once there are many of them."""
        if len(self.classes) <= self._limit:
            return
        live = {pod for row in rows for pod in row.pods}
        live.update(self._pending)
        self.classes = {pod: self.classes[pod] for pod in live if pod in self.classes}
        self._created = {pod: self._created[pod] for pod in live if pod in self._created}
        self._limit = 2 * len(live) + 4096


class SimulatedWorld:
    """Turns views into observations, and calls into actions.

    Parameters
    ----------
    setting : Setting
        The run's.
    options : Options
    """

    def __init__(self, setting: Setting, options: Options) -> None:
        self._grace_ns = options.max_pod_eviction_time
        self._reads_prices = "price" in options.expander  # the catalogue of a moment is dear
        table = ClassTable()
        self._classes = [table.add(i, template) for i, template in enumerate(setting.templates)]
        self._setting = setting
        self._daemon_sets = tuple(
            DaemonSet(
                self._classes[i].controller_name,
                self._classes[i].namespace,
                self._classes[i].template,
                self._classes[i],
            )
            for i in setting.daemon_classes
        )
        self._pods = SimulatedPods(self._classes)
        self._known: dict[int, NodeRow] = {}
        self._ids: Int64s = no_numbers()
        self._versions: Int64s = no_numbers()
        self._states: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._places: Int64s = no_numbers()
        self._allowed: Int64s = no_numbers()
        self._budgets = list(setting.disruption_budgets)
        self._controllers = _EveryController()
        self._machines: dict[str, Instance] = {}
        self._listed: dict[str, tuple[list[str], int, str, list[Instance]]] = {}
        self._templates: dict[str, NodeShape] = {}
        self._targets: dict[str, int] = {}
        self._least: dict[str, int] = {}
        self._without_capacity: set[str] = set()
        self._view: ClusterView | None = None
        self._rows: list[NodeRow] = []
        self._group_rows: list[NodeGroupRow] = []
        self._members: dict[str, list[str]] = {}
        self._member_ids: dict[str, Int64s] = {}
        self.actions: list[Action] = []
        self.reason = ""

    # --- reading ---

    def look_at(self, view: ClusterView, failures: Sequence[Failure]) -> None:
        """Take in a view; what was asked for before is part of it.

        ``failures`` are those of all views since the last one that was looked at.
        """
        self._view = view
        self.actions = []
        names = [group.name for group in view.groups]
        self._targets = dict(zip(names, view.group_desired.tolist(), strict=True))
        self._least = {group.name: group.min_size for group in view.groups}
        for failure in failures:
            if failure.code == INSUFFICIENT_CAPACITY and failure.group >= 0:
                self._without_capacity.add(names[failure.group])
        self._pods.forget(self._rows)
        self._read_nodes(view, names)

    def _read_nodes(self, view: ClusterView, groups: Sequence[str]) -> None:
        """Take in nodes; rows of those that did not change stay the same objects."""
        ids, states, versions = view.node_id, view.node_state, view.node_version
        are_same = self._members.keys() == set(groups) and np.array_equal(ids, self._ids)
        if are_same:
            is_listed = not np.array_equal(states, self._states)
            changed = versions != self._versions
            if is_listed:  # what booted has no row yet, whatever its version
                changed |= self._states == BOOTING
        else:
            is_listed = True
            changed = np.ones(len(ids), np.bool_)
            if len(self._ids):
                place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
                changed = self._ids[place] != ids
                changed |= versions != self._versions[place]
                changed |= self._states[place] == BOOTING
        fresh = np.flatnonzero(changed & (states != BOOTING))
        rows = self._read_rows(view, groups, fresh)
        self._known.update(zip(ids[fresh].tolist(), rows, strict=True))
        if is_listed:
            self._list(view)
            if not are_same:
                self._list_members(view, groups)
        else:
            for place, row in zip(self._places[fresh].tolist(), rows, strict=True):
                self._rows[place] = row
        self._ids, self._states, self._versions = ids.copy(), states.copy(), versions.copy()

    def _list(self, view: ClusterView) -> None:
        """List nodes afresh."""
        ids, is_there = view.node_id, view.node_state != BOOTING
        self._places = np.cumsum(is_there) - 1
        known = self._known
        self._rows = list(map(known.__getitem__, ids[is_there].tolist()))
        if len(known) > 2 * len(ids) + 64:
            self._known = {node: known[node] for node in ids.tolist() if node in known}

    def _list_members(self, view: ClusterView, groups: Sequence[str]) -> None:
        """List machines of groups; the list of a group that has the same ones stays the same."""
        group = np.array([kind.group for kind in view.kinds], np.int64)[view.node_kind]
        order = np.argsort(group, kind="stable")
        ids = view.node_id[order]
        ends = np.searchsorted(group[order], np.arange(len(groups) + 1)).tolist()
        before, before_ids = self._members, self._member_ids
        self._members, self._member_ids = {}, {}
        for name, first, end in zip(groups, ends, ends[1:], strict=False):
            mine = self._member_ids[name] = ids[first:end]
            if name in before and np.array_equal(mine, before_ids[name]):
                self._members[name] = before[name]
            else:
                self._members[name] = [node_name(node) for node in mine.tolist()]

    def _read_rows(self, view: ClusterView, groups: Sequence[str], which: Int64s) -> list[NodeRow]:
        """Read nodes in rows of the view, with their pods."""
        if not len(which):
            return []
        held, kinds, now = view.pods_of(which), view.kinds, view.now_ns
        self._pods.see(held.pod.tolist(), held.class_id.tolist(), now)
        states = view.node_state[which]
        is_leaving = (states == DRAINING) | (states == TERMINATING)
        leaving = Taint(TO_BE_DELETED, NO_SCHEDULE, str(now // 10**9))
        bounds = held.start.tolist()
        rows = []
        for node, number, is_doomed, is_cordoned, ready_ns, first, end in zip(
            view.node_id[which].tolist(),
            view.node_kind[which].tolist(),
            is_leaving.tolist(),
            view.node_cordoned[which].tolist(),
            view.node_ready_ns[which].tolist(),
            bounds,
            bounds[1:],
            strict=False,
        ):
            kind, before = kinds[number], self._known.get(node)
            taints, ids = kind.node.taints, held.pod[first:end]
            rows.append(
                NodeRow(
                    name=node_name(node) if before is None else before.name,
                    group=groups[kind.group] if kind.group >= 0 else "",
                    node=kind.node,
                    taints=(*taints, leaving) if is_doomed else taints,
                    unschedulable=is_cordoned,
                    ready=True,
                    ready_since_ns=ready_ns,
                    created_ns=ready_ns,
                    pods=PodList(ids, ids, held.class_id[first:end]),
                )
            )
        return rows

    def now(self) -> int:
        """Return the view's time."""
        return self.view.now_ns

    @property
    def view(self) -> ClusterView:
        """The view looked at last."""
        assert self._view is not None
        return self._view

    def advance(self, to_ns: int) -> None:
        """Time is the simulation's."""

    def sleep(self, duration_ns: int) -> None:
        """Time is the simulation's."""

    def observe(self) -> Observation:
        """Return the view as objects; nodes that did not change are the same objects.

        So are groups: an iteration writes their targets, and the next one what they are then.
        """
        view = self.view
        pending = self._pods.see_pending(view)
        if not self._group_rows:
            self._group_rows = [
                NodeGroupRow(
                    group.name,
                    group.min_size,
                    group.max_size,
                    0,
                    self.template(group),
                    group.options,
                )
                for group in view.groups
            ]
        for index, row in enumerate(self._group_rows):
            row.target = self._targets[row.name]
            if self._reads_prices:
                row.price = self._price(index)
        return Observation(
            self._pods,
            self._rows,
            pending,
            self._group_rows,
            self.budgets(),
            self._controllers,
            self._daemon_sets,
        )

    def template(self, group: NodeGroup) -> NodeShape:
        """Return what a group's first node is expected to look like."""
        shape = self._templates.get(group.name)
        if shape is None:
            node = template_of_group(group, self._setting.catalog)
            shape = self._templates[group.name] = NodeShape.of(replace(node, name=""))
        return shape

    def _price(self, index: int) -> float | None:
        group = self.view.groups[index]
        offering = self.view.catalog.offering(
            group.instance_types[0], group.zones[0], group.capacity_type
        )
        return offering.price if offering is not None else None

    def instances(self, group: str) -> list[Instance]:
        """List a group's machines, and placeholders for those that cannot be had."""
        members, target = self._members[group], self._targets[group]
        error = OUT_OF_RESOURCES if group in self._without_capacity else ""
        listed = self._listed.get(group)
        if listed is not None and listed[0] is members and listed[1:3] == (target, error):
            return listed[3]
        found = [
            self._machines.get(name) or self._machines.setdefault(name, Instance(name))
            for name in members
        ]
        found += [
            Instance(f"i-placeholder-{group}-{k}", error=error)
            for k in range(max(0, target - len(members)))
        ]
        found.sort(key=lambda instance: instance.name)
        self._listed[group] = members, target, error, found
        return found

    def target_size(self, group: str) -> int:
        """Return a group's desired capacity, with what this iteration asked for."""
        return self._targets[group]

    def node(self, name: str) -> NodeRow | None:
        """Read one node."""
        return next((row for row in self._rows if row.name == name), None)

    def pods_of(self, name: str) -> Sequence[int]:
        """List the pods of one node."""
        row = self.node(name)
        return list(row.pods) if row is not None else []

    def budgets(self) -> list[PodDisruptionBudget]:
        """Return the disruption budgets with what they allow now."""
        allowed = self.view.disruptions_allowed
        if not np.array_equal(allowed, self._allowed):
            self._allowed = allowed.copy()
            self._budgets = [
                replace(budget, disruptions_allowed=now)
                for budget, now in zip(
                    self._setting.disruption_budgets, allowed.tolist(), strict=True
                )
            ]
        return self._budgets

    def pod_exists(self, pod: int, node: str) -> bool:
        """Whether a pod is on a node."""
        return pod in self.pods_of(node)

    # --- acting ---

    def increase_size(self, group: str, delta: int, atomic: bool = False) -> str:
        """Ask for more machines of a group."""
        self._targets[group] += delta
        self._without_capacity.discard(group)
        self.actions.append(AddNodes(self.reason, delta, group))
        return ""

    def delete_nodes(self, group: str, names: Sequence[str], force: bool = False) -> str:
        """Give machines back, and wishes that cannot be met up.

        As an Auto Scaling group refuses what would leave it below its minimum.
        """
        possible = self._targets[group] - self._least[group]
        if possible <= 0:
            return "min size reached, nodes will not be deleted"
        wanted, names = len(names), names[:possible]
        machines = tuple(node_id(name) for name in names if name in self._members[group])
        self._targets[group] -= len(names)
        if len(machines) < len(names):
            size = self._targets[group] + len(machines)
            self._without_capacity.discard(group)
            self.actions.append(Scale(group, size, "instances that could not be created"))
        if machines:
            self.actions.append(RemoveNodes(machines, self.reason, self._grace_ns, force=False))
        return "" if len(names) == wanted else "min size reached"

    def decrease_target(self, group: str, delta: int) -> str:
        """Give wishes up that were not met."""
        size = self._targets[group] + delta
        if size < max(len(self._members[group]), self._least[group]):
            return "decrease refused"
        self._targets[group] = size
        self.actions.append(Scale(group, size, "machines that did not come"))
        return ""

    def update_taints(
        self,
        name: str,
        version: int,
        add: Sequence[Taint] = (),
        remove: Sequence[str] = (),
        unschedulable: bool | None = None,
    ) -> bool:
        """Taints of a deletion are part of the removal."""
        return True

    def evict(self, pod: int) -> str:
        """Evictions are part of the removal."""
        return ""


class SimulatedActuator:
    """Starts deletions; the world drains, deletes and reports what failed."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self.in_progress: dict[str, Deletion] = {}
        self.on_deleted: Callable[[str, int], None] = lambda group, now: None
        self.on_failed: Callable[[str, int], None] = lambda group, now: None
        self._failures: dict[str, str] = {}

    def start(
        self,
        empty: Sequence[Bucket],
        drain: Sequence[Bucket],
        nodes: Mapping[str, Removable],
        pods: Pods,
        controllers: Controllers,
        is_atomic: Callable[[str], bool],
    ) -> None:
        """Hand the nodes of all buckets to the world."""
        for buckets, drains in ((empty, False), (drain, True)):
            for bucket in buckets:
                self._world.reason = (
                    "unneeded, its pods fit elsewhere" if drains else "unneeded and empty"
                )
                error = self._world.delete_nodes(bucket.group, bucket.nodes)
                for name in bucket.nodes:
                    if error:
                        self._failures[name] = error
                        self.on_failed(bucket.group, self._world.now())
                    else:
                        self.in_progress[name] = Deletion(bucket.group, drains)

    def update(self, view: ClusterView, failures: Sequence[Failure]) -> None:
        """Learn from a view which deletions ended."""
        for failure in failures:
            name = node_name(failure.node)
            if failure.code == DRAIN_TIMEOUT and name in self.in_progress:
                deletion = self.in_progress.pop(name)
                self._failures[name] = "failed to evict pods"
                self.on_failed(deletion.group, view.now_ns)
        for name in [name for name in self.in_progress if view.row_of(node_id(name)) < 0]:
            self.on_deleted(self.in_progress.pop(name).group, view.now_ns)

    def take_failures(self) -> dict[str, str]:
        """Return and forget the errors of deletions that ended since the last call."""
        failures, self._failures = self._failures, {}
        return failures


class _EveryController:
    """In a simulation every controller that a pod names exists."""

    def get(self, key: tuple[str, str, str], /) -> Controller:
        kind, namespace, name = key
        return Controller(kind, namespace, name, replicas=1)


def node_name(node: int) -> str:
    """Return the name of a node of the view."""
    return f"node-{node}"


def node_id(name: str) -> int:
    """Return the id in the view of a node's name."""
    return int(name.removeprefix("node-"))
