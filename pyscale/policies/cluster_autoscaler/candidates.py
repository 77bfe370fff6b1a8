"""The order in which nodes are considered for removal, and delays per group.

Specification section 5.2; upstream ``processors/scaledowncandidates``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .drain import DrainRules
from .options import Options
from .snapshot import Snapshot
from .world import NodeGroupRow, NodeRow, Pods


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
    """Sorts candidates; what it finds of a node holds while the node's pods are the same list."""

    def __init__(self, options: Options, pods: Pods) -> None:
        self._rules = DrainRules(options, pods)
        self._known: dict[str, tuple[Sequence[int], bool, bool]] = {}

    def sort(
        self,
        nodes: Sequence[NodeRow],
        groups: Mapping[str, NodeGroupRow],
        snapshot: Snapshot,
        unneeded: Collection[str],
        is_held_back: Callable[[str], bool],
        now: int,
    ) -> list[NodeRow]:
        """Return nodes of groups above their minimum, those that are easiest to remove first.

        Empty ones come first, and of those the ones that wait for no pod to complete; then those
        that were unneeded before; equal ones keep their order.
        """
        open_groups = {
            name
            for name, group in groups.items()
            if group.target > group.min_size and not is_held_back(name)
        }
        ranked: list[tuple[tuple[bool, bool, bool], int, NodeRow]] = []
        for node in nodes:
            if node.group not in open_groups:
                continue
            empty, waits = self._emptiness(node, snapshot, now)
            rank = not empty, empty and waits, node.name not in unneeded
            ranked.append((rank, len(ranked), node))
        ranked.sort(key=lambda entry: entry[:2])
        return [node for _, _, node in ranked]

    def _emptiness(self, node: NodeRow, snapshot: Snapshot, now: int) -> tuple[bool, bool]:
        """Whether a node has no pod to move, and whether one of its pods is to complete."""
        handle = snapshot.handle(node.name)
        if handle is None:
            return False, False
        pods = snapshot.pods_on(handle)
        known = self._known.get(node.name)
        if known is not None and known[0] is pods:
            return known[1], known[2]
        found = self._rules.pods_to_move(pods, None, now)
        empty = found.blocking is None and not found.moved
        if self._rules.is_timeless(pods):
            self._known[node.name] = pods, empty, found.waits
        return empty, found.waits
