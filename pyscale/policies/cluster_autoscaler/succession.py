"""How the nodes of an observation follow from those of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter, is_not

import numpy as np

from .world import Int64s, NodeRow, PodsByNode, no_numbers

_NAME = attrgetter("name")


@dataclass(slots=True)
class Succession:
    """What became of the rows of an earlier observation.

    Attributes
    ----------
    before : sequence of NodeRow
        The rows of the earlier observation, the very object.
    kept : ndarray of int64
        Positions there of the nodes that the later observation begins with, ascending; behind them
        it has other nodes.
    fresh : ndarray of int64
        Positions of rows that are other ones than before, those of other nodes included, ascending.
    held : PodsByNode
        The pods of these.
    """

    before: Sequence[NodeRow]
    kept: Int64s
    fresh: Int64s
    held: PodsByNode

    @property
    def n_changed(self) -> int:
        """Number of fresh rows of nodes that were there before."""
        return int(self.fresh.searchsorted(len(self.kept)))


def succession_of(before: Sequence[NodeRow], rows: Sequence[NodeRow]) -> Succession:
    """Compare two listings by name; if nodes that are in both changed their order, none is kept.

    O(len(before) + len(rows)), and the pods of fresh rows.
    """
    if list(map(_NAME, before)) == list(map(_NAME, rows)):
        kept = np.arange(len(rows))
    else:
        places = dict(zip(map(_NAME, rows), range(len(rows)), strict=True))
        where = np.array([places.get(row.name, -1) for row in before], np.int64)
        kept = np.flatnonzero(where >= 0)
        if not np.array_equal(where[kept], np.arange(len(kept))):
            kept = no_numbers()
    were = [before[position] for position in kept.tolist()]
    is_fresh = np.ones(len(rows), np.bool_)
    is_fresh[: len(were)] = np.fromiter(map(is_not, were, rows), np.bool_, len(were))
    fresh = np.flatnonzero(is_fresh)
    held = PodsByNode.of([rows[position].pods for position in fresh.tolist()])
    return Succession(before, kept, fresh, held)
