"""What a claim may cost at worst once it is launched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._provision_prices import ClaimPrices
from pyscale.model.catalog import ON_DEMAND, RESERVED, SPOT
from pyscale.model.nodes import CAPACITY_TYPE_LABEL

from .instance_types import MAX_PRICE, TypeColumns
from .requirements import Requirements, one_of

if TYPE_CHECKING:
    from .tables import ClusterTables

# A long run comes by many requirement sets.
_MOST_SETS = 4096
_SPOT_ONLY = one_of(CAPACITY_TYPE_LABEL, (SPOT,))


class LaunchPrices:
    """Worst launch prices of types, remembered by what they depend on."""

    def __init__(self) -> None:
        self._by_set: dict[tuple[int, Requirements], NDArray[np.float64]] = {}
        self._by_offers: dict[tuple[int, frozenset[Requirements]], NDArray[np.float64]] = {}
        self._columns: dict[int, TypeColumns] = {}
        self._of_claims: ClaimPrices | None = None

    def of_claims(self, tables: ClusterTables) -> ClaimPrices:
        """Return what claims cost at least, by the numbers that the kernel has for them.

        All clusters of one memory with the same templates share them.
        """
        if self._of_claims is None:
            source = _ClaimPriceSource(self, tables)
            self._of_claims = ClaimPrices(source, tables.frame.n_words)
        return self._of_claims

    def worst(self, columns: TypeColumns, requirements: Requirements) -> NDArray[np.float64]:
        """Return, per type, the dearest compatible available offering of the first capacity type.

        Reserved comes first, then spot, then on-demand; the largest float where nothing is
        compatible.

        Notes
        -----
        Follows Karpenter core ``pkg/cloudprovider/types.go:WorstLaunchPrice``.
        """
        identity = (id(columns), requirements)
        known = self._by_set.get(identity)
        if known is None:
            # Kept, so that its id is not given to another one.
            self._columns[id(columns)] = columns
            compatible = frozenset(
                offer
                for offer in columns.offer_sets
                if requirements.compatible(offer, columns.well_known)
            )
            shared = (id(columns), compatible)
            known = self._by_offers.get(shared)
            if known is None:
                known = self._by_offers[shared] = _worst(columns, compatible)
            if len(self._by_set) >= _MOST_SETS:
                self._by_set.clear()
            self._by_set[identity] = known
        return known


class _ClaimPriceSource:
    """What the kernel asks on a miss; see :class:`pyscale.kernel._provision_prices.ClaimPrices`."""

    def __init__(self, prices: LaunchPrices, tables: ClusterTables) -> None:
        self._prices = prices
        self._templates = tables.templates
        self._sets = tables.sets

    def least(self, template: int, set_id: int, types: bytes) -> tuple[float, float, int]:
        """Return the least worst launch price of a claim's types, and how many these are.

        In between the least price of spot alone, -1 where the set does not allow spot.
        """
        columns = self._templates[template].columns
        requirements = self._sets.sets[set_id]
        numbers = np.array(columns.types_of(int.from_bytes(types, "little")), dtype=np.intp)
        least_spot = -1.0
        if requirements.get_or_exists(CAPACITY_TYPE_LABEL).has(SPOT):
            spot = requirements.merged((_SPOT_ONLY,))
            least_spot = _least(self._prices.worst(columns, spot), numbers)
        least = _least(self._prices.worst(columns, requirements), numbers)
        return least, least_spot, len(numbers)

    def bounds(self, template: int, set_id: int) -> NDArray[np.float64]:
        """Return what each column costs at least: a worst launch price is no lower."""
        return self._templates[template].columns.least_prices(self._sets.sets[set_id])


def _least(prices: NDArray[np.float64], numbers: NDArray[np.intp]) -> float:
    return float(prices[numbers].min(initial=MAX_PRICE))


def _worst(columns: TypeColumns, compatible: frozenset[Requirements]) -> NDArray[np.float64]:
    prices = np.full(len(columns.types), MAX_PRICE)
    for i, compiled in enumerate(columns.types):
        by_capacity_type: dict[str, float] = {}
        for offer in compiled.offers:
            if offer.offering.available and offer.requirements in compatible:
                name, price = offer.offering.capacity_type, offer.offering.price
                by_capacity_type[name] = max(price, by_capacity_type.get(name, price))
        for name in (RESERVED, SPOT, ON_DEMAND):
            if name in by_capacity_type:
                prices[i] = by_capacity_type[name]
                break
    return prices
