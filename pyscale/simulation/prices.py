"""The catalogue over time: offers as columns, the cheapest of a choice, and what a machine cost."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate, repeat

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._offers import Offers
from pyscale.model.catalog import SPOT, Catalog

from .clock import HOUR


class Market:
    """Prices of a run; times are those of the run.

    Parameters
    ----------
    catalog : Catalog
    epoch_ns : int
        Unix time of time zero.
    """

    def __init__(self, catalog: Catalog, epoch_ns: int) -> None:
        self._base = catalog
        self._epoch = epoch_ns
        self._now = catalog
        self._changes_ns: int | None = 0 if catalog.spot_prices is not None else None
        self._is_catalog_old = self._are_prices_old = catalog.spot_prices is not None
        self.version = 0
        self._chosen: dict[tuple[tuple[str, ...], ...], tuple[str, str, str] | None] = {}
        kinds = catalog.instance_types
        self._type = {kind.name: index for index, kind in enumerate(kinds)}
        self._zone = {zone: index for index, zone in enumerate(catalog.zones)}
        words = sorted({o.capacity_type for kind in kinds for o in kind.offerings})
        self._capacity_type = {word: index for index, word in enumerate(words)}
        self._begin = [0, *accumulate(len(kind.offerings) for kind in kinds)]
        self._offerings = offerings = [it for kind in kinds for it in kind.offerings]
        self._index: dict[tuple[str, str, str], int] = {}
        self._price = np.array([it.price_nano for it in offerings], np.int64)
        self._available = np.array([it.available for it in offerings], np.bool_)
        word = [self._capacity_type[it.capacity_type] for it in offerings]
        self._spot = np.array(word, np.int32) == self._capacity_type.get(SPOT, -1)
        self._sold = Offers(
            np.array(self._begin, np.int32),
            np.array([self._zone[it.zone] for it in offerings], np.int32),
            np.array(word, np.int32),
            self._price,
            self._available,
        )

    def __len__(self) -> int:
        return len(self._offerings)

    def offer(self, index: int) -> tuple[str, str, str]:
        """Return instance type, zone and capacity type of an offer."""
        kind = self._base.instance_types[bisect_right(self._begin, index) - 1]
        offering = self._offerings[index]
        return kind.name, offering.zone, offering.capacity_type

    def _next_change(self, time_ns: int) -> int | None:
        if self._base.spot_prices is None:
            return None
        change = self._base.spot_prices.next_change_ns(self._epoch + time_ns)
        return None if change is None else change - self._epoch

    def follow(self, now_ns: int) -> None:
        """Note that time went on; ``version`` grows if prices may have changed.

        Times never go back.  Prices are read when somebody asks for them: all of EC2's take tens
        of milliseconds.
        """
        if self._changes_ns is not None and now_ns >= self._changes_ns:
            self._changes_ns = self._next_change(now_ns)
            self._is_catalog_old = self._are_prices_old = True
            self._chosen.clear()
            self.version += 1

    @property
    def next_change_ns(self) -> int | None:
        """When prices may change next after the time that was followed to, None for never."""
        return self._changes_ns

    def catalog(self, now_ns: int) -> Catalog:
        """Return the catalogue with the prices of the moment."""
        self.follow(now_ns)
        if self._is_catalog_old:
            self._now = self._base.at(self._epoch + now_ns)
            self._is_catalog_old = False
        return self._now

    def price(self, instance_type: str, zone: str, capacity_type: str, now_ns: int) -> int:
        """Return the price of the moment in nano-dollars per hour, 0 for what is not sold."""
        index = self.index_of((instance_type, zone, capacity_type))
        if index < 0:
            return 0
        if self._spot[index] and self._base.spot_prices is not None:
            return self._base.spot_prices.price(instance_type, zone, self._epoch + now_ns) or 0
        return int(self._price[index])

    def _read_spot(self, now_ns: int) -> None:
        source = self._base.spot_prices
        if source is None or not self._are_prices_old:
            return
        spot = map(self.offer, self._spot.nonzero()[0].tolist())
        asked = [(name, zone) for name, zone, _ in spot]
        found = source.prices(asked, self._epoch + now_ns)
        self._price[self._spot] = [price or 0 for price in found]
        self._available[self._spot] = [price is not None for price in found]
        self._are_prices_old = False

    def choose(
        self,
        instance_types: tuple[str, ...],
        zones: tuple[str, ...],
        capacity_types: tuple[str, ...],
        is_full: NDArray[np.bool_],
        now_ns: int,
    ) -> tuple[str, str, str] | None:
        """Return the cheapest available offer of a choice, None if there is none.

        ``is_full`` marks offers, by index, that have no capacity left; whoever changes it calls
        :meth:`forget`.  Ties: order of the types, then of the capacity types, then of the zones.
        O(offers); O(1) for a choice that was asked for before at these prices.
        """
        self.follow(now_ns)
        if not capacity_types or SPOT in capacity_types:
            self._read_spot(now_ns)
        key = (instance_types, zones, capacity_types)
        if key not in self._chosen:
            self._chosen[key] = self._choose(*key, is_full)
        return self._chosen[key]

    def forget(self) -> None:
        """Forget choices, since other offers are full now."""
        self._chosen.clear()

    def _choose(
        self,
        instance_types: tuple[str, ...],
        zones: tuple[str, ...],
        capacity_types: tuple[str, ...],
        is_full: NDArray[np.bool_],
    ) -> tuple[str, str, str] | None:
        found = self._sold.cheapest(
            _numbers(instance_types, self._type),
            _numbers(zones, self._zone),
            _numbers(capacity_types, self._capacity_type),
            is_full,
        )
        return self.offer(found) if found >= 0 else None

    def index_of(self, offer: tuple[str, str, str]) -> int:
        """Return the index of an offer, of equal ones the first; -1 if nobody sells it."""
        index = self._index.get(offer)
        if index is None:
            kind = self._type.get(offer[0], -1)
            its = range(self._begin[kind], self._begin[kind + 1]) if kind >= 0 else ()
            index = next((i for i in its if self.offer(i) == offer), -1)
            self._index[offer] = index
        return index

    def cost(self, offer: tuple[str, str, str], begins_ns: int, ends_ns: int) -> int:
        """Return price times time in nano-dollars per hour times nanoseconds, exactly."""
        name, zone, capacity_type = offer
        if self.index_of(offer) < 0 or ends_ns <= begins_ns:
            return 0
        source = self._base.spot_prices
        if capacity_type != SPOT or source is None:
            offering = self._base.offering(*offer)
            assert offering is not None
            return offering.price_nano * (ends_ns - begins_ns)
        total, at = 0, begins_ns
        price = 0
        while at < ends_ns:
            change = self._next_change(at)
            until = ends_ns if change is None else min(change, ends_ns)
            # While the source has no price the last one known goes on.
            price = source.price(name, zone, self._epoch + at) or price
            total += price * (until - at)
            at = until
        return total


def _numbers(names: tuple[str, ...], table: dict[str, int]) -> list[int] | None:
    # No name means all; -1 stands for a name that nobody knows.
    return list(map(table.get, names, repeat(-1))) if names else None


def dollars(price_time: int) -> int:
    """Turn nano-dollars per hour times nanoseconds into nano-dollars, rounded to nearest."""
    return (price_time + HOUR // 2) // HOUR
