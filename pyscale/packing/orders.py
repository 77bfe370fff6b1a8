"""In which order a *decreasing* rule takes the pod classes, and what a node's room weighs.

All sizes are exact integers: a resource counts in proportion to its weight, by default
1 / capacity.  The fractions are brought to a common denominator; only if the resulting weights
exceed 61 bits are they rounded down to 61 bits, the same on every machine.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel import _order
from pyscale.packing._border import LIMIT, Int64, sum_exactly

ORDERS = ("lexicographic", "sum", "product", "max", "average_sum")


def decreasing(
    requests: Int64, counts: Int64, order: str, weights: list[Fraction]
) -> NDArray[np.int32]:
    """Sort pod classes, largest first.

    Parameters
    ----------
    requests : ndarray of int64, shape (n_classes, n_resources)
        Requests of one pod.
    counts : ndarray of int64, shape (n_classes,)
        Pods of each class.
    order : str
        ``"lexicographic"``: the first resource decides, then the next. ``"sum"`` (FFDSum): weighted
        sum. ``"product"`` (FFDProd): product of all requests. ``"max"`` (FFDMax): largest weighted
        request. ``"average_sum"`` (FFDAvgSum): weighted sum, where each resource counts once more
        in proportion to its mean demand.
    weights : list of Fraction
        Weight of one unit of each resource.

    Returns
    -------
    ndarray of int32, shape (n_classes,)
        Classes in order. Equal sizes are ordered lexicographically, equal requests by class
        number.

    Notes
    -----
    O(n_classes log n_classes). Sizes as in Panigrahy, Talwar, Uyeda, Wieder: Heuristics for Vector
    Bin Packing, Microsoft Research, 2011.
    """
    n, n_resources = requests.shape
    width = {"lexicographic": 0, "product": n_resources}.get(order, 2)
    keys = requests
    if width:
        keys = np.empty((n, width + n_resources), dtype=np.int64)
        keys[:, width:] = requests
        if order == "product":
            _order.products(requests, keys[:, :width])
        elif order == "max":
            _order.weighted_maxima(requests, integer_weights(weights), keys[:, :width])
        else:
            if order == "average_sum":
                weights = with_mean_demand(requests, counts, weights)
            _order.weighted_sums(requests, integer_weights(weights), keys[:, :width])
    place = np.empty(n, dtype=np.int32)
    _order.sort_rows(keys, np.ones(keys.shape[1], dtype=np.uint8), place, np.empty_like(place))
    return place


def unit_weights(capacity: Int64, weights: Int64 | None) -> list[Fraction]:
    """Weight of one unit of each resource: the caller's, or one over the capacity."""
    if weights is not None:
        return [Fraction(int(w)) for w in weights]
    return [Fraction(1, int(c)) if c > 0 else Fraction(0) for c in capacity]


def with_mean_demand(requests: Int64, counts: Int64, weights: list[Fraction]) -> list[Fraction]:
    """Multiply each weight by the weighted total demand of its resource."""
    out = []
    for r, weight in enumerate(weights):
        column = requests[:, r]
        if int(column.max(initial=0)) * int(counts.max(initial=0)) < 2**62:
            demand = sum_exactly(column * counts)
        else:
            demand = sum(x * n for x, n in zip(column.tolist(), counts.tolist(), strict=True))
        out.append(weight * weight * demand)
    return out


def integer_weights(weights: list[Fraction], most: int = LIMIT) -> Int64:
    """Bring fractions to integers of the same proportions, none above ``most``."""
    common = lcm(*(w.denominator for w in weights))
    numbers = [w.numerator * (common // w.denominator) for w in weights]
    divisor = gcd(*numbers) or 1
    numbers = [x // divisor for x in numbers]
    largest = max(numbers)
    if largest > most:
        numbers = [max(1, x * most // largest) if x else 0 for x in numbers]
    return np.array(numbers, dtype=np.int64)


def room_weights(weights: list[Fraction], peaks: list[int]) -> Int64:
    """Integer weights under which no node's weighted room reaches 2^61.

    Parameters
    ----------
    weights : list of Fraction
        Weight of one unit of each resource.
    peaks : list of int
        Largest magnitude of room in each resource.
    """
    numbers = [int(x) for x in integer_weights(weights)]
    total = sum(x * peak for x, peak in zip(numbers, peaks, strict=True))
    if total >= LIMIT:
        # Every resource keeps a weight of 1 at least, so as much room is set aside.
        left = LIMIT - 1 - sum(peak for x, peak in zip(numbers, peaks, strict=True) if x)
        if left < 0:
            raise ValueError(
                f"room must sum to less than 2**61 over all resources, found {LIMIT - 1 - left}"
            )
        numbers = [max(1, x * left // total) if x else 0 for x in numbers]
    return np.array(numbers, dtype=np.int64)
