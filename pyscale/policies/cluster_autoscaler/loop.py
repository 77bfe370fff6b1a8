"""One iteration of Cluster Autoscaler, in upstream's order.

Specification section 2; upstream ``core/static_autoscaler.go:RunOnce``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .actuator import Deleter
from .cluster_state import ClusterState
from .disruption import BudgetTracker
from .expander import Expander
from .fleet import Fleet
from .group_columns import GroupColumns
from .kernel_placement import KernelPlacement
from .maintenance import Maintenance
from .node_shapes import NodeShape
from .options import GroupOptions, Options, group_options
from .pod_list import FilterOutSchedulable, are_all_new, is_expendable, without_young
from .quotas import QuotaTracker, contribution, maxima
from .scale_down import ScaleDown, ScaleDownStatus
from .scale_up import (
    IN_COOLDOWN,
    LIMITED,
    NOT_NEEDED,
    NOT_TRIED,
    SUCCESSFUL,
    Remaining,
    ScaleUp,
    ScaleUpContext,
    ScaleUpStatus,
)
from .snapshot import Snapshot
from .templates import TemplateProvider, is_ready
from .utilization import Measures
from .world import TO_BE_DELETED, NodeRow, Observation, PodList, Pods, World

UPCOMING = "upcoming"


@dataclass(slots=True)
class Iteration:
    """Everything one iteration decided; ``is_planned`` if it came to plan a scale-down."""

    now: int
    seen: Observation
    fitting: dict[int, str] = field(default_factory=dict)
    scale_ups: list[ScaleUpStatus] = field(default_factory=list)
    scale_down: ScaleDownStatus = field(default_factory=ScaleDownStatus)
    is_planned: bool = False
    has_young_pods: bool = False
    error: str = ""


class Autoscaler:
    """The autoscaler with all that it remembers between iterations.

    Parameters
    ----------
    options : Options
    world : World
        What it observes and acts on.
    placement : KernelPlacement
        An empty snapshot of the cluster.
    expander : Expander
    actuator : Deleter
        What carries deletions out.
    gpu_label : str
        The provider's label of nodes with GPUs.
    ignored_labels : frozenset of str
        The provider's labels that do not make groups different.
    generator : numpy.random.Generator, optional
        Draws the order of nodes and pod groups that upstream's maps leave to chance.
    """

    def __init__(
        self,
        options: Options,
        world: World,
        placement: KernelPlacement,
        expander: Expander,
        actuator: Deleter,
        gpu_label: str = "",
        ignored_labels: frozenset[str] = frozenset(),
        generator: np.random.Generator | None = None,
    ) -> None:
        self.options = options
        self._world = world
        self._gpu_label = gpu_label
        self._snapshot = Snapshot(placement)
        self._group_options: dict[str, GroupOptions] = {}
        self._defaults = group_options(options, {})
        self._units: dict[int, tuple[NodeRow, dict[str, int]]] = {}
        self._contributed: tuple[int, Mapping[str, NodeShape], dict[str, dict[str, int]]]
        self._contributed = -1, {}, {}
        self._fleet = Fleet(
            options,
            self._snapshot,
            Measures(options, placement, gpu_label),
            GroupColumns(self._options_of),
        )
        self._templates = TemplateProvider(options)
        self._filter = FilterOutSchedulable()
        self._budgets = BudgetTracker()
        self.state = ClusterState(options, world, self._options_of)
        self._maintenance = Maintenance(options, self.state, world, self._options_of)
        self._scale_up = ScaleUp(options, self.state, world, expander, ignored_labels, generator)
        self.actuator = actuator
        self._scale_down = ScaleDown(
            options, self.state, world, self._snapshot, actuator, self._options_of, generator
        )
        self.planner = self._scale_down.planner
        self._scale_up.on_scale_up = self._scale_down.delays.added.__setitem__
        self._iterations = 0
        self._pods: Pods | None = None

    def run_once(self) -> Iteration:
        """Run one iteration now."""
        world, now, fleet = self._world, self._world.now(), self._fleet
        seen = world.observe()
        if self._iterations == 0 and self._clean_up(seen.nodes):
            seen = world.observe()
        self._iterations += 1
        self._pods = seen.pods
        done = Iteration(now, seen)
        for group in seen.groups:
            if group.name not in self._group_options:
                own = group_options(self.options, group.options, group.name)
                self._group_options[group.name] = own
        deleting = {name: d.group for name, d in self.actuator.in_progress.items()}
        draining = [name for name, d in self.actuator.in_progress.items() if d.drain]
        if not self.options.scale_up_from_zero and not any(
            is_ready(node, self.options) for node in seen.nodes
        ):
            return done
        fleet.load(seen)
        self._snapshot.fork()
        self._budgets = BudgetTracker(seen.budgets, self._budgets)
        templates = self._templates.templates(
            seen, *fleet.template_rows(now), self._snapshot.placement, now
        )
        self.state.update(fleet.by_group, fleet.version, seen.groups, now)
        if not self._maintenance.run(seen.groups, now):
            if not self.state.is_cluster_healthy():
                self.planner.forget_unneeded()
            self._finish(done)
            return done
        self._add_upcoming(templates, now)
        self._read_targets(seen)
        contributions = self._contributions(templates)
        pending = self._pending(seen, draining, done, now)
        disable_scale_down = self._help_pending(seen, pending, templates, contributions, done, now)
        if self.options.scale_down_enabled:
            self._read_targets(seen)
            fleet.measure_arrivals(seen)
            done.scale_down = self._scale_down.run(
                seen,
                fleet,
                deleting,
                self._budgets,
                contributions,
                self._node_contribution,
                disable_scale_down,
                now,
            )
            done.is_planned = True
        if self.options.enforce_node_group_min_size:
            context = self._context(seen, templates, contributions, now)
            status = self._scale_up.to_minimum_sizes(context)
            if status.result == SUCCESSFUL:
                self._scale_down.last_scale_up = now
            if done.scale_ups and done.scale_ups[-1].result in (NOT_NEEDED, LIMITED, IN_COOLDOWN):
                done.scale_ups.pop()
            done.scale_ups.append(status)
        self._finish(done)
        return done

    def clocks(self) -> list[int]:
        """Return the times at which a timer runs out, past ones included."""
        return [*self.state.clocks(), *self._scale_down.clocks()]

    def name_of(self, handle: int) -> str:
        """Return the name of a node of the latest iteration."""
        return self._snapshot.name(handle)

    def evicted_pods(self, name: str) -> list[int]:
        """Return the pods of a node that its drain in the latest iteration evicts."""
        handle = self._snapshot.handle(name)
        assert handle is not None
        assert self._pods is not None
        held, table = self._fleet.content(handle), self._pods.table
        return [
            pod
            for pod, index in zip(held.ids.tolist(), held.classes.tolist(), strict=True)
            if not table[index].is_mirror and not table[index].is_daemon_set
        ]

    # --- preparation ---

    def _options_of(self, group: str) -> GroupOptions:
        return self._group_options.get(group, self._defaults)

    def _clean_up(self, nodes: Sequence[NodeRow]) -> bool:
        """Remove taints that an earlier process may have left; return whether there were any."""
        tainted = [node for node in nodes if node.taints and node.group]
        found = False
        for node in tainted:
            if node.taint(TO_BE_DELETED) is not None:
                found = True
                cordon = False if self.options.cordon_node_before_terminating else None
                self._world.update_taints(
                    node.name, node.version, remove=[TO_BE_DELETED], unschedulable=cordon
                )
        return found

    def _add_upcoming(self, templates: Mapping[str, NodeShape], now: int) -> None:
        """Put placeholders of nodes on their way into the snapshot, instead of those starting.

        Their names are new whenever the template is, so hints to them seldom hit, as upstream.
        """
        starting: set[str] = set()
        for group, (count, not_started) in self.state.upcoming(now).items():
            shape = templates.get(group)
            if shape is None:
                continue
            made = self._templates.made_ns[group]
            for number in range(count):
                name = f"{group}/{UPCOMING}-{number}#{made}"
                self._snapshot.add_node(shape.node, name, shape.pods)
            starting.update(not_started)
        for node in self._fleet.rows if starting else ():
            if node.name in starting:
                self._snapshot.remove_node(node.name)
        self._fleet.without(starting)

    def _read_targets(self, seen: Observation) -> None:
        for group in seen.groups:
            group.target = self._world.target_size(group.name)

    # --- quotas ---

    def _contributions(self, templates: Mapping[str, NodeShape]) -> dict[str, dict[str, int]]:
        """What one node of each group uses: its first node, else its template."""
        version, known, contributions = self._contributed
        if version == self._fleet.version and known is templates:
            return contributions
        found = {
            group: self._node_contribution(node)
            for group, node in self._fleet.first_of_groups().items()
        }
        for name, shape in templates.items():
            if name not in found:
                found[name] = contribution(shape, self._gpu_label)
        self._contributed = self._fleet.version, templates, found
        return found

    def _node_contribution(self, node: NodeRow) -> dict[str, int]:
        known = self._units.get(id(node.node))
        if known is None:
            known = node, contribution(NodeShape.of(node.node), self._gpu_label)
            self._units[id(node.node)] = known  # what identity stands for must stay alive
        return known[1]

    def _context(
        self,
        seen: Observation,
        templates: Mapping[str, NodeShape],
        contributions: Mapping[str, Mapping[str, int]],
        now: int,
    ) -> ScaleUpContext:
        def quotas() -> QuotaTracker:
            fleet = self._fleet
            used = Counter(fleet.rows[position].group for position in fleet.listed.tolist())
            without = used.pop("", 0)
            used.update(name.split("/")[0] for name in self._snapshot.added())
            parts = [(contributions[group], count) for group, count in used.items()]
            if without:
                parts += [
                    (self._node_contribution(fleet.rows[position]), 1)
                    for position in fleet.listed.tolist()
                    if not fleet.rows[position].group
                ]
            return QuotaTracker(maxima(self.options), parts)

        self._read_targets(seen)
        return ScaleUpContext(
            self._snapshot,
            seen.pods,
            seen.groups,
            templates,
            contributions,
            quotas,
            self._options_of,
            now,
        )

    # --- pods ---

    def _pending(
        self, seen: Observation, draining: Sequence[str], done: Iteration, now: int
    ) -> PodList:
        """Run the pod list processors; return the pods to help."""
        pods, table = seen.pods, seen.pods.table
        pending = seen.pending
        distinct = np.unique(pending.classes).tolist() if len(pending) else []
        expendable = [i for i in distinct if is_expendable(table[i], self.options)]
        if expendable:
            pending = pending.where(~np.isin(pending.classes, expendable))
        for name in draining:
            handle = self._snapshot.handle(name)
            if handle is None:
                continue
            held = self._fleet.content(handle)
            moves = [
                pods.deletion_ns[pod] is None
                and not (table[index].is_static or table[index].is_mirror)
                and not table[index].is_daemon_set
                for pod, index in zip(held.ids.tolist(), held.classes.tolist(), strict=True)
            ]
            pending = PodList.joined([pending, held.where(np.array(moves, np.bool_))])
        if not len(pending):
            self._filter.run_without_pods()
            return pending
        done.fitting, left = self._filter.run(self._snapshot, pending, table)
        daemons = [index for index in distinct if table[index].is_daemon_set]
        if daemons:
            left = left.where(~np.isin(left.classes, daemons))
        old = without_young(pods, left, self.options, now)
        done.has_young_pods = len(old) < len(left)
        return old

    def _help_pending(
        self,
        seen: Observation,
        pending: PodList,
        templates: Mapping[str, NodeShape],
        contributions: Mapping[str, Mapping[str, int]],
        done: Iteration,
        now: int,
    ) -> bool:
        """Section 2 steps 11 and 12; return whether scale-down is off for this loop."""
        limit = self.options.max_nodes_total
        if not len(pending):
            done.scale_ups.append(ScaleUpStatus(NOT_NEEDED))
            return False
        if limit > 0 and self._ready_count() >= limit:
            remaining = [Remaining(pending.ids, {}, {})]
            done.scale_ups.append(ScaleUpStatus(LIMITED, remaining=remaining))
            return False
        if not self.options.bypassed_scheduler_names and are_all_new(seen.pods, pending, now):
            done.scale_ups.append(ScaleUpStatus(IN_COOLDOWN))
            return True
        while True:
            context = self._context(seen, templates, contributions, now)
            status = self._scale_up.run(context, pending)
            done.scale_ups.append(status)
            if status.result != SUCCESSFUL:
                return False
            self._scale_down.last_scale_up = now
            if not self.options.salvo_scale_up:
                return False
            helped = np.isin(pending.ids, status.triggered)
            served, pending = pending.where(helped), pending.where(~helped)
            if not len(pending):
                return False
            self._add_salvo(status, templates, served, len(done.scale_ups))

    def _ready_count(self) -> int:
        """Number of nodes that are ready and not cordoned."""
        fleet = self._fleet
        return int((fleet.ready & ~fleet.cordoned)[fleet.handles].sum())

    def _add_salvo(
        self,
        status: ScaleUpStatus,
        templates: Mapping[str, NodeShape],
        served: PodList,
        round_number: int,
    ) -> None:
        """Put the nodes just requested into the snapshot, and the pods on them where they fit."""
        fresh: list[int] = []
        for group, before, after in status.plan:
            shape = templates[group]
            for number in range(before, after):
                name = f"{group}/salvo-{round_number}-{number}#{self._iterations}"
                fresh.append(self._snapshot.add_node(shape.node, name, shape.pods))
        mask = self._snapshot.placement.mask()
        mask[fresh] = True
        places = {pod: place for place, pod in enumerate(served.ids.tolist())}
        for pod in status.triggered.tolist():
            place = places[pod]
            self._snapshot.placement.place_where(served.where(np.array([place])), mask)

    def _finish(self, done: Iteration) -> None:
        if not done.scale_ups:
            done.scale_ups.append(ScaleUpStatus(NOT_TRIED))
        done.scale_down.failures = self.actuator.take_failures()
