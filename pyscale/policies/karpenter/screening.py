"""Which consolidations are out of the question, many at a time and without building objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import SPOT
from pyscale.model.nodes import CAPACITY_TYPE_LABEL

from .candidates import Candidate
from .instance_types import MAX_PRICE
from .launch_prices import LaunchPrices
from .requirements import one_of
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

_SPOT_ONLY = one_of(CAPACITY_TYPE_LABEL, (SPOT,))


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

    def __init__(
        self, solver: Solver, under_consolidate_after: frozenset[str], prices: LaunchPrices
    ) -> None:
        self._solver = solver
        self._under = under_consolidate_after
        self._prices = prices
        # A claim that holds reservations requires more than its set says.
        self._knows_sets = not solver.reservations or not solver.settings.reserved_capacity

    def screen(self, groups: Sequence[Sequence[Candidate]]) -> list[Screened]:
        """Say of each group of candidates what the kernel's numbers tell about removing it."""
        found = self._solver.what_ifs(
            [[candidate.name for candidate in group] for group in groups], self._under
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
                key = int(found.template[i]), int(found.set_id[i]), found.types[i].tobytes()
                reason = self._too_dear(groups[i], key)
                screened.append(Screened(reason) if reason else OPEN)
        return screened

    def _too_dear(self, group: Sequence[Candidate], key: tuple[int, int, bytes]) -> str:
        known = self._prices.least.get(key)
        if known is None:
            known = self._prices.least[key] = self._look_up(*key)
        least, least_spot, n_types = known
        price = total_price(group)
        if least_spot >= 0 and all(candidate.is_spot for candidate in group):
            if not self._solver.settings.spot_to_spot_consolidation:
                return SPOT_TO_SPOT_OFF
            least = least_spot
        return "" if least < price else too_dear(n_types, price)

    def _look_up(self, template: int, set_id: int, types: bytes) -> tuple[float, float, int]:
        """Return the least worst launch price, the same for spot alone (or -1), and the types."""
        columns = self._solver.templates[template].columns
        requirements = self._solver.sets.sets[set_id]
        numbers = np.array(columns.types_of(int.from_bytes(types, "little")), dtype=np.intp)
        least_spot = -1.0
        if requirements.get_or_exists(CAPACITY_TYPE_LABEL).has(SPOT):
            spot = requirements.merged((_SPOT_ONLY,))
            least_spot = _least(self._prices.worst(columns, spot), numbers)
        return (
            _least(self._prices.worst(columns, requirements), numbers),
            least_spot,
            len(numbers),
        )


def _least(prices: NDArray[np.float64], numbers: NDArray[np.intp]) -> float:
    return float(prices[numbers].min(initial=MAX_PRICE))
