"""Which consolidations are out of the question, many at a time and without building objects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, reduce
from itertools import accumulate
from operator import add
from typing import NamedTuple

import numpy as np

from pyscale.kernel._candidacy import Candidacy
from pyscale.kernel._provision_prices import ClaimPrices
from pyscale.kernel._screening import Screen

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


class Screening:
    """Tells what the first looks of a consolidation would refuse, from the kernel's numbers."""

    def __init__(self, solver: Solver, candidacy: Candidacy, prices: LaunchPrices) -> None:
        self._solver, self._candidacy, self._prices = solver, candidacy, prices
        # A claim that holds reservations requires more than its set says.
        self._knows_sets = not solver.reservations or not solver.settings.reserved_capacity

    def screen(self, groups: Sequence[Sequence[int]]) -> list[Screened]:
        """Say of each group of nodes, by number, what is known about removing it, and why."""
        offsets = [0, *accumulate(map(len, groups))]
        nodes = np.array([number for group in groups for number in group], dtype=np.int32)
        found = self._solver.each_without(
            np.array(offsets, dtype=np.int32), nodes, self._candidacy.under()
        )
        prices, spots = (column.tolist() for column in self._candidacy.columns(nodes))
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
                group = slice(offsets[i], offsets[i + 1])
                reason = self._too_dear(
                    self._claim_prices.find(
                        int(found.template[i]), int(found.set_id[i]), found.types[i].tobytes()
                    ),
                    # Sums from left to right, as upstream's.
                    reduce(add, prices[group]),
                    all(spots[group]),
                )
                screened.append(Screened(reason) if reason else OPEN)
        return screened

    def _too_dear(self, claim: tuple[float, float, int], price: float, are_spot: bool) -> str:
        """Say why a claim is no gain, from its least price, that of spot, and number of types."""
        least, least_spot, n_types = claim
        if least_spot >= 0 and are_spot:
            if not self._solver.settings.spot_to_spot_consolidation:
                return SPOT_TO_SPOT_OFF
            least = least_spot
        return "" if least < price else too_dear(n_types, price)

    @cached_property
    def first(self) -> Screen:
        """Finds the first that :meth:`screen` would not refuse, without saying why."""
        solver = self._solver
        return Screen(
            solver.kernel,
            self._candidacy,
            solver.node_limits,
            solver.settings.best_effort_min_values,
            solver.settings.spot_to_spot_consolidation,
            self._claim_prices if self._knows_sets else None,
        )

    @cached_property
    def _claim_prices(self) -> ClaimPrices:
        return self._prices.of_claims(self._solver)
