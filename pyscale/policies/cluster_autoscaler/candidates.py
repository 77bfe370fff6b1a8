"""The order in which nodes are considered for removal, and delays per group.

Specification section 5.2; upstream ``processors/scaledowncandidates``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .drain import DrainRules
from .options import Options
from .snapshot import Snapshot
from .world import NodeGroupRow, NodeRow


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


def candidates_in_order(
    nodes: Sequence[NodeRow],
    groups: Mapping[str, NodeGroupRow],
    snapshot: Snapshot,
    rules: DrainRules,
    unneeded: Collection[str],
    is_held_back: Callable[[str], bool],
    now: int,
) -> list[NodeRow]:
    """Return nodes of groups above their minimum, those that are easiest to remove first.

    Empty ones come first, and of those the ones that wait for no pod to complete; then those that
    were unneeded before; equal ones keep their order.
    """

    def rank(node: NodeRow) -> tuple[bool, bool, bool]:
        handle = snapshot.handle(node.name)
        if handle is None:
            return True, False, node.name not in unneeded
        found = rules.pods_to_move(snapshot.pods_on(handle), None, now)
        empty = found.blocking is None and not found.moved
        return not empty, empty and found.waits, node.name not in unneeded

    eligible = [
        node
        for node in nodes
        if node.group in groups
        and groups[node.group].target > groups[node.group].min_size
        and not is_held_back(node.group)
    ]
    return sorted(eligible, key=rank)
