"""What a claim may cost at worst once it is launched."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import ON_DEMAND, RESERVED, SPOT

from .instance_types import MAX_PRICE, TypeColumns
from .requirements import Requirements


class LaunchPrices:
    """Worst launch prices of types, remembered by what they depend on."""

    def __init__(self) -> None:
        self._by_set: dict[tuple[int, Requirements], NDArray[np.float64]] = {}
        self._by_offers: dict[tuple[int, frozenset[Requirements]], NDArray[np.float64]] = {}
        self._columns: dict[int, TypeColumns] = {}
        #: By template, requirement set and types: the least worst price, that of spot alone (-1
        #: without), and the number of types.
        self.least: dict[tuple[int, int, bytes], tuple[float, float, int]] = {}

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
            self._by_set[identity] = known
        return known


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
