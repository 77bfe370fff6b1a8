"""The resources of a table: names, order and the integer unit of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import InvalidObjectError

from .quantity import format_quantity
from .resources import CPU, MEMORY, NANO, PODS, Resources

LARGEST_AMOUNT: Final = 2**61
"""No table holds a larger amount, so that kernels may add and subtract two of them in int64."""

MILLI_CPU: Final = NANO // 1000


def unit_of(resource: str) -> int:
    """Return how many nano-units make one step of a table: a milli-core, or one whole unit."""
    return MILLI_CPU if resource == CPU else NANO


@dataclass(frozen=True)
class ResourceSpace:
    """Which resources a table has, in which rows and units.

    Parameters
    ----------
    names : tuple of str
        Names of the resources, the row order of all tables.

    Raises
    ------
    ValueError
        A name is there twice.

    Examples
    --------
    >>> space = ResourceSpace.covering([{"cpu": 1_500_000, "example.com/gpu": 10**9}])
    >>> space.names
    ('cpu', 'memory', 'pods', 'example.com/gpu')
    >>> space.requests([{"cpu": 1_500_000}]).tolist()
    [[2], [0], [0], [0]]
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names must differ, found {self.names}")

    @classmethod
    def covering(cls, amounts: Iterable[Resources]) -> ResourceSpace:
        """Return the space of cpu, memory, pods and all else that is positive, sorted."""
        used = {name for entry in amounts for name, amount in entry.items() if amount > 0}
        first = (CPU, MEMORY, PODS)
        return cls((*first, *sorted(used.difference(first))))

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def units(self) -> tuple[int, ...]:
        """Nano-units of one step, per resource."""
        return tuple(map(unit_of, self.names))

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Row of each resource."""
        return {name: row for row, name in enumerate(self.names)}

    def requests(self, amounts: Sequence[Resources], what: str = "requests") -> NDArray[np.int64]:
        """Convert what pods ask for, rounded up.

        Parameters
        ----------
        amounts : sequence of Resources
            Nano-units; a resource that is absent is 0, one that the space does not have must not
            be positive.
        what : str
            The sequence's name in errors.

        Returns
        -------
        ndarray of int64, shape (n_resources, n_amounts)
            Read-only.

        Raises
        ------
        InvalidObjectError
            An amount is beyond ``2**61`` steps, or of a resource that the space does not have.
        """
        for column, entry in enumerate(amounts):
            for name in entry.keys() - self.row_of.keys():
                if entry[name] > 0:
                    problem = f"expected one of {', '.join(self.names)}, found {name}"
                    raise InvalidObjectError(f"{what}[{column}]", problem)
        return self._table(amounts, what, up=True)

    def capacities(
        self, amounts: Sequence[Resources], what: str = "capacities"
    ) -> NDArray[np.int64]:
        """Convert what nodes offer, rounded down; other resources are left out.

        Parameters and errors are those of :meth:`requests`.

        Returns
        -------
        ndarray of int64, shape (n_resources, n_amounts)
            Read-only.
        """
        return self._table(amounts, what, up=False)

    def _table(self, amounts: Sequence[Resources], what: str, up: bool) -> NDArray[np.int64]:
        table = np.zeros((len(self.names), len(amounts)), np.int64)
        for row, (name, unit) in enumerate(zip(self.names, self.units, strict=True)):
            for column, entry in enumerate(amounts):
                amount = entry.get(name, 0)
                if amount:
                    steps = -(-amount // unit) if up else amount // unit
                    if not -LARGEST_AMOUNT <= steps <= LARGEST_AMOUNT:
                        found = format_quantity(amount)
                        problem = f"expected at most 2**61 units of {name}, found {found}"
                        raise InvalidObjectError(f"{what}[{column}]", problem)
                    table[row, column] = steps
        table.flags.writeable = False
        return table

    def amounts(self, column: Sequence[int] | NDArray[np.int64]) -> dict[str, int]:
        """Convert one column of a table back to nano-units; zeros are left out."""
        return {
            name: int(steps) * unit
            for name, unit, steps in zip(self.names, self.units, column, strict=True)
            if steps
        }
