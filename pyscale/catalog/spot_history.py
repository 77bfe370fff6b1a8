"""Spot prices that were paid: the history that AWS gives."""

from __future__ import annotations

import datetime
import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from pyscale.errors import InvalidObjectError, TraceError
from pyscale.model.times import parse_timestamp

from .rows import read_rows

_COLUMNS = ("AvailabilityZone", "InstanceType", "ProductDescription", "SpotPrice", "Timestamp")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class SpotPriceHistory:
    """Spot prices as steps in time, one series per (instance type, zone).

    ``series`` maps (instance type, zone) to the times in ns, ascending, and the prices in
    nano-dollars per hour from each time on.  Before its first time a series has its first price;
    an offer without a series has none.  ``n_dropped`` rows of the file were of other products.
    """

    series: Mapping[tuple[str, str], tuple[tuple[int, ...], tuple[int, ...]]]
    n_dropped: int = 0

    def price(self, instance_type: str, zone: str, at_ns: int) -> int | None:
        """Return the price in force at a time, nano-dollars per hour; O(log changes)."""
        found = self.series.get((instance_type, zone))
        if found is None:
            return None
        times, prices = found
        return prices[max(0, bisect_right(times, at_ns) - 1)]

    def prices(self, offers: Sequence[tuple[str, str]], at_ns: int) -> list[int | None]:
        """Return the prices of many (instance type, zone) at one time."""
        return [self.price(instance_type, zone, at_ns) for instance_type, zone in offers]

    def next_change_ns(self, at_ns: int) -> int | None:
        """Return the first recorded time after ``at_ns``."""
        position = bisect_right(self._times, at_ns)
        return self._times[position] if position < len(self._times) else None

    def with_on_demand(self, prices: Mapping[str, int]) -> SpotPriceHistory:
        """Return this history: it does not depend on on-demand prices."""
        return self

    def starting_at(self, at_ns: int) -> SpotPriceHistory:
        """Return the history moved in time so that its first record is at ``at_ns``."""
        shift = at_ns - self._times[0]
        moved = {
            offer: (tuple(time + shift for time in times), prices)
            for offer, (times, prices) in self.series.items()
        }
        return SpotPriceHistory(moved, self.n_dropped)

    @cached_property
    def _times(self) -> tuple[int, ...]:
        return tuple(sorted({time for times, _ in self.series.values() for time in times}))


def read_spot_prices(path: str | os.PathLike[str], product: str = "Linux/UNIX") -> SpotPriceHistory:
    """Read what ``aws ec2 describe-spot-price-history`` printed.

    Parameters
    ----------
    path : path
        JSON as the command prints it (``{"SpotPriceHistory": [...]}``), or CSV with the columns
        AvailabilityZone, InstanceType, ProductDescription, SpotPrice, Timestamp in any order;
        also YAML and Parquet, the texts optionally with gzip.  Rows in any order.
    product : str
        The ``ProductDescription`` to keep; rows of others are counted and dropped.

    Returns
    -------
    SpotPriceHistory
        Times are nanoseconds since the Unix epoch; :meth:`SpotPriceHistory.starting_at` moves
        them to where a trace begins.

    Raises
    ------
    TraceError
        If a row is not right; names file, row and field.
    """
    name = os.fspath(path)
    found: dict[tuple[str, str], dict[int, int]] = {}
    others: set[str] = set()
    n_dropped = 0
    for row, fields in read_rows(path, key="SpotPriceHistory"):
        for column in _COLUMNS:
            if column not in fields:
                raise TraceError(name, "the field is missing", row, column)
        if fields["ProductDescription"] != product:
            others.add(str(fields["ProductDescription"]))
            n_dropped += 1
            continue
        offer = (_text(name, row, fields, "InstanceType"), _text(name, row, fields, _COLUMNS[0]))
        time = _time_ns(name, row, fields["Timestamp"])
        price = _price_nano(name, row, fields["SpotPrice"])
        before = found.setdefault(offer, {}).setdefault(time, price)
        if before != price:
            problem = f"{offer[0]} in {offer[1]} has two prices at {fields['Timestamp']}"
            raise TraceError(name, problem, row, "SpotPrice")
    if not found:
        products = ", ".join(map(repr, sorted(others)))
        raise TraceError(name, f"no row is of product {product!r}, found {products}")
    series = {}
    for offer, prices in sorted(found.items()):
        steps = sorted(prices.items())
        series[offer] = tuple(time for time, _ in steps), tuple(price for _, price in steps)
    return SpotPriceHistory(series, n_dropped)


def _text(name: str, row: int, fields: Mapping[str, Any], column: str) -> str:
    value = fields[column]
    if not isinstance(value, str) or not value:
        raise TraceError(name, f"expected a name, found {value!r}", row, column)
    return value


def _price_nano(name: str, row: int, value: object) -> int:
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not 0 < price < 10**6:
        problem = f"expected US dollars per hour above 0, found {value!r}"
        raise TraceError(name, problem, row, "SpotPrice")
    return max(1, int((price * 1_000_000_000).to_integral_value()))


def _time_ns(name: str, row: int, value: object) -> int:
    if isinstance(value, str):
        try:
            return parse_timestamp(value)
        except InvalidObjectError as error:
            raise TraceError(name, error.problem, row, "Timestamp") from None
    # YAML and Parquet know times of their own; without a zone they are meant as AWS means them.
    if not isinstance(value, datetime.datetime):
        raise TraceError(name, f"expected a timestamp, found {value!r}", row, "Timestamp")
    since = (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
