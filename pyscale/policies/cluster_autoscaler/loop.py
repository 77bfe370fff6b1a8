"""One iteration of Cluster Autoscaler, in upstream's order.

Specification section 2; upstream ``core/static_autoscaler.go:RunOnce``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...model.nodes import Node
from ...model.times import HOUR
from .actuator import Deleter
from .budgets import Cropper, GroupFacts
from .candidates import CandidateOrder, GroupDelays
from .cluster_state import ClusterState
from .disruption import BudgetTracker
from .drain import DrainRules
from .eligibility import Eligibility
from .expander import Expander
from .node_shapes import NodeShape
from .options import GroupOptions, Options, group_options
from .placement import Placement
from .planner import PlanContext, Planner, Removable, used_by
from .pod_list import FilterOutSchedulable, are_all_new, is_expendable, without_young
from .quotas import QuotaTracker, contribution, maxima
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
from .snapshot import LoadedNode, Snapshot
from .soft_taints import update_soft_taints
from .templates import TemplateProvider, is_ready
from .world import TO_BE_DELETED, NodeGroupRow, NodeRow, Observation, Pods, World

DOWN_NOT_TRIED = "NotTried"
DOWN_IN_COOLDOWN = "InCooldown"
DOWN_NO_CANDIDATES = "NoCandidates"
DOWN_STARTED = "NodeDeleteStarted"
DOWN_NOTHING = "NoNodeDeleted"
UPCOMING = "upcoming"


@dataclass(slots=True)
class ScaleDownStatus:
    """What scale-down found and started; ``started`` has (node, pods to evict)."""

    result: str = DOWN_NOT_TRIED
    started: list[tuple[str, list[int]]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


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
    placement : Placement
        An empty snapshot of the cluster.
    expander : Expander
    actuator : Deleter
        What carries deletions out.
    gpu_label : str
        The provider's label of nodes with GPUs.
    ignored_labels : frozenset of str
        The provider's labels that do not make groups different.
    """

    def __init__(
        self,
        options: Options,
        world: World,
        placement: Placement,
        expander: Expander,
        actuator: Deleter,
        gpu_label: str = "",
        ignored_labels: frozenset[str] = frozenset(),
    ) -> None:
        self.options = options
        self._world = world
        self._gpu_label = gpu_label
        self._snapshot = Snapshot(placement)
        self._group_options: dict[str, GroupOptions] = {}
        self._units: dict[int, dict[str, int]] = {}
        self._loaded: dict[str, LoadedNode] = {}
        self._rows: dict[str, NodeRow] = {}
        self._nodes: dict[tuple[object, ...], Node] = {}
        self._kept: list[Node] = []  # objects whose identity is remembered must stay alive
        self._templates = TemplateProvider(options)
        self._filter = FilterOutSchedulable()
        self.state = ClusterState(options, world, self._options_of)
        self._scale_up = ScaleUp(options, self.state, world, expander, ignored_labels)
        eligibility = Eligibility(options, self._options_of, gpu_label)
        self.planner = Planner(options, eligibility, self._options_of)
        self.actuator = actuator
        self._delays = GroupDelays()
        self._candidates: CandidateOrder | None = None
        self._scale_up.on_scale_up = self._delays.added.__setitem__
        self.actuator.on_deleted = self._note_deleted
        self.actuator.on_failed = self._delays.failed.__setitem__
        start = world.now() - HOUR
        self._last_scale_up = self._last_delete = self._last_failure = start
        self._iterations = 0

    def run_once(self) -> Iteration:
        """Run one iteration now."""
        world, now = self._world, self._world.now()
        if self._iterations == 0:
            self._clean_up(world.observe().nodes)
        self._iterations += 1
        seen = world.observe()
        done = Iteration(now, seen)
        for group in seen.groups:
            if group.name not in self._group_options:
                own = group_options(self.options, group.options, group.name)
                self._group_options[group.name] = own
        for node in seen.nodes:
            node.ready = is_ready(node, self.options)
        nodes = list(seen.nodes)
        in_progress = {name: d.group for name, d in self.actuator.in_progress.items()}
        draining = [name for name, d in self.actuator.in_progress.items() if d.drain]
        if not self.options.scale_up_from_zero and not any(node.ready for node in nodes):
            return done
        self._load_snapshot(seen)
        budgets = BudgetTracker(seen.budgets)
        ready = [node for node in nodes if node.ready]
        templates = self._templates.templates(
            seen, self._template_candidates(nodes, ready), self._snapshot.placement, now
        )
        self.state.update(nodes, seen.groups, now)
        done.scale_down.failures = {}
        if not self._maintain(seen, now):
            self._finish(done)
            return done
        nodes = self._add_upcoming(nodes, templates, now)
        groups = self._current_groups(seen)
        contributions = self._contributions(seen, templates)
        pending = self._pending(seen, draining, done, now)
        disable_scale_down = self._help_pending(
            seen, groups, pending, ready, nodes, templates, contributions, done, now
        )
        self._scale_down(
            seen, nodes, in_progress, budgets, contributions, disable_scale_down, done, now
        )
        if self.options.enforce_node_group_min_size:
            context = self._context(seen, templates, contributions, now)
            status = self._scale_up.to_minimum_sizes(context)
            if status.result == SUCCESSFUL:
                self._last_scale_up = now
            if done.scale_ups and done.scale_ups[-1].result in (NOT_NEEDED, LIMITED, IN_COOLDOWN):
                done.scale_ups.pop()
            done.scale_ups.append(status)
        self._finish(done)
        return done

    def clocks(self) -> list[int]:
        """Return the times at which a timer runs out, past ones included."""
        options = self.options
        return [
            self._last_scale_up + options.scale_down_delay_after_add,
            self._last_delete + options.scale_down_delay_after_delete,
            self._last_failure + options.scale_down_delay_after_failure,
            *self.state.clocks(),
            *self.planner.clocks(),
        ]

    # --- preparation ---

    def _options_of(self, group: str) -> GroupOptions:
        return self._group_options[group]

    def _note_deleted(self, group: str, now: int) -> None:
        self.state.register_scale_down(group, now)
        self._delays.deleted[group] = now

    def _clean_up(self, nodes: Sequence[NodeRow]) -> None:
        """Remove taints that an earlier process may have left."""
        for node in nodes:
            if node.group and node.taint(TO_BE_DELETED) is not None:
                cordon = False if self.options.cordon_node_before_terminating else None
                self._world.update_taints(
                    node.name, node.version, remove=[TO_BE_DELETED], unschedulable=cordon
                )

    def _load_snapshot(self, seen: Observation) -> None:
        classes = seen.pods.classes
        loaded = []
        for row in seen.nodes:
            before = self._loaded.get(row.name)
            if before is not None and self._rows[row.name] is row:
                loaded.append(before)
                continue
            node = self._current(row)
            pods: Sequence[int] = [
                p for p in row.pods if not is_expendable(classes[p], self.options)
            ]
            if before is not None and list(before.pods) == pods:
                pods = before.pods
            before = LoadedNode(row.name, node, pods)
            loaded.append(before)
            self._rows[row.name] = row
        self._loaded = {node.name: node for node in loaded}
        self._snapshot.load(loaded, classes)
        self._snapshot.fork()

    def _current(self, row: NodeRow) -> Node:
        """The Node object with its taints and cordon of the moment."""
        key = (id(row.node), row.taints, row.unschedulable)
        node = self._nodes.get(key)
        if node is None:
            node = replace(row.node, taints=row.taints, unschedulable=row.unschedulable)
            self._nodes[key] = node
            self._kept.append(row.node)
        return node

    @staticmethod
    def _template_candidates(
        nodes: Sequence[NodeRow], ready: Sequence[NodeRow]
    ) -> Sequence[NodeRow]:
        return nodes if len(ready) != len(nodes) else ready

    def _maintain(self, seen: Observation, now: int) -> bool:
        """Section 2 step 8; return whether the iteration goes on."""
        groups = {group.name: group for group in seen.groups}
        self._remove_late_instances(groups, now)
        if not self.state.is_cluster_healthy():
            self.planner.forget_unneeded()
            return False
        failures = self.state.failed_instances()
        for name, failed in failures.items():
            names = self._all_if_atomic(name, failed)
            self._world.delete_nodes(name, names, force=self.options.force_delete_failed_nodes)
            self.state.invalidate_instances(name)
        if failures:
            self.state.recalculate(now)
        fixed = False
        for group in seen.groups:
            wrong = self.state.incorrect_size(group.name)
            if wrong is None or wrong.current >= wrong.expected:
                continue
            if wrong.since + self._options_of(group.name).max_node_provision_time < now:
                if self._world.decrease_target(group.name, wrong.current - wrong.expected):
                    return False
                fixed = True
        return not fixed

    def _remove_late_instances(self, groups: Mapping[str, NodeGroupRow], now: int) -> None:
        force = self.options.force_delete_unregistered_nodes
        late = self.state.late_instances(now)
        for name in groups:
            names = late.get(name)
            if not names:
                continue
            if not force:
                possible = self._world.target_size(name) - groups[name].min_size
                if possible <= 0:
                    continue
                names = names[:possible]
            names = self._all_if_atomic(name, names)
            error = self._world.delete_nodes(name, names, force=force)
            self.state.invalidate_instances(name)
            if error:
                return

    def _all_if_atomic(self, group: str, names: list[str]) -> list[str]:
        own = self._options_of(group)
        if own.zero_or_max_node_scaling and not own.allow_non_atomic_scale_up_to_max:
            return [instance.name for instance in self._world.instances(group)]
        return names

    def _add_upcoming(
        self, nodes: Sequence[NodeRow], templates: Mapping[str, NodeShape], now: int
    ) -> list[NodeRow]:
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
                self._snapshot.add_node(shape.node, name, (), shape.pods)
            starting.update(not_started)
        for node in nodes:
            if node.name in starting:
                self._snapshot.remove_node(node.name)
        return [node for node in nodes if node.name not in starting]

    def _current_groups(self, seen: Observation) -> list[NodeGroupRow]:
        """The groups with their targets after maintenance."""
        for group in seen.groups:
            group.target = self._world.target_size(group.name)
        return list(seen.groups)

    # --- quotas ---

    def _contributions(
        self, seen: Observation, templates: Mapping[str, NodeShape]
    ) -> dict[str, dict[str, int]]:
        """What one node of each group uses: its first node, else its template."""
        found: dict[str, dict[str, int]] = {}
        for node in seen.nodes:
            if node.group and node.group not in found:
                found[node.group] = self._node_contribution(node)
        for name, shape in templates.items():
            if name not in found:
                found[name] = contribution(shape, self._gpu_label)
        return found

    def _node_contribution(self, node: NodeRow) -> dict[str, int]:
        key = id(node.node)
        if key not in self._units:
            self._units[key] = contribution(NodeShape.of(node.node), self._gpu_label)
        return self._units[key]

    def _context(
        self,
        seen: Observation,
        templates: Mapping[str, NodeShape],
        contributions: Mapping[str, Mapping[str, int]],
        now: int,
    ) -> ScaleUpContext:
        rows = {node.name: node for node in seen.nodes}

        def quotas() -> QuotaTracker:
            used = []
            for name in self._snapshot.names():
                row = rows.get(name)
                group = row.group if row is not None else name.split("/")[0]
                if group:
                    used.append(contributions[group])
                elif row is not None:
                    used.append(self._node_contribution(row))
            return QuotaTracker(maxima(self.options), used)

        self._current_groups(seen)
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
    ) -> list[int]:
        """Run the pod list processors; return the pods to help."""
        pods, classes = seen.pods, seen.pods.classes
        pending = list(seen.pending)
        distinct = {classes[pod] for pod in pending}
        if any(is_expendable(pod_class, self.options) for pod_class in distinct):
            pending = [pod for pod in pending if not is_expendable(classes[pod], self.options)]
        for name in draining:
            handle = self._snapshot.handle(name)
            if handle is None:
                continue
            pending += [
                pod
                for pod in self._snapshot.pods_on(handle)
                if pods.deletion_ns[pod] is None
                and not (classes[pod].is_static or classes[pod].is_mirror)
                and not classes[pod].is_daemon_set
            ]
        done.fitting, left = self._filter.run(self._snapshot, pods, pending)
        if any(pod_class.is_daemon_set for pod_class in distinct):
            left = [pod for pod in left if not classes[pod].is_daemon_set]
        old = without_young(pods, left, self.options, now)
        done.has_young_pods = len(old) < len(left)
        return old

    def _help_pending(
        self,
        seen: Observation,
        groups: Sequence[NodeGroupRow],
        pending: list[int],
        ready: Sequence[NodeRow],
        nodes: Sequence[NodeRow],
        templates: Mapping[str, NodeShape],
        contributions: Mapping[str, Mapping[str, int]],
        done: Iteration,
        now: int,
    ) -> bool:
        """Section 2 steps 11 and 12; return whether scale-down is off for this loop."""
        limit = self.options.max_nodes_total
        ready_count = sum(1 for node in ready if not node.unschedulable)
        if not pending:
            done.scale_ups.append(ScaleUpStatus(NOT_NEEDED))
            return False
        if limit > 0 and ready_count >= limit:
            remaining = [Remaining(pending, {}, {})]
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
            self._last_scale_up = now
            if not self.options.salvo_scale_up:
                return False
            helped = set(status.triggered)
            pending = [pod for pod in pending if pod not in helped]
            if not pending:
                return False
            self._add_salvo(status, templates, seen.pods, len(done.scale_ups))

    def _add_salvo(
        self,
        status: ScaleUpStatus,
        templates: Mapping[str, NodeShape],
        pods: Pods,
        round_number: int,
    ) -> None:
        """Put the nodes just requested into the snapshot, and the pods on them where they fit."""
        fresh: list[int] = []
        for group, before, after in status.plan:
            shape = templates[group]
            for number in range(before, after):
                name = f"{group}/salvo-{round_number}-{number}#{self._iterations}"
                fresh.append(self._snapshot.add_node(shape.node, name, (), shape.pods))
        mask = self._snapshot.placement.mask()
        mask[fresh] = True
        for pod in status.triggered:
            pod_class = pods.classes[pod]
            node = self._snapshot.placement.scan(pod_class, mask)
            if node is not None:
                self._snapshot.place(pod, pod_class, node)

    # --- scale-down ---

    def _scale_down(
        self,
        seen: Observation,
        nodes: Sequence[NodeRow],
        in_progress: Mapping[str, str],
        budgets: BudgetTracker,
        contributions: Mapping[str, Mapping[str, int]],
        disabled: bool,
        done: Iteration,
        now: int,
    ) -> None:
        if not self.options.scale_down_enabled:
            return
        options, planner = self.options, self.planner
        groups = {group.name: group for group in self._current_groups(seen)}
        if self._candidates is None:
            self._candidates = CandidateOrder(options, seen.pods)
        candidates = self._candidates.sort(
            nodes,
            groups,
            self._snapshot,
            planner.unneeded,
            lambda group: (
                options.scale_down_delay_type_local and self._delays.holds_back(group, options, now)
            ),
            now,
        )
        context = PlanContext(
            snapshot=self._snapshot,
            pods=seen.pods,
            groups=groups,
            rules=DrainRules(options, seen.pods, seen.controllers),
            budgets=budgets,
            contributions=contributions,
            registered=self.state.registered,
            usage=lambda: used_by(
                seen.nodes,
                lambda node: (
                    contributions[node.group] if node.group else self._node_contribution(node)
                ),
            ),
            deleting=in_progress,
            now=now,
        )
        planner.update(context, nodes, candidates)
        done.is_planned = True
        status = done.scale_down
        if disabled or self._is_in_cooldown(now):
            status.result = DOWN_IN_COOLDOWN
        elif not candidates:
            status.result = DOWN_NO_CANDIDATES
        else:
            self._start_deletions(context, groups, seen, done)
        self._update_soft_taints(nodes)

    def _is_in_cooldown(self, now: int) -> bool:
        if self.options.scale_down_delay_type_local:
            return False
        return (
            self._last_scale_up + self.options.scale_down_delay_after_add > now
            or self._last_failure + self.options.scale_down_delay_after_failure > now
            or self._last_delete + self.options.scale_down_delay_after_delete > now
        )

    def _start_deletions(
        self,
        context: PlanContext,
        groups: Mapping[str, NodeGroupRow],
        seen: Observation,
        done: Iteration,
    ) -> None:
        empty, drain = self.planner.nodes_to_delete(context)
        running = list(self.actuator.in_progress.values())
        facts = {
            name: GroupFacts(
                group.target,
                self.state.registered(name),
                self._options_of(name).zero_or_max_node_scaling,
            )
            for name, group in groups.items()
        }
        cropper = Cropper(
            self.options.max_scale_down_parallelism,
            self.options.max_drain_parallelism,
            sum(1 for deletion in running if not deletion.drain),
            sum(1 for deletion in running if deletion.drain),
            facts,
        )
        found = {removable.node.name: removable for removable in (*empty, *drain)}
        empty_buckets, drain_buckets = cropper.crop(
            [removable.node.name for removable in empty],
            [removable.node.name for removable in drain],
            lambda name: found[name].node.group,
        )
        if not empty_buckets and not drain_buckets:
            done.scale_down.result = DOWN_NOTHING
            return
        for buckets, drains in ((empty_buckets, False), (drain_buckets, True)):
            for bucket in buckets:
                for name in bucket.nodes:
                    pods = self._reported_pods(found[name], seen) if drains else []
                    done.scale_down.started.append((name, pods))
        self.actuator.start(
            empty_buckets,
            drain_buckets,
            found,
            seen.pods,
            seen.controllers,
            lambda group: self._options_of(group).zero_or_max_node_scaling,
        )
        done.scale_down.result = DOWN_STARTED
        self._last_delete = context.now
        self.state.recalculate(context.now)

    def _reported_pods(self, removable: Removable, seen: Observation) -> list[int]:
        handle = self._snapshot.handle(removable.node.name)
        assert handle is not None
        classes = seen.pods.classes
        return [
            pod
            for pod in self._snapshot.pods_on(handle)
            if not classes[pod].is_mirror and not classes[pod].is_daemon_set
        ]

    def _update_soft_taints(self, nodes: Sequence[NodeRow]) -> None:
        if self.options.max_bulk_soft_taint_count == 0:
            return
        managed = [node for node in nodes if node.group]
        unneeded = self.planner.unneeded
        update_soft_taints(
            self._world,
            self.options,
            [node for node in managed if node.name in unneeded],
            [node for node in managed if node.name not in unneeded],
        )

    def _finish(self, done: Iteration) -> None:
        if not done.scale_ups:
            done.scale_ups.append(ScaleUpStatus(NOT_TRIED))
        done.scale_down.failures = self.actuator.take_failures()
