"""Spot prices as a seeded process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import isqrt

import numpy as np
from numpy.typing import NDArray

HOUR_NS = 3600 * 1_000_000_000
PPM = 1_000_000

_GOLDEN = 0x9E3779B97F4A7C15
# Variance of the sum of four independent uniform integers of 16 bits.
_NOISE_VARIANCE = 4 * ((1 << 32) - 1) // 12
_CHUNK = 256  # keeps the scratch arrays in the cache
_STEP = 100_000  # EC2 quotes spot prices in ten-thousandths of a dollar


class SpotProcess:
    """Spot prices that wander around a share of the on-demand price.

    Each (instance type, zone) has a mean share of its own, and in every period a deviation from
    it: a moving average, with weights that halve every ``half_life`` periods, of independent
    noise.  That is a mean-reverting (autoregressive) process which can be asked for any time
    without having been followed there.  Within a period the price stands still.

    Parameters
    ----------
    seed : int
        Two processes are equal iff seed, region and parameters are.
    region : str
        Part of the seed.
    on_demand : Mapping[str, int]
        On-demand price by instance type, nano-dollars per hour.  A type without one has no spot
        price.
    period_ns : int
        How long a price stands still; periods start at multiples of it.
    half_life : int
        Periods after which a deviation has halved.
    deviation : float
        Standard deviation of the share, as a share of the on-demand price.

    Notes
    -----
    Integers only (splitmix64 as the hash, BLAKE2b for names): the same bytes on every machine.
    The mean share of a type is uniform in 25 to 55 %, of a zone 5 % more or less, and the price
    stays between 10 and 100 % of the on-demand price, in steps of 0.0001 US dollars.  These
    figures are estimates of what EC2 does, not measurements; use :func:`read_spot_prices` for
    real ones.  Cost: O(half_life) per price.
    """

    def __init__(
        self,
        seed: int,
        region: str,
        on_demand: Mapping[str, int],
        *,
        period_ns: int = HOUR_NS,
        half_life: int = 12,
        deviation: float = 0.04,
    ) -> None:
        if period_ns < 1:
            raise ValueError(f"period_ns must be >= 1, found {period_ns}")
        if half_life < 1:
            raise ValueError(f"half_life must be >= 1, found {half_life}")
        if not 0 <= deviation <= 1:
            raise ValueError(f"deviation must be from 0 to 1, found {deviation}")
        self.seed = seed
        self.region = region
        self.on_demand = dict(on_demand)
        self.period_ns = period_ns
        self.half_life = half_life
        self.deviation = deviation
        self._pairs: dict[tuple[str, str], tuple[int, int]] = {}

    def price(self, instance_type: str, zone: str, at_ns: int) -> int | None:
        """Return the price at a time, nano-dollars per hour; None for a type without a price."""
        return self.prices([(instance_type, zone)], at_ns)[0]

    def prices(self, offers: Sequence[tuple[str, str]], at_ns: int) -> list[int | None]:
        """Return the prices of many (instance type, zone) at one time."""
        priced = [offer for offer in offers if offer[0] in self.on_demand]
        if not priced:
            return [None] * len(offers)
        pairs = [self._pair(*offer) for offer in priced]
        keys = np.array([key for key, _ in pairs], dtype=np.uint64)
        means = np.array([mean for _, mean in pairs], dtype=np.int64)
        shares = np.clip(means + self._deviations(keys, at_ns // self.period_ns), PPM // 10, PPM)
        found = {
            offer: max(_STEP, self.on_demand[offer[0]] * int(share) // PPM // _STEP * _STEP)
            for offer, share in zip(priced, shares, strict=True)
        }
        return [found.get(offer) for offer in offers]

    def next_change_ns(self, at_ns: int) -> int | None:
        """Return the start of the next period."""
        return (at_ns // self.period_ns + 1) * self.period_ns

    def with_on_demand(self, prices: Mapping[str, int]) -> SpotProcess:
        """Return the same process with more on-demand prices, nano-dollars per hour."""
        return SpotProcess(
            self.seed,
            self.region,
            {**self.on_demand, **prices},
            period_ns=self.period_ns,
            half_life=self.half_life,
            deviation=self.deviation,
        )

    @cached_property
    def _weights(self) -> NDArray[np.int64]:
        # 2**(-i / half_life) in 1/65536, by integer root and products so that no libm is asked.
        ratio = _integer_root(1 << (32 * self.half_life - 1), self.half_life)
        weights, weight = [], 1 << 32
        while weight >> 16 > 64:
            weights.append(weight >> 16)
            weight = weight * ratio >> 32
        return np.array(weights, dtype=np.int64)

    def _deviations(self, keys: NDArray[np.uint64], period: int) -> NDArray[np.int64]:
        weights = self._weights
        steps = np.array(
            [(period - age) * _GOLDEN % (1 << 64) for age in range(len(weights))], dtype=np.uint64
        )
        total = np.empty(len(keys), dtype=np.int64)
        for start in range(0, len(keys), _CHUNK):
            words = keys[start : start + _CHUNK, np.newaxis] + steps
            total[start : start + _CHUNK] = _noise(words) @ weights
        norm = isqrt(_NOISE_VARIANCE * sum(w * w for w in weights.tolist()))
        return total * round(self.deviation * PPM) // norm

    def _pair(self, instance_type: str, zone: str) -> tuple[int, int]:
        # Hash key and mean share, in millionths, of one (type, zone).
        found = self._pairs.get((instance_type, zone))
        if found is None:
            of_type = _digest(self.seed, self.region, instance_type)
            of_pair = _digest(self.seed, self.region, instance_type, zone)
            mean = 250_000 + of_type % 300_001 + (of_pair >> 32) % 100_001 - 50_000
            found = self._pairs[instance_type, zone] = of_pair, mean
        return found


def _digest(*parts: object) -> int:
    text = "\0".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _noise(word: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the centred sum of the four 16-bit words of each hash: nearly normal."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    word = word ^ (word >> np.uint64(31))
    mask = np.uint64(0xFFFF)
    parts = [(word >> np.uint64(shift) & mask).astype(np.int64) for shift in (0, 16, 32, 48)]
    return parts[0] + parts[1] + parts[2] + parts[3] - 2 * 0xFFFF


def _integer_root(value: int, degree: int) -> int:
    """Return the greatest integer whose ``degree``-th power is at most ``value``."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle)
    return low
