"""The world of a simulation as Cluster Autoscaler sees it, and what it asks of it.

Reads views and collects actions.  What upstream does in steps that the simulated world does as
one is named in :class:`~pyscale.policies.cluster_autoscaler.ClusterAutoscaler`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pyscale.catalog.nodes import template_of_group

from ...model.disruption import PodDisruptionBudget
from ...model.groups import NodeGroup
from ...model.taints import Taint
from ..base import ClusterView, Failure, Setting
from ..decision import Action, AddNodes, RemoveNodes, Scale
from .classes import ClassTable
from .node_shapes import NodeShape
from .options import Options
from .simulated_nodes import SimulatedNodes, node_id
from .simulated_pods import SimulatedPods
from .world import (
    OUT_OF_RESOURCES,
    Controller,
    DaemonSet,
    Instance,
    Int64s,
    NodeGroupRow,
    NodeRow,
    Observation,
    no_numbers,
)

INSUFFICIENT_CAPACITY = "InsufficientCapacity"
GPU_LABEL = "k8s.amazonaws.com/accelerator"


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
        self._nodes = SimulatedNodes()
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
        self._group_rows: list[NodeGroupRow] = []
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
        self._nodes.read(view, self._pods)

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
            self._nodes.rows,
            pending,
            self._group_rows,
            self.budgets(),
            self._controllers,
            self._daemon_sets,
            self._nodes.succession,
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
        members, target = self._nodes.members[group], self._targets[group]
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
        return next((row for row in self._nodes.rows if row.name == name), None)

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
        machines = tuple(node_id(name) for name in names if name in self._nodes.members[group])
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
        if size < max(len(self._nodes.members[group]), self._least[group]):
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


class _EveryController:
    """In a simulation every controller that a pod names exists."""

    def get(self, key: tuple[str, str, str], /) -> Controller:
        kind, namespace, name = key
        return Controller(kind, namespace, name, replicas=1)
