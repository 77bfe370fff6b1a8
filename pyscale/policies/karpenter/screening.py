"""Which consolidations are out of the question, many at a time and without building objects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._candidacy import Candidacy
from pyscale.kernel._provision_prices import ClaimPrices

from .candidates import Candidate
from .launch_prices import LaunchPrices
from .solver import Solver

NOT_PLACED = "not all pods would schedule"
SPOT_TO_SPOT_OFF = "SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node"


class Screened(NamedTuple):
    """What is known about a group: why nothing is gained, that it can be deleted, or nothing."""

    refusal: str = ""
    is_deletion: bool = False


OPEN = Screened()
DELETION = Screened(is_deletion=True)
UNPLACED = Screened(NOT_PLACED)


def too_many_claims(n_claims: int) -> str:
    """Return the reason why one node is not turned into several."""
    return f"can't remove without creating {n_claims} nodes"


def too_dear(n_types: int, price: float) -> str:
    """Return the reason why no type is good enough."""
    return f"can't replace with a cheaper node: none of {n_types} types is below ${price:g}"


def total_price(candidates: Sequence[Candidate]) -> float:
    """Return the sum of the candidates' prices, from left to right."""
    total = 0.0
    for candidate in candidates:
        total += candidate.price
    return total


class CandidateColumns(NamedTuple):
    """Candidates as numbers.

    Attributes
    ----------
    nodes : ndarray of int32
        The solver's numbers of their nodes.
    prices : ndarray of float64
    spots : ndarray of uint8
        Whether they are spot instances.
    """

    nodes: NDArray[np.int32]
    prices: NDArray[np.float64]
    spots: NDArray[np.uint8]

    @staticmethod
    def of(candidacy: Candidacy, nodes: NDArray[np.int32]) -> CandidateColumns:
        """Return the columns of some nodes."""
        return CandidateColumns(nodes, *candidacy.columns(nodes))

    def one(self, i: int) -> CandidateColumns:
        """Return a candidate alone."""
        one = slice(i, i + 1)
        return CandidateColumns(self.nodes[one], self.prices[one], self.spots[one])

    def first_single(self, screening: Screening, start: int) -> tuple[int, bool]:
        """Find, from one candidate on, the first that may go alone, and if it may be deleted."""
        nodes = self.nodes[start:]
        offsets = np.arange(len(nodes) + 1, dtype=np.int32)
        index, is_deletion = screening.first(
            nodes, offsets, self.prices[start:], self.spots[start:]
        )
        return start + index, is_deletion

    def prefix(self, screening: Screening, n: int) -> tuple[bool, bool]:
        """Say whether the first candidates are refused together, and if they may be deleted."""
        # Sums from left to right, as upstream's.
        price = np.cumsum(self.prices[:n])[-1:]
        index, is_deletion = screening.first(
            self.nodes[:n],
            np.array([0, n], dtype=np.int32),
            price,
            np.array([self.spots[:n].all()], dtype=np.uint8),
        )
        return index == 1, is_deletion


class Screening:
    """Tells what the first looks of a consolidation would refuse, from the kernel's numbers.

    ``under`` says which nodes take no pod of a candidate, ndarray of uint8, shape (n_nodes,).
    """

    def __init__(self, solver: Solver, under: NDArray[np.uint8], prices: LaunchPrices) -> None:
        self._solver = solver
        self._under = under
        self._prices = prices
        # A claim that holds reservations requires more than its set says.
        self._knows_sets = not solver.reservations or not solver.settings.reserved_capacity

    def screen(self, groups: Sequence[CandidateColumns]) -> list[Screened]:
        """Say of each group of candidates what the kernel's numbers tell about removing it."""
        found = self._solver.each_without(
            np.array([0, *accumulate(len(group.nodes) for group in groups)], dtype=np.int32),
            np.concatenate([group.nodes for group in groups]),
            self._under,
        )
        screened = []
        numbers = (found.unplaced.tolist(), found.n_claims.tolist(), found.cut.tolist())
        for i, (unplaced, n_claims, cut) in enumerate(zip(*numbers, strict=True)):
            if unplaced:
                screened.append(UNPLACED)
            elif cut:
                screened.append(OPEN)
            elif not n_claims:
                screened.append(DELETION)
            elif n_claims > 1:
                screened.append(Screened(too_many_claims(n_claims)))
            elif not self._knows_sets:
                screened.append(OPEN)
            else:
                reason = self._too_dear(
                    groups[i],
                    int(found.template[i]),
                    int(found.set_id[i]),
                    found.types[i].tobytes(),
                )
                screened.append(Screened(reason) if reason else OPEN)
        return screened

    def _too_dear(self, group: CandidateColumns, template: int, set_id: int, types: bytes) -> str:
        least, least_spot, n_types = self._claim_prices.find(template, set_id, types)
        price = float(np.cumsum(group.prices)[-1])
        if least_spot >= 0 and group.spots.all():
            if not self._solver.settings.spot_to_spot_consolidation:
                return SPOT_TO_SPOT_OFF
            least = least_spot
        return "" if least < price else too_dear(n_types, price)

    def first(
        self,
        nodes: NDArray[np.int32],
        offsets: NDArray[np.int32],
        prices: NDArray[np.float64],
        spots: NDArray[np.uint8],
    ) -> tuple[int, bool]:
        """Find the first group of nodes that :meth:`screen` would not refuse.

        Parameters
        ----------
        nodes, offsets : ndarray of int32
            Group ``i`` is ``nodes[offsets[i]:offsets[i + 1]]``, by the solver's node numbers.
        prices : ndarray of float64, shape (n_groups,)
            The sum of the candidates' prices, from left to right.
        spots : ndarray of uint8, shape (n_groups,)
            Whether all candidates of a group are spot instances.

        Returns
        -------
        index : int
            The number of groups if all would be refused.
        is_deletion : bool
            Whether the group can be deleted.

        Notes
        -----
        What-ifs end as soon as a refusal is certain; why is not said.
        """
        solver = self._solver
        index, is_deletion = solver.kernel.scan(
            offsets,
            nodes,
            prices,
            spots,
            self._under,
            solver.node_limits,
            solver.settings.best_effort_min_values,
            solver.settings.spot_to_spot_consolidation,
            self._claim_prices if self._knows_sets else None,
        )
        return index, is_deletion

    @cached_property
    def _claim_prices(self) -> ClaimPrices:
        return self._prices.of_claims(self._solver)
