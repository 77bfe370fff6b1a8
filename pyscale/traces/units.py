"""Units of traces as exact integers: requests are rounded up, capacities down, times to ns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.model.resources import NANO

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000
MICROSECOND_NS = 1_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_NS = 24 * HOUR_NS

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

MILLI = NANO // 1000
"""Nano-units in one thousandth."""

INT64_MAX = int(np.iinfo(np.int64).max)

MOST_NS = 1 << 62
"""Times and durations stay below this (146 years), so that their sums fit int64."""

_FLOAT_INT64_LIMIT = 2.0**63


def to_nano(values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return fractions as nano-units, rounded to the nearest so that 0.1 stays 0.1.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Finite numbers below 9.2e9.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    OverflowError
        If a value does not fit.
    """
    scaled = np.rint(values * float(NANO))
    if scaled.size and np.abs(scaled).max() >= _FLOAT_INT64_LIMIT:
        raise OverflowError(f"expected numbers below 9.2e9, found {np.abs(values).max()}")
    result: NDArray[np.int64] = scaled.astype(np.int64)
    return result


def seconds_to_ns(values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return seconds as ns: the whole seconds exactly, the fraction rounded to the nearest ns.

    Raises
    ------
    OverflowError
        If a value is not below 146 years.
    """
    whole = np.floor(values)
    if whole.size and np.abs(whole).max() >= MOST_NS // SECOND_NS - 1:
        raise OverflowError(f"expected seconds below 4.6e9, found {np.abs(values).max()}")
    fraction = np.rint((values - whole) * float(SECOND_NS)).astype(np.int64)
    result: NDArray[np.int64] = whole.astype(np.int64) * SECOND_NS + fraction
    return result


def ceil_div(values: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    """Return the quotients rounded up; values are not negative."""
    return -(-values // divisor)


def scale_nano(nano: NDArray[np.int64], whole: int, up: bool = True) -> NDArray[np.int64]:
    """Return ``nano / 10**9 * whole`` in whole units, rounded up or down, without overflow.

    Parameters
    ----------
    nano : ndarray of int64, shape (n,)
        Fractions in nano-units, from 0 to 9 * 10**9.
    whole : int
        What 1.0 stands for, below 2**59.
    up : bool
        Whether to round up (requests) or down (capacities).
    """
    quotient, rest = divmod(whole, NANO)
    small = nano * np.int64(rest)
    small = ceil_div(small, NANO) if up else small // NANO
    scaled: NDArray[np.int64] = nano * np.int64(quotient) + small
    return scaled


def group_rows(columns: Sequence[NDArray[Any]]) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Group rows that agree in every column.

    Parameters
    ----------
    columns : sequence of ndarray, each of shape (n_rows,)
        Integers; text as dictionary codes.

    Returns
    -------
    first : ndarray of int, shape (n_groups,)
        First row of each group; groups are in the order of their first rows.
    group : ndarray of int32, shape (n_rows,)
        Group of each row.
    """
    n_rows = len(columns[0])
    code = np.zeros(n_rows, dtype=np.int64)
    for column in columns:
        values, part = np.unique(column, return_inverse=True)
        # Codes stay below n_rows, so the product with n_rows fits int64.
        code = code * max(len(values), 1) + part
        _, code = np.unique(code, return_inverse=True)
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return first[order], rank[group]
