"""Results side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pyscale.errors import MissingDependencyError
from pyscale.simulation.result import Result

from .least_cost import LeastCost, least_cost_rows
from .tables import html_table, text_table


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """One trace under several policies; immutable, picklable.

    Attributes
    ----------
    results : tuple of Result
        In the order of the policies; their names differ.
    least : tuple of LeastCost
        What the pods of each result must have cost at least, with any machine that one of the
        policies may buy; empty if a run was interrupted.
    """

    results: tuple[Result, ...]
    least: tuple[LeastCost, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the policies."""
        return tuple(result.name for result in self.results)

    @property
    def is_complete(self) -> bool:
        """Whether all runs came to their end."""
        return all(result.is_complete for result in self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __getitem__(self, name: str) -> Result:
        """Return the result of a policy by its name."""
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)

    def rows(self) -> list[tuple[str, list[str]]]:
        """Return the figures for people: a name, and one text per policy; empty where one lacks it.

        The rows are those of the result with the most of them, in its order.
        """
        columns = [dict(result.lines()) for result in self.results]
        longest = max(columns, key=lambda column: len(column), default={})
        rows = [(label, [column.get(label, "") for column in columns]) for label in longest]
        return [*rows[:1], *least_cost_rows(self.least), *rows[1:]]

    def to_dict(self) -> dict[str, Any]:
        """Return all results, and what they must have cost at least, as plain data."""
        return {
            "results": [result.to_dict() for result in self.results],
            "least_costs": [found.to_dict() for found in self.least],
        }

    def digest(self) -> dict[str, str]:
        """Return each result's digest by name."""
        return {result.name: result.digest() for result in self.results}

    def to_arrow(self) -> Any:
        """Return the figures as a ``pyarrow.Table``, one row per policy.

        Raises
        ------
        MissingDependencyError
            pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError:
            raise MissingDependencyError("pyarrow", "io") from None
        rows = []
        for result in self.results:
            figures = result.metrics.to_dict()
            resources = figures.pop("resources")
            for name, use in resources.items():
                figures |= {f"{name}_{key}": value for key, value in use.items()}
            rows.append({"policy": result.name, **figures})
        return pa.Table.from_pylist(rows)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Offer the figures to any library that reads Arrow streams."""
        stream: object = self.to_arrow().__arrow_c_stream__(requested_schema)
        return stream

    def report(self, path: str | Path) -> Path:
        """Write the report as one self-contained HTML page and return its path.

        Raises
        ------
        MissingDependencyError
            plotly is not installed.
        PyscaleError
            If the file cannot be written.
        """
        # Pages stand above studies: this one is looked up by name, when somebody asks for it.
        pages = import_module("pyscale.report.comparison")
        written: Path = pages.write_comparison(self.results, path, least=self.least)
        return written

    def __repr__(self) -> str:
        return f"Comparison({', '.join(map(repr, self.results))})"

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        return ["", *self.names], [[label, *cells] for label, cells in self.rows()]

    def __str__(self) -> str:
        return text_table(*self._cells())

    def _repr_html_(self) -> str:
        return html_table(*self._cells())
