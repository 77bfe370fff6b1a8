"""Scale-down planning: which nodes are not needed, and which of them go now.

Specification sections 5.4, 5.6 and 5.7; upstream ``core/scaledown/planner``, ``unneeded``,
``unremovable`` and ``simulator/cluster.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...model.taints import NO_SCHEDULE, Taint
from .disruption import BudgetTracker
from .drain import DrainRules
from .eligibility import (
    DISABLED_ANNOTATION,
    RECENTLY_UNREMOVABLE,
    UNEXPECTED_ERROR,
    Eligibility,
    Utilization,
    is_disabled,
)
from .hints import HintingSimulator
from .options import GroupOptions, Options
from .placement import Mask
from .quotas import minima
from .snapshot import Snapshot
from .world import TO_BE_DELETED, NodeGroupRow, NodeRow, Pods

BLOCKED_BY_POD = "BlockedByPod"
NO_PLACE = "NoPlaceToMovePods"
NOT_UNNEEDED_LONG_ENOUGH = "NotUnneededLongEnough"
NOT_UNREADY_LONG_ENOUGH = "NotUnreadyLongEnough"
MIN_SIZE_REACHED = "NodeGroupMinSizeReached"
MIN_RESOURCES = "MinimalResourceLimitExceeded"
ATOMIC_FAILED = "AtomicScaleDownFailed"
ON_COMPLETION_POD = "BlockedByOnCompletionPod"
NOT_AUTOSCALED = "NotAutoscaled"


@dataclass(slots=True)
class Removable:
    """A node whose pods can live elsewhere."""

    node: NodeRow
    pods: list[int]
    moves: dict[int, str]
    risky: bool = False
    waits: bool = False
    since: int = 0


@dataclass(slots=True)
class Unremovable:
    """Why a node stays; ``pod`` is the one that blocks, with its own reason."""

    reason: str
    pod: int | None = None
    pod_reason: str = ""


@dataclass(slots=True)
class PlanContext:
    """The facts of one iteration that planning reads."""

    snapshot: Snapshot
    pods: Pods
    groups: Mapping[str, NodeGroupRow]
    rules: DrainRules
    budgets: BudgetTracker
    contributions: Mapping[str, Mapping[str, int]]
    registered: Callable[[str], int]
    usage: Callable[[], Mapping[str, int]]
    deleting: Mapping[str, str]  # node -> group, deletions in progress
    now: int


class Planner:
    """Keeps, from loop to loop, what is unneeded since when and what cannot be removed."""

    def __init__(
        self,
        options: Options,
        eligibility: Eligibility,
        group_options: Callable[[str], GroupOptions],
    ) -> None:
        self._options = options
        self._eligibility = eligibility
        self._group_options = group_options
        self._simulator = HintingSimulator()
        self._interval = max(1, options.scale_down_unneeded_time)
        self._last_update: int | None = None
        self._expiry: dict[str, int] = {}
        self.was_limited = False
        self.unneeded: dict[str, Removable] = {}
        self.unremovable: dict[str, Unremovable] = {}
        self.utilization: dict[str, Utilization] = {}

    def skip_to(self, last: int) -> None:
        """Take iterations that could not change anything as done, the last one at this time."""
        if self._last_update is not None:
            self._last_update = max(self._last_update, last)

    def clocks(self) -> list[int]:
        """Return when timers run out: of unneeded nodes, and of those that could not go."""
        times = list(self._expiry.values())
        for found in self.unneeded.values():
            own = self._group_options(found.node.group)
            ready = found.node.ready
            wait = own.scale_down_unneeded_time if ready else own.scale_down_unready_time
            times.append(found.since + wait)
        return times

    def forget_unneeded(self) -> None:
        """Start all timers over."""
        self.unneeded = {}

    # --- what is unneeded ---

    def update(
        self,
        context: PlanContext,
        destinations: Sequence[NodeRow],
        candidates: Sequence[NodeRow],
    ) -> None:
        """Find the nodes that are not needed; candidates in order of preference."""
        now = context.now
        if self._last_update is not None:
            self._interval = min(self._interval, now - self._last_update)
        self._last_update = now
        self.utilization = {}
        self._expire(context)
        eligible: list[NodeRow] = []
        for node in candidates:
            if node.name in context.deleting:
                continue
            reason = self._ineligible(node, context)
            if reason:
                self.unremovable[node.name] = Unremovable(reason)
            else:
                eligible.append(node)
        snapshot = context.snapshot
        snapshot.fork()
        targets = snapshot.placement.mask()
        for node in destinations:
            handle = snapshot.handle(node.name)
            if handle is not None and node.name not in context.deleting:
                targets[handle] = True
        removable: list[Removable] = []
        atomic = 0
        limit = self._limit()
        self.was_limited = False
        for node in eligible:
            if len(removable) - atomic >= limit:
                self.was_limited = True
                break
            found = self._simulate(node, context, targets)
            if isinstance(found, Unremovable):
                self.unremovable[node.name] = found
                self._expiry[node.name] = now + self._options.unremovable_node_recheck_timeout
                continue
            removable.append(found)
            atomic += self._group_options(node.group).zero_or_max_node_scaling
        snapshot.revert()
        self._simulator.hints.drop_old()
        for found in removable:
            known = self.unneeded.get(found.node.name)
            found.since = known.since if known is not None else now
        self.unneeded = {found.node.name: found for found in removable}

    def _expire(self, context: PlanContext) -> None:
        self.unremovable = {}
        self._expiry = {
            name: expiry
            for name, expiry in self._expiry.items()
            if context.snapshot.handle(name) is not None and expiry > context.now
        }

    def _ineligible(self, node: NodeRow, context: PlanContext) -> str:
        handle = context.snapshot.handle(node.name)
        if handle is None:
            return UNEXPECTED_ERROR
        if node.name in self._expiry:
            return RECENTLY_UNREMOVABLE
        present = context.snapshot.pods_on(handle)
        reason, utilization = self._eligibility.check(node, context.pods, present, context.now)
        if utilization is not None:
            self.utilization[node.name] = utilization
        return reason

    def _limit(self) -> int:
        """Section 5.6: how many removable nodes are looked for in one loop."""
        parallel = self._options.max_scale_down_parallelism
        unneeded_time = max(self._options.scale_down_unneeded_time, self._interval)
        upper = parallel * (unneeded_time // self._interval) + parallel
        return min(len(self.unneeded) + 2 * parallel, upper)

    def _simulate(
        self, node: NodeRow, context: PlanContext, targets: Mask
    ) -> Removable | Unremovable:
        """Section 5.4: can the pods of a node live elsewhere?  If so, they do from here on."""
        snapshot, pods, budgets = context.snapshot, context.pods, context.budgets
        handle = snapshot.handle(node.name)
        assert handle is not None
        to_move = context.rules.pods_to_move(snapshot.pods_on(handle), budgets, context.now)
        if to_move.blocking is not None:
            return Unremovable(BLOCKED_BY_POD, to_move.blocking, to_move.reason)
        moved = to_move.moved
        moves: dict[int, str] = {}
        snapshot.fork()
        if moved:
            snapshot.empty(handle)
            snapshot.placement.taint_node(handle, TO_BE_DELETED)
            is_target, targets[handle] = targets[handle], False
            moves = self._simulator.move(
                snapshot, moved, [pods.classes[pod] for pod in moved], pods.keys, targets
            )
            if len(moves) != len(moved):
                snapshot.revert()
                targets[handle] = is_target
                return Unremovable(NO_PLACE)
        snapshot.remove_node(node.name)
        snapshot.commit()
        classes = [pods.classes[pod] for pod in moved]
        risky = not budgets.can_remove_in_parallel(classes)
        targets[handle] = False
        budgets.remove(classes)
        return Removable(node, moved, moves, risky, to_move.waits)

    # --- what goes now ---

    def nodes_to_delete(self, context: PlanContext) -> tuple[list[Removable], list[Removable]]:
        """Section 5.7: return the empty nodes and those to drain that may go now."""
        now = context.now
        sizes = {name: group.target for name, group in context.groups.items()}
        least = {name: low for name, low in minima(self._options).items() if low > 0}
        usage = context.usage() if least else {}
        left = {name: max(0, usage.get(name, 0) - low) for name, low in least.items()}
        chosen: list[Removable] = []
        for kind in (False, True):
            for found in self.unneeded.values():
                if bool(found.pods) != kind:
                    continue
                reason = self._not_now(found, context, sizes, left, now)
                if reason:
                    self.unremovable[found.node.name] = Unremovable(reason)
                else:
                    chosen.append(found)
        chosen.sort(key=lambda found: found.risky and bool(found.pods))
        chosen = self._without_partial_groups(chosen, context)
        kept = []
        for found in chosen:
            if found.waits:
                self.unremovable[found.node.name] = Unremovable(ON_COMPLETION_POD)
            else:
                kept.append(found)
        return [n for n in kept if not n.pods], [n for n in kept if n.pods]

    def _not_now(
        self,
        found: Removable,
        context: PlanContext,
        sizes: dict[str, int],
        left: dict[str, int],
        now: int,
    ) -> str:
        node = found.node
        if is_disabled(node):
            return DISABLED_ANNOTATION
        if node.group not in context.groups:
            return NOT_AUTOSCALED
        own = self._group_options(node.group)
        threshold = own.scale_down_unneeded_time if node.ready else own.scale_down_unready_time
        if threshold > 0 and found.since + threshold >= now:
            return NOT_UNNEEDED_LONG_ENOUGH if node.ready else NOT_UNREADY_LONG_ENOUGH
        deleting = sum(1 for group in context.deleting.values() if group == node.group)
        if sizes[node.group] - deleting <= context.groups[node.group].min_size:
            return MIN_SIZE_REACHED
        contribution = context.contributions[node.group]
        if any(amount > left.get(name, amount) for name, amount in contribution.items()):
            return MIN_RESOURCES
        for name, amount in contribution.items():
            if name in left:
                left[name] -= amount
        sizes[node.group] -= 1
        return ""

    def _without_partial_groups(
        self, chosen: list[Removable], context: PlanContext
    ) -> list[Removable]:
        """Keep all nodes of a ZeroOrMax group or none."""
        counts: dict[str, int] = {}
        for found in chosen:
            counts[found.node.group] = counts.get(found.node.group, 0) + 1
        partial = {
            group
            for group, count in counts.items()
            if self._group_options(group).zero_or_max_node_scaling
            and count not in (context.groups[group].target, context.registered(group))
        }
        for found in chosen:
            if found.node.group in partial:
                self.unremovable[found.node.name] = Unremovable(ATOMIC_FAILED)
        return [found for found in chosen if found.node.group not in partial]


def used_by(
    nodes: Sequence[NodeRow], contribution: Callable[[NodeRow], Mapping[str, int]]
) -> dict[str, int]:
    """Return what nodes contribute together, those under deletion included."""
    total: dict[str, int] = {}
    for node in nodes:
        for name, amount in contribution(node).items():
            total[name] = total.get(name, 0) + amount
    return total


def deletion_taint(now: int) -> Taint:
    """Return the taint that marks a node under deletion."""
    return Taint(TO_BE_DELETED, NO_SCHEDULE, str(now // 1_000_000_000))
