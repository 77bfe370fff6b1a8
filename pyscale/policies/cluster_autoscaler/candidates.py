"""The order in which nodes are considered for removal, and delays per group.

Specification section 5.2; upstream ``processors/scaledowncandidates``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._candidates import by_rank

from .classes import PodClass
from .drain import DRAIN, MOVE, SKIP, WAIT, DrainRules
from .fleet import Fleet
from .options import Options
from .utilization import HAS_MOVED, HAS_TERMINATING, HAS_WAITING
from .world import Int64s, NodeGroupRow, PodColumns, Pods

# Empty nodes, those where only pods are waited for, and those with pods to move; by bits.
_RANKS = np.array(
    [2 if bits & HAS_MOVED else int(bits & HAS_WAITING > 0) for bits in range(8)], np.uint8
)


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
        is_open = np.array(
            [
                (group := groups.get(name)) is not None
                and group.target > group.min_size
                and not is_held_back(name)
                for name in fleet.groups.names
            ],
            np.bool_,
        )
        positions, kinds = fleet.listed, fleet.measures.bits
        if self._generator is not None:
            group_of = fleet.group[fleet.handles[positions]]
            chosen = np.append(is_open, False)[group_of]  # the last one is no group
            positions = self._generator.permutation(positions[chosen])
        if fleet.measures.has_terminating:
            kinds = self._of_the_moment(fleet, kinds, pods, now)
        return by_rank(
            positions,
            fleet.handles,
            fleet.group,
            is_open.view(np.uint8),
            kinds,
            _RANKS,
            fleet.mask_of(unneeded).view(np.uint8),
        )

    def _of_the_moment(
        self, fleet: Fleet, bits: NDArray[np.uint8], pods: Pods, now: int
    ) -> NDArray[np.uint8]:
        """What pods under deletion make of their nodes depends on how long they have been."""
        bits, rules = bits.copy(), DrainRules(self._options, pods)
        handles = fleet.handles
        for handle in handles[(bits[handles] & HAS_TERMINATING) > 0].tolist():
            found = rules.pods_to_move(fleet.content(handle), None, now)
            moves = found.blocking is not None or bool(found.moved)
            bits[handle] = HAS_MOVED * moves | HAS_WAITING * found.waits
        return bits
