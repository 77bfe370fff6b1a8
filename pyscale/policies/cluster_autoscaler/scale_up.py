"""Scale-up: from pending pods to new sizes of node groups.

Specification sections 4.1 and 4.3 to 4.9; upstream ``core/scaleup/orchestrator``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .balancing import balance
from .cluster_state import ClusterState
from .equivalence import PodGroup, equivalence_groups
from .estimates import Demand, estimate
from .expander import Expander, Option, joined
from .limits import cluster_limit, combined, similar_groups_limit
from .node_shapes import NodeShape
from .options import GroupOptions, Options
from .quotas import QuotaTracker, exceeded_text
from .similar import Comparator
from .snapshot import Snapshot
from .world import Flags, Int64s, NodeGroupRow, PodList, Pods, World, no_numbers

SUCCESSFUL = "ScaleUpSuccessful"
ERROR = "ScaleUpError"
NO_OPTIONS = "ScaleUpNoOptionsAvailable"
NOT_NEEDED = "ScaleUpNotNeeded"
NOT_TRIED = "ScaleUpNotTried"
IN_COOLDOWN = "ScaleUpInCooldown"
LIMITED = "ScaleUpLimitedByMaxNodesTotal"

NOT_READY = "not ready for scale-up"
BACKED_OFF = "in backoff after failed scale-up"
MAX_SIZE = "max node group size reached"
ATOMIC_LIMIT = "atomic scale-up exceeds cluster node count limit"
EXECUTION_FAILED = "scale-up execution failed"
ALL_FILTERED = "expansion options filtered out and no longer considered"


@dataclass(slots=True)
class Remaining:
    """Pods that no group can help now: why each group rejected them or was skipped."""

    pods: Sequence[int] | Int64s
    rejected: dict[str, str]
    skipped: dict[str, str]


@dataclass(slots=True)
class ScaleUpStatus:
    """What one scale-up decided and did; ``plan`` has (group, from, to).

    ``skipped`` says why groups were not considered at all.
    """

    result: str
    options: list[Option] = field(default_factory=list)
    best: Option | None = None
    plan: list[tuple[str, int, int]] = field(default_factory=list)
    triggered: Int64s = field(default_factory=no_numbers)
    awaiting: Int64s = field(default_factory=no_numbers)
    remaining: list[Remaining] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    error: str = ""
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ScaleUpContext:
    """The facts of one iteration that scale-up reads."""

    snapshot: Snapshot
    pods: Pods
    groups: Sequence[NodeGroupRow]
    templates: Mapping[str, NodeShape]
    contributions: Mapping[str, Mapping[str, int]]
    quotas: Callable[[], QuotaTracker]
    group_options: Callable[[str], GroupOptions]
    now: int


@dataclass(slots=True, eq=False)
class _Verdicts:
    """Of one pod group: why node groups would not take it, and whether another one would."""

    group: PodGroup
    n_considered: int
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_schedulable(self) -> bool:
        return len(self.errors) < self.n_considered


class ScaleUp:
    """Chooses one option per call and resizes its group and similar ones."""

    def __init__(
        self,
        options: Options,
        state: ClusterState,
        world: World,
        expander: Expander,
        ignored_labels: frozenset[str] = frozenset(),
        generator: np.random.Generator | None = None,
    ) -> None:
        self._generator = generator
        self._options = options
        self._state = state
        self._world = world
        self._expander = expander
        self._comparator = Comparator(options, ignored_labels)
        self.on_scale_up: Callable[[str, int], None] = lambda group, now: None

    # --- pending pods ---

    def run(self, context: ScaleUpContext, pending: PodList) -> ScaleUpStatus:
        """Help pending pods: consider all groups, take the expander's choice, execute it."""
        groups = equivalence_groups(
            pending,
            context.pods.table,
            merge_alone=not self._options.fastpath_binpacking_enabled and self._generator is None,
        )
        if self._generator is not None:
            groups = [groups[i] for i in self._generator.permutation(len(groups)).tolist()]
        demand = Demand.of(groups, context.snapshot.placement)
        quotas = context.quotas()
        skipped: dict[str, str] = {}
        valid: list[NodeGroupRow] = []
        for group in context.groups:
            reason = self._skip_reason(group, context, quotas)
            if reason:
                skipped[group.name] = reason
            else:
                valid.append(group)
        verdicts = [_Verdicts(group, len(valid)) for group in groups]
        passing = {group.name: self._passing(group, context, demand, verdicts) for group in valid}
        options: list[Option] = []
        status = ScaleUpStatus(NO_OPTIONS, options, skipped=skipped)
        for group in valid:
            option = self._option(group, context, demand, passing)
            if option is not None:
                options.append(option)
        best = None
        if options:
            best = self._expander.best(options, context.snapshot.size())
            if best is None:
                for verdict in verdicts:
                    for option in options:
                        verdict.errors[option.group] = ALL_FILTERED
        if best is None:
            status.remaining = _remaining(verdicts, skipped)
            return status
        status.best = best
        count = self._capped(best, context, quotas)
        if count < 1:
            status.remaining = _remaining(verdicts, skipped)
            return status
        status.triggered = best.pods()
        plan = self._plan(best, count, context, quotas)
        error = self._execute(plan, status, context)
        if error:
            status.result, status.error = ERROR, f"failed to increase node group size: {error}"
            for verdict in verdicts:
                for name, _, _ in plan:
                    verdict.errors.setdefault(name, EXECUTION_FAILED)
            status.remaining = _remaining(verdicts, skipped)
            return status
        status.result, status.plan = SUCCESSFUL, plan
        status.remaining = _remaining(verdicts, skipped)
        status.awaiting = joined(
            verdict.group.pods
            for verdict in verdicts
            if verdict.is_schedulable and best.group in verdict.errors
        )
        return status

    def _skip_reason(
        self, group: NodeGroupRow, context: ScaleUpContext, quotas: QuotaTracker
    ) -> str:
        """Section 4.3: the first reason not to consider a group, "" if there is none."""
        state, now = self._state, context.now
        if not state.is_group_healthy(group.name):
            return NOT_READY
        if state.is_backed_off(group.name, now):
            return BACKED_OFF
        if group.target >= group.max_size:
            return MAX_SIZE
        count = 1
        if context.group_options(group.name).zero_or_max_node_scaling:
            count = group.max_size - group.target
            limit = self._options.max_nodes_total
            if limit > 0 and context.snapshot.size() + count > limit:
                return ATOMIC_LIMIT
        if group.name not in context.templates:
            return NOT_READY
        exceeded = quotas.exceeded(context.contributions[group.name], count)
        return exceeded_text(exceeded) if exceeded else ""

    def _passing(
        self,
        group: NodeGroupRow,
        context: ScaleUpContext,
        demand: Demand,
        verdicts: Sequence[_Verdicts],
    ) -> Flags:
        """Return which pod groups' first pod passes on a fresh node of a group."""
        placement, shape = context.snapshot.placement, context.templates[group.name]
        placement.fork()
        handle = placement.add_node(shape.node, "template-node", own=shape.pods)
        passes = np.ones(len(verdicts), np.bool_)
        for place, refusal in placement.refusals(demand.class_ids, handle).items():
            verdicts[place].errors[group.name] = refusal.text
            passes[place] = False
        placement.revert()
        return passes

    def _option(
        self,
        group: NodeGroupRow,
        context: ScaleUpContext,
        demand: Demand,
        passing: Mapping[str, Flags],
    ) -> Option | None:
        passes = np.flatnonzero(passing[group.name])
        if not len(passes):
            return None
        similar = self._similar(group.name, context, passing)
        by_name = {other.name: other for other in context.groups}
        members = [by_name[name] for name in (group.name, *similar)]
        limit = combined(
            (
                self._options.max_nodes_per_scaleup,
                similar_groups_limit((member.target, member.max_size) for member in members),
                cluster_limit(self._options.max_nodes_total, context.snapshot.size()),
            )
        )
        shape, own = context.templates[group.name], demand.where(passes)
        found = estimate(
            context.snapshot.placement,
            shape,
            own,
            limit,
            self._options.fastpath_binpacking_enabled,
        )
        count = found.node_count
        if count == 0 or not found.placed:
            return None
        if context.group_options(group.name).zero_or_max_node_scaling:
            count = group.max_size
        placed = [(own.groups[position], pods) for position, pods in found.placed.items()]
        return Option(group.name, shape, count, placed, similar, group.price)

    def _similar(
        self, name: str, context: ScaleUpContext, passing: Mapping[str, Flags]
    ) -> list[str]:
        """Section 4.8: groups alike that can take every pod group that this one can."""
        if not self._options.balance_similar_node_groups:
            return []
        if context.group_options(name).zero_or_max_node_scaling:
            return []
        template, wanted = context.templates[name], passing[name]
        return [
            other
            for other, passes in passing.items()
            if other != name
            and not (wanted & ~passes).any()
            and self._comparator.difference(template, context.templates[other]) is None
        ]

    # --- sizes ---

    def _capped(self, best: Option, context: ScaleUpContext, quotas: QuotaTracker) -> int:
        """Section 4.7: cap an option's nodes by max-nodes-total, then by the quotas."""
        count, limit = best.node_count, self._options.max_nodes_total
        size = context.snapshot.size()
        if limit > 0 and count + size > limit:
            count = limit - size
        if count < 1:
            return 0
        return quotas.allowed(context.contributions[best.group], count)

    def _plan(
        self, best: Option, count: int, context: ScaleUpContext, quotas: QuotaTracker
    ) -> list[tuple[str, int, int]]:
        """Section 4.8: divide the nodes over similar groups, each capped by what quotas leave."""
        by_name = {group.name: group for group in context.groups}
        members = [by_name[best.group]] + [
            by_name[name]
            for name in best.similar
            if not quotas.exceeded(context.contributions[name], 1)
        ]
        sizes = balance(count, [(g.name, g.target, g.max_size) for g in members])
        plan: list[tuple[str, int, int]] = []
        for change in sizes:
            contribution = context.contributions[change.name]
            delta = quotas.allowed(contribution, change.size - change.before)
            if delta > 0:
                quotas.consume(contribution, delta)
                plan.append((change.name, change.before, change.before + delta))
        return plan

    def _execute(
        self, plan: Sequence[tuple[str, int, int]], status: ScaleUpStatus, context: ScaleUpContext
    ) -> str:
        """Resize; in sequence, an error leaves the rest undone.  Return the first error."""
        first_error = ""
        for group, before, after in plan:
            error = self._world.increase_size(group, after - before)
            if not error:
                self._state.register_scale_up(group, after - before, context.now)
                self.on_scale_up(group, context.now)
                continue
            self._state.register_failed_scale_up(group, context.now)
            first_error = first_error or error
            status.failed.append(group)
            if not self._options.parallel_scale_up:
                break
        if not first_error:
            self._state.recalculate(context.now)
        return first_error

    # --- minimum sizes ---

    def to_minimum_sizes(self, context: ScaleUpContext) -> ScaleUpStatus:
        """Raise every group below its minimum (``enforce-node-group-min-size``).

        Quotas are checked per group without being consumed, and max-nodes-total is compared with
        that group's own target plus its increase, as upstream does.
        """
        quotas = context.quotas()
        plan: list[tuple[str, int, int]] = []
        for group in context.groups:
            if group.target >= group.min_size:
                continue
            if not self._state.is_safe_to_scale_up(group.name, context.now):
                continue
            if group.name not in context.templates:
                continue
            if quotas.exceeded(context.contributions[group.name], 1):
                continue
            count = group.min_size - group.target
            limit = self._options.max_nodes_total
            if limit > 0 and group.target + count > limit:
                count = limit - group.target
            if count < 1:
                continue
            count = quotas.allowed(context.contributions[group.name], count)
            if count >= 1:
                plan.append((group.name, group.target, group.target + count))
        if not plan:
            return ScaleUpStatus(NOT_NEEDED)
        status = ScaleUpStatus(SUCCESSFUL, plan=plan)
        error = self._execute(plan, status, context)
        if error:
            status.result, status.error = ERROR, f"failed to increase node group size: {error}"
            status.plan = []
        return status


def _remaining(verdicts: Sequence[_Verdicts], skipped: dict[str, str]) -> list[Remaining]:
    return [
        Remaining(verdict.group.pods, verdict.errors, skipped)
        for verdict in verdicts
        if not verdict.is_schedulable
    ]
