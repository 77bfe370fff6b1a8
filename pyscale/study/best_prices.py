"""Prices of resources at which a demand is worth most, and no machine more than it costs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from .buyable import Machine


def best_prices(demand: Sequence[int], machines: Sequence[Machine]) -> list[Fraction]:
    """Return a price per unit of each resource, exactly.

    Parameters
    ----------
    demand : sequence of int
        By resource; what is not positive gets no price.
    machines : sequence of (tuple of int, int)
        What fits on each, by resource, and what it costs: none negative.

    Returns
    -------
    list of Fraction
        In the unit of the costs, not negative.  0 for resources that no machine has.

    Notes
    -----
    The dual of the fractional packing problem.  Dantzig's simplex method over integers with one
    denominator (Edmonds), begun at no prices at all, with Bland's rule against cycles: exact, and
    the same on every machine.  A pivot costs O(machines x resources), and few are needed.
    """
    used = [
        r for r, amount in enumerate(demand) if amount > 0 and any(fits[r] for fits, _ in machines)
    ]
    n, m = len(machines), len(used)
    # Rows of constraints, then the objective; columns of variables, then the right side.  Entries
    # are numerators over one positive denominator.
    table = np.zeros((n + 1, m + 1), dtype=object)
    for row, (fits, cost) in enumerate(machines):
        table[row] = [*(fits[r] for r in used), cost]
    table[n] = [*(demand[r] for r in used), 0]
    denominator = 1
    # Prices have the numbers below m, what machines cost beyond their worth those from m on.
    outside, inside = list(range(m)), list(range(m, m + n))
    while True:
        rising = [column for column in range(m) if table[n, column] > 0]
        if not rising:
            break
        column = min(rising, key=outside.__getitem__)
        row = _first_to_bind(table, column, inside)
        denominator = _pivot(table, row, column, denominator)
        outside[column], inside[row] = inside[row], outside[column]
    prices = [Fraction(0)] * len(demand)
    for row, variable in enumerate(inside):
        if variable < m:
            prices[used[variable]] = Fraction(table[row, m], denominator)
    return prices


def _first_to_bind(table: np.ndarray, column: int, inside: Sequence[int]) -> int:
    """Return the row that lets a variable rise least; ties go to the variable of least number."""
    best = -1
    right = table.shape[1] - 1
    for row, variable in enumerate(inside):
        if table[row, column] <= 0:
            continue
        if best >= 0:
            ours = table[row, right] * table[best, column]
            theirs = table[best, right] * table[row, column]
            if ours > theirs or (ours == theirs and variable > inside[best]):
                continue
        best = row
    # Every resource in here is on some machine, so that no price can rise without end.
    assert best >= 0
    return best


def _pivot(table: np.ndarray, row: int, column: int, denominator: int) -> int:
    """Exchange the variables of a row and a column, in place; return the new denominator."""
    pivot = table[row, column]
    of_row, of_column = table[row].copy(), table[:, column].copy()
    table *= pivot
    table -= np.outer(of_column, of_row)
    table //= denominator
    table[row], table[:, column] = of_row, -of_column
    table[row, column] = denominator
    return int(pivot)
