"""A scale-up option: so many nodes of one group, for these pods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..equivalence import PodGroup
from ..node_shapes import NodeShape
from ..world import Int64s, no_numbers


def joined(parts: Iterable[Sequence[int] | Int64s]) -> Int64s:
    """Return ids of pods one behind the other."""
    arrays = [np.asarray(part, np.int64) for part in parts]
    return np.concatenate(arrays) if arrays else no_numbers()


@dataclass(slots=True, eq=False)
class Option:
    """What one node group could do.

    ``placed`` has, for each pod group that the estimate placed, how many of its first pods are
    placed.  ``price`` is the group's price in dollars per hour, None if it has none.
    """

    group: str
    shape: NodeShape
    node_count: int
    placed: Sequence[tuple[PodGroup, int]]
    similar: list[str] = field(default_factory=list)
    price: float | None = None
    exists: bool = True

    @property
    def pod_count(self) -> int:
        """Number of pods placed."""
        return sum(count for _, count in self.placed)

    def pods(self) -> Int64s:
        """Ids of the pods placed, group by group."""
        return joined(group.pods[:count] for group, count in self.placed)

    def placed_requests(self) -> list[tuple[int, int, int]]:
        """Return (milli-CPU, bytes, pods) of each group placed."""
        return [(group.pod_class.cpu, group.pod_class.memory, n) for group, n in self.placed]
