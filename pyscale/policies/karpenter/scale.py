"""Resource lists as integer vectors that the kernel can hold, exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import UnsupportedError

_LARGEST = 2**61


@dataclass(frozen=True)
class Span:
    """Per resource the greatest common divisor of some amounts, and the largest of them."""

    units: Mapping[str, int]
    largest: Mapping[str, int]

    @staticmethod
    def of(amounts: Iterable[Mapping[str, int]], also: Span | None = None) -> Span:
        """Look through resource lists, beside those of ``also``."""
        units = {} if also is None else dict(also.units)
        largest = {} if also is None else dict(also.largest)
        for resources in amounts:
            for name, amount in resources.items():
                units[name] = math.gcd(units.get(name, 0), amount)
                largest[name] = max(largest.get(name, 0), abs(amount))
        return Span(units, largest)


@dataclass(frozen=True)
class Scale:
    """One axis per resource name; a unit is the greatest common divisor of all amounts seen.

    ``pods`` and the like are counted in ones then, cpu in milli-cpu or coarser, memory in bytes or
    coarser, so that sums stay far below 2**63.
    """

    names: tuple[str, ...]
    units: tuple[int, ...]

    @staticmethod
    def of(
        amounts: Iterable[Mapping[str, int]],
        skip: frozenset[str] = frozenset(),
        also: Span | None = None,
    ) -> Scale:
        """Return the scale for all these resource lists, and for what was looked through before.

        Raises
        ------
        UnsupportedError
            If amounts of one resource differ too much for 64 bits.
        """
        span = Span.of(amounts, also)
        units = {name: unit for name, unit in span.units.items() if name not in skip}
        largest = {name: most for name, most in span.largest.items() if name not in skip}
        for name, amount in largest.items():
            if amount // (units[name] or 1) > _LARGEST:
                raise UnsupportedError(f"{name}: amounts that need more than 61 bits")
        names = tuple(sorted(units))
        return Scale(names, tuple(units[name] or 1 for name in names))

    def vector(self, resources: Mapping[str, int]) -> NDArray[np.int64]:
        """Return the amounts along the axes, 0 where the list says nothing."""
        return np.array(self.amounts(resources), dtype=np.int64)

    def amounts(self, resources: Mapping[str, int]) -> list[int]:
        """Return the amounts along the axes as Python's integers."""
        return [
            resources.get(name, 0) // unit
            for name, unit in zip(self.names, self.units, strict=True)
        ]

    def table(self, lists: Iterable[Mapping[str, int]]) -> NDArray[np.int64]:
        """Return one vector per list."""
        rows = [self.vector(resources) for resources in lists]
        if not rows:
            return np.zeros((0, len(self.names)), dtype=np.int64)
        return np.stack(rows)

    def back(self, vector: Sequence[int], names: Iterable[str]) -> dict[str, int]:
        """Return the amounts of some resources in nano-units."""
        amounts = {
            name: int(amount) * unit
            for name, unit, amount in zip(self.names, self.units, vector, strict=True)
        }
        return {name: amounts[name] for name in names}
