"""The world of a simulation as Cluster Autoscaler sees it, and what it asks of it.

Reads views and collects actions.  What upstream does in steps that the simulated world does as
one is named in :class:`~pyscale.policies.cluster_autoscaler.ClusterAutoscaler`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
    OUT_OF_RESOURCES,
    TO_BE_DELETED,
    Controller,
    Controllers,
    DaemonSet,
    Instance,
    NodeGroupRow,
    NodeRow,
    Observation,
    Pods,
)

DRAIN_TIMEOUT = "DrainTimeout"
INSUFFICIENT_CAPACITY = "InsufficientCapacity"
GPU_LABEL = "k8s.amazonaws.com/accelerator"


class _Keys:
    """A pod's key is its id."""

    def __getitem__(self, pod: int, /) -> str:
        return str(pod)


class _NoTimes:
    """Pods under deletion are no part of a view."""

    def __getitem__(self, pod: int, /) -> int | None:
        return None


@dataclass(slots=True)
class SimulatedPods:
    """Live pods of a view, by id."""

    classes: dict[int, PodClass] = field(default_factory=dict)
    created_ns: dict[int, int] = field(default_factory=dict)
    keys: _Keys = field(default_factory=_Keys)
    deletion_ns: _NoTimes = field(default_factory=_NoTimes)


