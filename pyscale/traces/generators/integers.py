"""Random integers that are the same on every machine.

NumPy promises the stream of its bit generators, not that of its distributions, and the last bit
of ``exp`` or ``cos`` differs between C libraries.  So everything here is integer arithmetic on
the raw 64-bit words of PCG64.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

ONE = 1 << 16
"""1.0 in the fixed point numbers of this module: 16 fractional bits."""

_FRACTION_BITS = 16
_EXP_BITS = 30
_LN2 = 45_426  # ln 2 in fixed point
_DAY_MINUTES = 1440
_HALF_DAY = 720
_QUARTER_DAY = 360


def _root_of_two(step: int) -> int:
    """Return 2 ** (2 ** -step) with 30 fractional bits, by integer square roots."""
    value = 2 << (2 * _EXP_BITS)
    for _ in range(step):
        # The argument always has twice the fractional bits of the root.
        value = isqrt(value) << _EXP_BITS
    return value >> _EXP_BITS


_ROOTS = tuple(_root_of_two(step) for step in range(1, _FRACTION_BITS + 1))


def exp2(exponent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 2 ** exponent in fixed point, exponents below 16.

    Parameters
    ----------
    exponent : ndarray of int64, any shape
        Fixed point with 16 fractional bits; results below 1 / 65536 are 0.
    """
    whole = exponent >> _FRACTION_BITS
    value = np.full(exponent.shape, 1 << _EXP_BITS, dtype=np.int64)
    for step, root in enumerate(_ROOTS, start=1):
        bit = (exponent >> (_FRACTION_BITS - step)) & 1
        value = np.where(bit == 1, value * root >> _EXP_BITS, value)
    shift = _EXP_BITS - _FRACTION_BITS - whole
    left = np.clip(-shift, 0, 32)
    result: NDArray[np.int64] = (value << left) >> np.clip(shift, 0, 62)
    return result


def log2(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the logarithm to base 2 in fixed point, rounded down, of integers below 2**32."""
    mantissa = values.astype(np.uint64)
    whole = np.zeros(values.shape, dtype=np.int64)
    for bits in (16, 8, 4, 2, 1):
        large = mantissa >= np.uint64(1 << bits)
        whole += np.where(large, bits, 0)
        mantissa = np.where(large, mantissa >> np.uint64(bits), mantissa)
    mantissa = values.astype(np.uint64) << (31 - whole).astype(np.uint64)
    fraction = np.zeros(values.shape, dtype=np.int64)
    for _ in range(_FRACTION_BITS):
        mantissa = (mantissa * mantissa) >> np.uint64(31)
        carry = mantissa >= np.uint64(1 << 32)
        fraction = fraction * 2 + carry
        mantissa = np.where(carry, mantissa >> np.uint64(1), mantissa)
    return whole * ONE + fraction


def day_wave(minute: ArrayLike) -> NDArray[np.int64]:
    """Return a cosine with the period of a day, in thousandths, 1000 at minute 0.

    Bhaskara's rational approximation; the error is below 3 thousandths.
    """
    distance = np.abs((np.asarray(minute, dtype=np.int64) + _HALF_DAY) % _DAY_MINUTES - _HALF_DAY)
    mirrored = distance > _QUARTER_DAY
    near = np.where(mirrored, _HALF_DAY - distance, distance)
    square = near * near
    wave = 1000 * (4 * _QUARTER_DAY**2 - 4 * square) // (4 * _QUARTER_DAY**2 + square)
    result: NDArray[np.int64] = np.where(mirrored, -wave, wave)
    return result


class Integers:
    """A seeded source of integers.

    Parameters
    ----------
    seed : int
        Not negative.
    stream : int
        Sources of one seed and different streams are independent.
    """

    def __init__(self, seed: int, stream: int) -> None:
        if seed < 0:
            raise ValueError(f"seed must be >= 0, found {seed}")
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, stream]))

    def words(self, n: int) -> NDArray[np.uint64]:
        """Return ``n`` numbers from 0 to 2**32 - 1."""
        raw: NDArray[np.uint64] = self._bits.random_raw(n)
        return raw >> np.uint64(32)

    def below(self, bound: ArrayLike, n: int) -> NDArray[np.int64]:
        """Return numbers from 0 to ``bound - 1``, of one bound or one bound each, below 2**31."""
        words = self.words(n).astype(np.int64)
        result: NDArray[np.int64] = words * np.asarray(bound, dtype=np.int64) >> 32
        return result

    def between(self, low: int, high: int, n: int) -> NDArray[np.int64]:
        """Return numbers from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1, n)

    def choice(self, weights: Sequence[int], n: int) -> NDArray[np.int64]:
        """Return indices into ``weights``, drawn in proportion to the weights."""
        bounds = np.cumsum(np.asarray(weights, dtype=np.int64))
        result: NDArray[Any] = np.searchsorted(bounds, self.below(bounds[-1], n), side="right")
        return result.astype(np.int64)

    def exponential(self, mean: int, n: int) -> NDArray[np.int64]:
        """Return waiting times with a mean (below 2**31), rounded down."""
        bits = 32 * ONE - log2(self.words(n) | np.uint64(1))
        result: NDArray[np.int64] = mean * (bits * _LN2 >> _FRACTION_BITS) >> _FRACTION_BITS
        return result

    def normal(self, n: int) -> NDArray[np.int64]:
        """Return standard normal numbers in fixed point, from -6 to 6: a sum of 12 uniform ones."""
        parts = self.words(12 * n).reshape(12, n) >> np.uint64(16)
        total: NDArray[np.int64] = parts.sum(axis=0).astype(np.int64) - 6 * ONE
        return total

    def lognormal(self, median: int, doublings: int, n: int) -> NDArray[np.int64]:
        """Return numbers around a median, at least 1.

        Parameters
        ----------
        median : int
            Below 2**20.
        doublings : int
            Standard deviation of the logarithm to base 2, in fixed point, at most 2.5.
        """
        exponent = self.normal(n) * doublings >> _FRACTION_BITS
        result: NDArray[np.int64] = np.maximum(median * exp2(exponent) >> _FRACTION_BITS, 1)
        return result
