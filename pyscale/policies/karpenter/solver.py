"""Rounds over a compiled cluster: provisioning, and the what-ifs of disruption."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .result import Solution
from .tables import ClusterTables


@dataclass(frozen=True, eq=False)
class WhatIfs:
    """What rounds without some nodes would come to, one entry per group of nodes.

    Attributes
    ----------
    unplaced : ndarray of bool
        Whether a bound pod finds no place, or only one on a node that may never work.  Then the
        other attributes say nothing.
    n_claims : ndarray of int32
        Claims that would be created, those for pending pods included.
    template, set_id : ndarray of int32
        Template and requirement set of the first claim; -1 without one.
    types : ndarray of uint64, shape (n_groups, n_words)
        Columns of the first claim.
    cut : ndarray of bool
        Whether minValues may not survive the cut to 600 types: ask :meth:`Solver.solve`.
    """

    unplaced: NDArray[np.bool_]
    n_claims: NDArray[np.int32]
    template: NDArray[np.int32]
    set_id: NDArray[np.int32]
    types: NDArray[np.uint64]
    cut: NDArray[np.bool_]

    def columns(self, i: int) -> int:
        """Return the columns of group ``i``'s first claim as a bitset."""
        return int.from_bytes(self.types[i].tobytes(), "little")


class Solver(ClusterTables):
    """A cluster compiled once, and rounds over it; a round leaves no trace.

    Parameters
    ----------
    objects : ClusterObjects
    settings : Settings, optional
    pending : PendingPods, optional
        The pods to place, as columns; by default those of ``objects`` that are provisionable.

    Attributes
    ----------
    nodes : list of StateNode
        All state nodes, in the order in which they are tried; numbers in a
        :class:`.result.Solution` index it.
    node_number : dict of str to int
        By state node name.
    templates : list of Template
        What the NodePools can launch, in the order in which they are tried.
    bound : BoundPods
        The pods that have a node.
    sets : SetTable
        The requirement sets by number.

    Examples
    --------
    >>> from pyscale.catalog import kwok
    >>> from pyscale.model.groups import NodePool
    >>> from pyscale.policies.karpenter.state import ClusterObjects
    >>> solver = Solver(ClusterObjects((NodePool("default"),), kwok()))
    >>> solver.solve().claims
    []
    """

    def solve(
        self,
        candidates: Sequence[str] = (),
        under_consolidate_after: Iterable[str] = (),
        strict_reservations: bool | None = None,
    ) -> Solution:
        """Run one round over the base state.

        Parameters
        ----------
        candidates : sequence of str
            State nodes to do without; their pods that may move join the batch.
        under_consolidate_after : iterable of str
            State nodes that take no pod of a candidate.
        strict_reservations : bool, optional
            Whether pods wait for reserved offerings; None: unless there are candidates.

        Returns
        -------
        Solution

        Notes
        -----
        Follows Karpenter core ``pkg/controllers/provisioning/scheduling/scheduler.go:Solve`` and
        ``pkg/controllers/disruption/helpers.go:SimulateScheduling``.
        """
        if strict_reservations is None:
            strict_reservations = not candidates
        return self.without(
            [self.number_of(name) for name in candidates],
            self.under(under_consolidate_after),
            strict_reservations=strict_reservations,
        )

    def without(
        self, nodes: Sequence[int], under: NDArray[np.uint8], *, strict_reservations: bool = False
    ) -> Solution:
        """Run one round over the base state without some nodes.

        Parameters
        ----------
        nodes : sequence of int
            Numbers of the state nodes to do without.
        under : ndarray of uint8, shape (n_nodes,)
            Which state nodes take no pod of these.
        strict_reservations : bool
            Whether pods wait for reserved offerings.
        """
        raw = self.kernel.solve(
            np.array(nodes, dtype=np.int32),
            under,
            self.node_limits,
            strict_reservations,
            self.settings.best_effort_min_values,
        )
        return Solution(self, raw)

    def what_ifs(
        self, groups: Sequence[Sequence[str]], under_consolidate_after: Iterable[str] = ()
    ) -> WhatIfs:
        """Run one round per group of candidates, each over the base state, and sum them up.

        Parameters
        ----------
        groups : sequence of sequence of str
            State nodes to do without, per round.
        under_consolidate_after : iterable of str
            State nodes that take no pod of a candidate.

        Notes
        -----
        As :meth:`solve` with these candidates, without building objects: a few microseconds per
        round and pod.
        """
        offsets = np.cumsum([0, *(len(group) for group in groups)]).astype(np.int32)
        nodes = np.array(
            [self.number_of(name) for group in groups for name in group], dtype=np.int32
        )
        return self.each_without(offsets, nodes, self.under(under_consolidate_after))

    def each_without(
        self, offsets: NDArray[np.int32], nodes: NDArray[np.int32], under: NDArray[np.uint8]
    ) -> WhatIfs:
        """Run one round per group of nodes to do without; see :meth:`what_ifs`.

        Parameters
        ----------
        offsets, nodes : ndarray of int32
            Group ``i`` is ``nodes[offsets[i]:offsets[i + 1]]``, by numbers.
        under : ndarray of uint8, shape (n_nodes,)
            Which state nodes take no pod of these.
        """
        unplaced, n_claims, template, set_id, types, cut = self.kernel.what_ifs(
            offsets, nodes, under, self.node_limits, self.settings.best_effort_min_values
        )
        return WhatIfs(unplaced.astype(bool), n_claims, template, set_id, types, cut.astype(bool))

    def under(self, names: Iterable[str]) -> NDArray[np.uint8]:
        """Return which nodes are named, as the kernel takes them."""
        under = np.zeros(self.n_nodes, dtype=np.uint8)
        for name in names:
            under[self.number_of(name)] = 1
        return under