@dataclass(slots=True)
class _KnownNode:
    version: int
    row: NodeRow


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
        self._pods = SimulatedPods()
        self._known: dict[int, _KnownNode] = {}
        self._templates: dict[str, NodeShape] = {}
        self._targets: dict[str, int] = {}
        self._without_capacity: set[str] = set()
        self._view: ClusterView | None = None
        self._rows: list[NodeRow] = []
        self._booting: dict[str, list[str]] = {}
        self._members: dict[str, list[str]] = {}
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
        for failure in failures:
            if failure.code == INSUFFICIENT_CAPACITY and failure.group >= 0:
                self._without_capacity.add(names[failure.group])
        self._read_nodes(view, names)

    def _read_nodes(self, view: ClusterView, groups: Sequence[str]) -> None:
        ids, kinds = view.node_id.tolist(), view.node_kind.tolist()
        states, versions = view.node_state.tolist(), view.node_version.tolist()
        self._forget_pods()
        self._rows = []
        self._booting = {name: [] for name in groups}
        self._members = {name: [] for name in groups}
        changed: list[tuple[int, int]] = []
        for index, node in enumerate(ids):
            group = view.kinds[kinds[index]].group
            if group >= 0:
                self._members[groups[group]].append(node_name(node))
            if states[index] == BOOTING:
                if group >= 0:
                    self._booting[groups[group]].append(node_name(node))
                continue
            known = self._known.get(node)
            if known is None or known.version != versions[index]:
                changed.append((index, node))
        if changed:
            self._refresh(view, groups, changed)
        for index, node in enumerate(ids):
            if states[index] != BOOTING:
                self._rows.append(self._known[node].row)
        if len(self._known) > 2 * len(ids) + 64:
            alive = set(ids)
            self._known = {node: known for node, known in self._known.items() if node in alive}

    def _refresh(
        self, view: ClusterView, groups: Sequence[str], changed: Sequence[tuple[int, int]]
    ) -> None:
        for index, node in changed:
            kind = view.kinds[int(view.node_kind[index])]
            pods, classes, _ = view.pods_on(index)
            ids = pods.tolist()
            for pod, pod_class in zip(ids, classes.tolist(), strict=True):
                self._pods.classes[pod] = self._classes[pod_class]
                self._pods.created_ns.setdefault(pod, view.now_ns)
            taints = kind.node.taints
            state = int(view.node_state[index])
            if state in (DRAINING, TERMINATING):
                taints = (*taints, Taint(TO_BE_DELETED, NO_SCHEDULE, str(view.now_ns // 10**9)))
            ready_ns = int(view.node_ready_ns[index])
            self._known[node] = _KnownNode(
                int(view.node_version[index]),
                NodeRow(
                    name=node_name(node),
                    group=groups[kind.group] if kind.group >= 0 else "",
                    node=kind.node,
                    taints=taints,
                    unschedulable=bool(view.node_cordoned[index]),
                    ready=True,
                    ready_since_ns=ready_ns,
                    created_ns=ready_ns,
                    pods=ids,
                ),
            )

    def _forget_pods(self) -> None:
        """Forget pods that were not on any node the last time, before nodes are read again."""
        placed = sum(len(row.pods) for row in self._rows)
        if len(self._pods.classes) <= 2 * placed + 4096:
            return
        live = {pod for row in self._rows for pod in row.pods}
        pods = self._pods
        pods.classes = {pod: pods.classes[pod] for pod in live if pod in pods.classes}
        pods.created_ns = {pod: pods.created_ns[pod] for pod in live if pod in pods.created_ns}

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
        """Return the view as objects; nodes that did not change are the same objects."""
        view = self.view
        pending = view.pending_pod.tolist()
        pods = self._pods
        for pod, pod_class, since in zip(
            pending, view.pending_class.tolist(), view.pending_since_ns.tolist(), strict=True
        ):
            pods.classes[pod] = self._classes[pod_class]
            pods.created_ns[pod] = since
        groups = [
            NodeGroupRow(
                name=group.name,
                min_size=group.min_size,
                max_size=group.max_size,
                target=self._targets[group.name],
                template=self.template(group),
                options=group.options,
                price=self._price(index) if self._reads_prices else None,
            )
            for index, group in enumerate(view.groups)
        ]
        known: Pods = pods
        return Observation(
            known,
            self._rows,
            pending,
            groups,
            self.budgets(),
            _EveryController(),
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
        found = [Instance(name) for name in self._members[group]]
        missing = self._targets[group] - len(found)
        error = OUT_OF_RESOURCES if group in self._without_capacity else ""
        found += [
            Instance(f"i-placeholder-{group}-{k}", error=error) for k in range(max(0, missing))
        ]
        return sorted(found, key=lambda instance: instance.name)

    def target_size(self, group: str) -> int:
        """Return a group's desired capacity, with what this iteration asked for."""
        return self._targets[group]

    def node(self, name: str) -> NodeRow | None:
        """Read one node."""
        return next((row for row in self._rows if row.name == name), None)

    def pods_of(self, name: str) -> Sequence[int]:
        """List the pods of one node."""
        row = self.node(name)
        return row.pods if row is not None else ()

    def budgets(self) -> list[PodDisruptionBudget]:
        """Return the disruption budgets with what they allow now."""
        allowed = self.view.disruptions_allowed.tolist()
        return [
            replace(budget, disruptions_allowed=now)
            for budget, now in zip(self._setting.disruption_budgets, allowed, strict=True)
        ]

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
        """Give machines back, and wishes that cannot be met up."""
        machines = tuple(node_id(name) for name in names if name in self._members[group])
        self._targets[group] -= len(names)
        if len(machines) < len(names):
            size = self._targets[group] + len(machines)
            self._without_capacity.discard(group)
            self.actions.append(Scale(group, size, "instances that could not be created"))
        if machines:
            self.actions.append(RemoveNodes(machines, self.reason, self._grace_ns, force=False))
        return ""

    def decrease_target(self, group: str, delta: int) -> str:
        """Give wishes up that were not met."""
        size = self._targets[group] + delta
        if size < len(self._members[group]):
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
                self._world.delete_nodes(bucket.group, bucket.nodes)
                for name in bucket.nodes:
                    self.in_progress[name] = Deletion(bucket.group, drains)

    def update(self, view: ClusterView, failures: Sequence[Failure]) -> None:
        """Learn from a view which deletions ended."""
        for failure in failures:
            name = node_name(failure.node)
            if failure.code == DRAIN_TIMEOUT and name in self.in_progress:
                deletion = self.in_progress.pop(name)
                self._failures[name] = "failed to evict pods"
                self.on_failed(deletion.group, view.now_ns)
        alive = set(map(node_name, view.node_id.tolist()))
        for name in [name for name in self.in_progress if name not in alive]:
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
