"""The second half of an iteration: which nodes are not needed, and deleting some of them.

Specification section 2, step 13; upstream ``core/static_autoscaler.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...model.times import HOUR
from .actuator import Deleter
from .budgets import Cropper, GroupFacts
from .candidates import CandidateOrder, GroupDelays
from .cluster_state import ClusterState
from .disruption import BudgetTracker
from .drain import DrainRules
from .eligibility import Eligibility
from .fleet import Fleet
from .options import GroupOptions, Options
from .planner import PlanContext, Planner, used_by
from .snapshot import Snapshot
from .soft_taints import update_soft_taints
from .world import (
    Controllers,
    NodeGroupRow,
    NodeRow,
    Observation,
    World,
)

NOT_TRIED = "NotTried"
IN_COOLDOWN = "InCooldown"
NO_CANDIDATES = "NoCandidates"
STARTED = "NodeDeleteStarted"
NOTHING = "NoNodeDeleted"

Contribution = Mapping[str, int]


@dataclass(slots=True)
class ScaleDownStatus:
    """What scale-down found and started; ``started`` has (node, whether it is drained)."""

    result: str = NOT_TRIED
    started: list[tuple[str, bool]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


class ScaleDown:
    """Plans and starts deletions, with all that is remembered between iterations.

    Parameters
    ----------
    options : Options
    state : ClusterState
    world : World
    snapshot : Snapshot
    actuator : Deleter
    group_options : callable
        Options of a node group, by its name.
    generator : numpy.random.Generator, optional
        Draws the order of nodes.
    """

    def __init__(
        self,
        options: Options,
        state: ClusterState,
        world: World,
        snapshot: Snapshot,
        actuator: Deleter,
        group_options: Callable[[str], GroupOptions],
        generator: np.random.Generator | None = None,
    ) -> None:
        self._options = options
        self._state = state
        self._world = world
        self._snapshot = snapshot
        self._actuator = actuator
        self._options_of = group_options
        self.planner = Planner(options, Eligibility(options), group_options, generator)
        self.delays = GroupDelays()
        self._order = CandidateOrder(options, generator)
        self._rules: tuple[Controllers, DrainRules] | None = None
        snapshot.placement.bits_of = self._order.bits_of
        start = world.now() - HOUR
        self.last_scale_up = self._last_delete = self._last_failure = start
        actuator.on_deleted = self._note_deleted
        actuator.on_failed = self.delays.failed.__setitem__

    def _note_deleted(self, group: str, now: int) -> None:
        self._state.register_scale_down(group, now)
        self.delays.deleted[group] = now

    def clocks(self) -> list[int]:
        """Return the times at which a timer runs out, past ones included."""
        options = self._options
        return [
            self.last_scale_up + options.scale_down_delay_after_add,
            self._last_delete + options.scale_down_delay_after_delete,
            self._last_failure + options.scale_down_delay_after_failure,
            *self.planner.clocks(),
        ]

    def run(
        self,
        seen: Observation,
        fleet: Fleet,
        deleting: Mapping[str, str],
        budgets: BudgetTracker,
        contributions: Mapping[str, Contribution],
        contribution_of: Callable[[NodeRow], Contribution],
        disabled: bool,
        now: int,
    ) -> ScaleDownStatus:
        """Find what is unneeded, and start to delete what may go now.

        Parameters
        ----------
        seen : Observation
        fleet : Fleet
        deleting : mapping
            The group of each node under deletion.
        budgets : BudgetTracker
        contributions : mapping
            What one node of each group uses.
        contribution_of : callable
            What a node that is in no group uses.
        disabled : bool
            Whether scale-up asked to leave all nodes.
        now : int
        """
        options, planner = self._options, self.planner
        groups = {group.name: group for group in seen.groups}
        candidates = self._order.sort(
            fleet,
            groups,
            planner.unneeded,
            lambda group: (
                options.scale_down_delay_type_local and self.delays.holds_back(group, options, now)
            ),
            seen.pods,
            now,
        )
        context = PlanContext(
            snapshot=self._snapshot,
            fleet=fleet,
            pods=seen.pods,
            groups=groups,
            rules=self._rules_of(seen),
            budgets=budgets,
            contributions=contributions,
            registered=self._state.registered,
            usage=lambda: used_by(
                seen.nodes,
                lambda node: contributions[node.group] if node.group else contribution_of(node),
            ),
            deleting=deleting,
            now=now,
        )
        planner.update(context, candidates)
        status = ScaleDownStatus()
        if disabled or self._is_in_cooldown(now):
            status.result = IN_COOLDOWN
        elif not len(candidates):
            status.result = NO_CANDIDATES
        else:
            self._start(context, seen, status)
        if options.max_bulk_soft_taint_count:
            self._update_soft_taints([fleet.rows[position] for position in fleet.listed.tolist()])
        return status

    def _rules_of(self, seen: Observation) -> DrainRules:
        if self._rules is None or self._rules[0] is not seen.controllers:
            rules = DrainRules(self._options, seen.pods, seen.controllers)
            self._rules = seen.controllers, rules
        return self._rules[1]

    def _is_in_cooldown(self, now: int) -> bool:
        if self._options.scale_down_delay_type_local:
            return False
        return (
            self.last_scale_up + self._options.scale_down_delay_after_add > now
            or self._last_failure + self._options.scale_down_delay_after_failure > now
            or self._last_delete + self._options.scale_down_delay_after_delete > now
        )

    def _start(self, context: PlanContext, seen: Observation, status: ScaleDownStatus) -> None:
        empty, drain = self.planner.nodes_to_delete(context)
        if not empty and not drain:
            status.result = NOTHING
            return
        found = {removable.node.name: removable for removable in (*empty, *drain)}
        empty_buckets, drain_buckets = self._cropper(context.groups).crop(
            [removable.node.name for removable in empty],
            [removable.node.name for removable in drain],
            lambda name: found[name].node.group,
        )
        if not empty_buckets and not drain_buckets:
            status.result = NOTHING
            return
        for buckets, drains in ((empty_buckets, False), (drain_buckets, True)):
            for bucket in buckets:
                status.started += [(name, drains) for name in bucket.nodes]
        self._actuator.start(
            empty_buckets,
            drain_buckets,
            found,
            seen.pods,
            seen.controllers,
            lambda group: self._options_of(group).zero_or_max_node_scaling,
        )
        status.result = STARTED
        self._last_delete = context.now
        self._state.recalculate(context.now)

    def _cropper(self, groups: Mapping[str, NodeGroupRow]) -> Cropper:
        running = list(self._actuator.in_progress.values())
        facts = {
            name: GroupFacts(
                group.target,
                self._state.registered(name),
                self._options_of(name).zero_or_max_node_scaling,
            )
            for name, group in groups.items()
        }
        return Cropper(
            self._options.max_scale_down_parallelism,
            self._options.max_drain_parallelism,
            sum(1 for deletion in running if not deletion.drain),
            sum(1 for deletion in running if deletion.drain),
            facts,
        )

    def _update_soft_taints(self, nodes: Sequence[NodeRow]) -> None:
        managed = [node for node in nodes if node.group]
        unneeded = self.planner.unneeded
        update_soft_taints(
            self._world,
            self._options,
            [node for node in managed if node.name in unneeded],
            [node for node in managed if node.name not in unneeded],
        )
