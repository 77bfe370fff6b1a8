"""Scale-down planning: which nodes are not needed, and which of them go now.

Specification sections 5.4, 5.6 and 5.7; upstream ``core/scaledown/planner``, ``unneeded``,
``unremovable`` and ``simulator/cluster.go``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pyscale.kernel._hints import Hints
from pyscale.kernel._removals import BLOCKED, REMOVABLE

from ...model.taints import NO_SCHEDULE, Taint
from .disruption import BudgetTracker
from .drain import DrainRules
from .eligibility import DISABLED_ANNOTATION, Eligibility, Eligible
from .fleet import Fleet
from .options import GroupOptions, Options
from .outcomes import Outcomes, reason_of
from .placement import Mask
from .quotas import minima
from .snapshot import Snapshot
from .utilization import Utilization
from .world import (
    TO_BE_DELETED,
    Int32s,
    Int64s,
    NodeGroupRow,
    NodeRow,
    Pods,
    is_disabled,
    no_numbers,
)

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
class Moves:
    """Where the pods of removable nodes could live: handles of nodes."""

    pods: Int64s
    nodes: Int32s


@dataclass(slots=True)
class Removable:
    """A node whose pods can live elsewhere; its moves are those from ``first`` up to ``last``."""

    node: NodeRow
    moves: Moves
    first: int
    last: int
    risky: bool = False
    waits: bool = False
    since: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it has no pod to move."""
        return self.first == self.last

    @property
    def pods(self) -> Int64s:
        """The pods to move."""
        return self.moves.pods[self.first : self.last]

    @property
    def nodes(self) -> Int32s:
        """Where they can live."""
        return self.moves.nodes[self.first : self.last]


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
    fleet: Fleet
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
        generator: np.random.Generator | None = None,
    ) -> None:
        self._generator = generator
        self._options = options
        self._eligibility = eligibility
        self._group_options = group_options
        self._hints = Hints()
        self._outcomes: Outcomes | None = None
        self._interval = max(1, options.scale_down_unneeded_time)
        self._last_update: int | None = None
        self._expiry: dict[str, int] = {}
        self._checked: Eligible | None = None
        self._stays: dict[str, Unremovable] = {}
        self.was_limited = False
        self.unneeded: dict[str, Removable] = {}

    @property
    def unremovable(self) -> dict[str, Unremovable]:
        """Why nodes stay that the latest iteration looked at, by name."""
        reasons = self._checked.reasons() if self._checked is not None else {}
        found = {name: Unremovable(reason) for name, reason in reasons.items()}
        found.update(self._stays)
        return found

    @property
    def utilization(self) -> dict[str, Utilization]:
        """How much is used of the nodes that the latest iteration looked at, by name."""
        return self._checked.utilization() if self._checked is not None else {}

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

    def update(self, context: PlanContext, candidates: Int64s) -> None:
        """Find the nodes that are not needed; candidates by position, in order of preference."""
        now, fleet, snapshot = context.now, context.fleet, context.snapshot
        if self._last_update is not None:
            self._interval = min(self._interval, now - self._last_update)
        self._last_update = now
        self._expire(context)
        usable = snapshot.placement.mask()
        usable[fleet.handles[fleet.listed]] = True
        if context.deleting:
            doomed = fleet.mask_of(context.deleting)
            usable &= ~doomed
            candidates = candidates[~doomed[fleet.handles[candidates]]]
        is_recent = fleet.mask_of(self._expiry) if self._expiry else None
        self._checked = self._eligibility.check(fleet, candidates, is_recent, context.pods, now)
        eligible = candidates[self._checked.codes == 0]
        found: list[Removable] = []
        self.was_limited = False
        if len(eligible):
            self._begin_outcomes(context)
            snapshot.fork()
            found = self._simulate(context, eligible, usable)
            snapshot.revert()
        self._hints.drop_old()
        for removable in found:
            known = self.unneeded.get(removable.node.name)
            removable.since = known.since if known is not None else now
        self.unneeded = {removable.node.name: removable for removable in found}

    def _expire(self, context: PlanContext) -> None:
        self._stays = {}
        if self._expiry:
            self._expiry = {
                name: expiry
                for name, expiry in self._expiry.items()
                if expiry > context.now and context.snapshot.handle(name) is not None
            }

    def _begin_outcomes(self, context: PlanContext) -> None:
        table = context.pods.table
        known = self._outcomes
        if known is None or not known.is_for(context.rules, table, context.budgets):
            self._outcomes = Outcomes(context.rules, table, context.budgets)
        assert self._outcomes is not None
        self._outcomes.begin(context.budgets)

    def _limit(self) -> int:
        """Section 5.6: how many removable nodes are looked for in one loop."""
        parallel = self._options.max_scale_down_parallelism
        unneeded_time = max(self._options.scale_down_unneeded_time, self._interval)
        upper = parallel * (unneeded_time // self._interval) + parallel
        return min(len(self.unneeded) + 2 * parallel, upper)

    def _simulate(self, context: PlanContext, eligible: Int64s, usable: Mask) -> list[Removable]:
        """Section 5.4: which nodes' pods can live elsewhere?  If so, they do from here on."""
        outcomes, placement = self._outcomes, context.snapshot.placement
        assert outcomes is not None
        now, rows = context.now, context.fleet.rows
        recheck = now + self._options.unremovable_node_recheck_timeout
        accepting = placement.open_nodes & usable
        removable: list[Removable] = []
        atomic, limit = 0, self._limit()

        def ask(pod: int, index: int) -> int:
            return outcomes.of_pod(pod, index, now)

        moves = Moves(no_numbers(), np.empty(0, np.int32))
        removal = placement.begin_removals(self._hints, usable, accepting, outcomes.codes, ask)
        handles = context.fleet.handles[eligible].tolist()
        for position, handle in zip(eligible.tolist(), handles, strict=True):
            if len(removable) - atomic >= limit:
                self.was_limited = True
                break
            node = rows[position]
            status = removal.remove(handle)
            if status == REMOVABLE:
                risky = outcomes.has_budgets and not outcomes.remove(
                    removal.moves(removal.first)[1]
                )
                removable.append(
                    Removable(node, moves, removal.first, removal.last, risky, removal.waits)
                )
                atomic += self._group_options(node.group).zero_or_max_node_scaling
                continue
            self._expiry[node.name] = recheck
            if status == BLOCKED:
                reason = reason_of(removal.outcome)
                self._stays[node.name] = Unremovable(BLOCKED_BY_POD, removal.blocking, reason)
            else:
                self._stays[node.name] = Unremovable(NO_PLACE)
        moves.pods, _, moves.nodes = removal.moves()
        return removable

    # --- what goes now ---

    def nodes_to_delete(self, context: PlanContext) -> tuple[list[Removable], list[Removable]]:
        """Section 5.7: return the empty nodes and those to drain that may go now."""
        now = context.now
        sizes = {name: group.target for name, group in context.groups.items()}
        least = {name: low for name, low in minima(self._options).items() if low > 0}
        usage = context.usage() if least else {}
        left = {name: max(0, usage.get(name, 0) - low) for name, low in least.items()}
        deletions: Mapping[str, int] = (
            Counter(context.deleting.values()) if context.deleting else {}
        )
        chosen: list[Removable] = []
        unneeded = list(self.unneeded.values())
        if self._generator is not None:
            unneeded = [unneeded[i] for i in self._generator.permutation(len(unneeded)).tolist()]
        empty = [found for found in unneeded if found.is_empty]
        if 0 < len(empty) < len(unneeded):
            unneeded = [*empty, *(found for found in unneeded if not found.is_empty)]
        for found in unneeded:
            reason = self._not_now(found, context, sizes, left, deletions, now)
            if reason:
                self._stays[found.node.name] = Unremovable(reason)
            else:
                chosen.append(found)
        if any(found.risky for found in chosen):
            chosen.sort(key=lambda found: found.risky and not found.is_empty)
        chosen = self._without_partial_groups(chosen, context)
        kept = []
        for found in chosen:
            if found.waits:
                self._stays[found.node.name] = Unremovable(ON_COMPLETION_POD)
            else:
                kept.append(found)
        return [n for n in kept if n.is_empty], [n for n in kept if not n.is_empty]

    def _not_now(
        self,
        found: Removable,
        context: PlanContext,
        sizes: dict[str, int],
        left: dict[str, int],
        deletions: Mapping[str, int],
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
        deleting = deletions.get(node.group, 0)
        if sizes[node.group] - deleting <= context.groups[node.group].min_size:
            return MIN_SIZE_REACHED
        if left:
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
        if not partial:
            return chosen
        for found in chosen:
            if found.node.group in partial:
                self._stays[found.node.name] = Unremovable(ATOMIC_FAILED)
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
    return _taint_at(now // 1_000_000_000)


@lru_cache(maxsize=1)  # the nodes of one loop are marked in the same second
def _taint_at(second: int) -> Taint:
    return Taint(TO_BE_DELETED, NO_SCHEDULE, str(second))
