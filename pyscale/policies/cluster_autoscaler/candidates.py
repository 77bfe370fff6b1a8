"""The order in which nodes are considered for removal, and delays per group.

Specification section 5.2; upstream ``processors/scaledowncandidates``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from .classes import PodClass
from .drain import DRAIN, MOVE, SKIP, WAIT, DrainRules
from .fleet import Fleet
from .options import Options
from .utilization import HAS_MOVED, HAS_TERMINATING, HAS_WAITING
from .world import Int64s, NodeGroupRow, PodColumns, Pods


@dataclass(slots=True)
class GroupDelays:
    """When each group last grew, shrank or failed to: ``scale-down-delay-type-local``."""

    added: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def holds_back(self, group: str, options: Options, now: int) -> bool:
        """Whether a group is within one of its delays."""
        return any(
            group in since and since[group] + delay > now
            for since, delay in (
                (self.added, options.scale_down_delay_after_add),
                (self.deleted, options.scale_down_delay_after_delete),
                (self.failed, options.scale_down_delay_after_failure),
            )
        )


class CandidateOrder:
    """Sorts candidates, by what drain rules without workload objects say of their pods.

    With a generator equal ones are in a random order.
    """

    def __init__(self, options: Options, generator: np.random.Generator | None = None) -> None:
        self._generator = generator
        self._options = options
        self._rules = DrainRules(options, PodColumns())

    def bits_of(self, pod_class: PodClass) -> int:
        """Return what a pod makes of its node's place in the order."""
        outcome = self._rules.of_class(pod_class)
        if outcome == WAIT:
            return HAS_WAITING
        if outcome == SKIP or (outcome in (MOVE, DRAIN) and pod_class.is_daemon_set):
            return 0
        return HAS_MOVED

    def sort(
        self,
        fleet: Fleet,
        groups: Mapping[str, NodeGroupRow],
        unneeded: Collection[str],
        is_held_back: Callable[[str], bool],
        pods: Pods,
        now: int,
    ) -> Int64s:
        """Return positions of nodes of groups above their minimum, the easiest to remove first.

        Empty ones come first, and of those the ones that wait for no pod to complete; then those
        that were unneeded before; equal ones keep their order.
        """
        is_open = np.zeros(len(fleet.groups.names) + 1, np.bool_)  # the last one is no group
        for number, name in enumerate(fleet.groups.names):
            group = groups.get(name)
            if group is not None and group.target > group.min_size and not is_held_back(name):
                is_open[number] = True
        positions = fleet.listed[is_open[fleet.group[fleet.handles[fleet.listed]]]]
        if self._generator is not None:
            positions = self._generator.permutation(positions)
        handles = fleet.handles[positions]
        bits = fleet.measures.bits[handles]
        moves, waits = (bits & HAS_MOVED) > 0, (bits & HAS_WAITING) > 0
        for place in np.flatnonzero(bits & HAS_TERMINATING).tolist():
            rules = DrainRules(self._options, pods)
            found = rules.pods_to_move(fleet.content(int(handles[place])), None, now)
            moves[place] = found.blocking is not None or bool(found.moved)
            waits[place] = found.waits
        was_needed = ~fleet.mask_of(unneeded)[handles]
        rank = 4 * moves + 2 * (waits & ~moves) + was_needed
        return positions[np.argsort(rank, kind="stable")]
