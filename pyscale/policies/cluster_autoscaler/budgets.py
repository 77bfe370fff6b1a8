"""How many nodes are deleted at once.

Specification section 5.8; upstream ``core/scaledown/budgets/budgets.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """Nodes of one group that go together; ``batch`` is the size of an atomic batch, else 0."""

    group: str
    nodes: list[str]
    batch: int = 0


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What the budgets read of a node group."""

    target: int
    registered: int
    atomic: bool = False


class Cropper:
    """Crops the nodes that could go to those that go now.

    Parameters
    ----------
    max_parallelism, max_drain_parallelism : int
        Nodes under deletion at a time, and those of them by drain.
    deleting_empty, draining : int
        Deletions in progress.
    groups : mapping
        Facts of each node group.
    """

    def __init__(
        self,
        max_parallelism: int,
        max_drain_parallelism: int,
        deleting_empty: int,
        draining: int,
        groups: Mapping[str, GroupFacts],
    ) -> None:
        self._all = max_parallelism - deleting_empty - draining
        self._drain = max_drain_parallelism - draining
        self._groups = groups
        self._may_oversize = True

    def crop(
        self, empty: Iterable[str], drain: Iterable[str], group_of: Callable[[str], str]
    ) -> tuple[list[Bucket], list[Bucket]]:
        """Return the buckets of empty nodes and of nodes to drain; groups in first-seen order."""
        empty_groups, drain_groups = _by_group(empty, group_of), _by_group(drain, group_of)
        chosen_empty: list[Bucket] = []
        chosen_drain: list[Bucket] = []
        self._atomic_empty(empty_groups, drain_groups, chosen_empty, chosen_drain)
        self._drain = min(self._all, self._drain)
        self._atomic_drain(empty_groups, drain_groups, chosen_drain)
        self._all -= self._individual(empty_groups, self._all, chosen_empty)
        self._drain = min(self._all, self._drain)
        self._individual(drain_groups, self._drain, chosen_drain)
        return chosen_empty, chosen_drain

    def _atomic_empty(
        self,
        empty: dict[str, list[str]],
        drain: dict[str, list[str]],
        chosen_empty: list[Bucket],
        chosen_drain: list[Bucket],
    ) -> None:
        for group, nodes in empty.items():
            if not self._groups[group].atomic:
                continue
            drained = drain.get(group, [])
            size = len(nodes) + len(drained)
            if self._all < size or self._drain < len(drained):
                used_up = self._all == 0 or (len(drained) > 0 and self._drain == 0)
                if used_up or not self._may_oversize:
                    break
            if not self._is_whole(group, size):
                continue
            batch = self._batch(group, nodes)
            chosen_empty.append(Bucket(group, nodes, batch))
            if drained:
                chosen_drain.append(Bucket(group, drained, batch))
            self._all -= size
            self._drain -= len(drained)
            self._may_oversize = False

    def _atomic_drain(
        self, empty: dict[str, list[str]], drain: dict[str, list[str]], chosen: list[Bucket]
    ) -> None:
        for group, nodes in drain.items():
            if not self._groups[group].atomic or group in empty:
                continue
            over = self._drain < len(nodes)
            if over and (self._drain == 0 or not self._may_oversize):
                break
            if not self._is_whole(group, len(nodes)):
                continue
            chosen.append(Bucket(group, nodes, self._batch(group, nodes)))
            self._all -= len(nodes)
            self._drain -= len(nodes)
            self._may_oversize = False

    def _individual(self, groups: dict[str, list[str]], budget: int, chosen: list[Bucket]) -> int:
        taken = 0
        for group, nodes in groups.items():
            if self._groups[group].atomic:
                continue
            if taken >= budget:
                break
            part = nodes[: budget - taken]
            chosen.append(Bucket(group, part))
            taken += len(part)
        return taken

    def _is_whole(self, group: str, size: int) -> bool:
        facts = self._groups[group]
        return size in (facts.target, facts.registered)

    def _batch(self, group: str, nodes: list[str]) -> int:
        facts = self._groups[group]
        return facts.registered if len(nodes) == facts.registered else facts.target


def _by_group(nodes: Iterable[str], group_of: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for node in nodes:
        groups.setdefault(group_of(node), []).append(node)
    return groups
