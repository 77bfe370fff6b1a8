"""Typed columns of a table, checked cell by cell only where something is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError

Kind = Literal["integer", "number", "text"]

MISSING = np.iinfo(np.int64).min
"""Stands for an empty cell in a column of integers."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_INT64_MAX = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True)
class Column:
    """What a reader expects of one column.

    Attributes
    ----------
    name : str
        Name in the header, or the name given to the column of a file without header.
    kind : {"integer", "number", "text"}
        ``integer`` becomes int64 (``MISSING`` where empty), ``number`` float64 (NaN where empty),
        ``text`` dictionary codes and values.
    required : bool
        Whether the file must have the column.
    nullable : bool
        Whether a cell may be empty; text cells always may.
    minimum : int, optional
        Least value allowed.
    """

    name: str
    kind: Kind = "integer"
    required: bool = True
    nullable: bool = False
    minimum: int | None = 0


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of text: ``values[codes[row]]`` is the cell; an empty cell is ``""``."""

    codes: NDArray[np.int32]
    values: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def tolist(self) -> list[str]:
        """Return one string per row."""
        return [self.values[code] for code in self.codes.tolist()]


@dataclass(slots=True)
class ColumnTable:
    """Typed columns of a file or of a batch of its rows.

    Attributes
    ----------
    path : str
        The file.
    n_rows : int
    columns : dict
        By name: int64, float64 or :class:`Texts`.
    locate : callable
        Tells the row in the file, counted from 1, of the record with an index in this table.
    """

    path: str
    n_rows: int
    columns: dict[str, NDArray[Any] | Texts]
    locate: Callable[[int], int]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def integers(self, name: str) -> NDArray[np.int64]:
        """Return a column of kind ``integer``."""
        column = self.columns[name]
        assert isinstance(column, np.ndarray)
        return column

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of kind ``number``."""
        column = self.columns[name]
        assert isinstance(column, np.ndarray)
        return column

    def texts(self, name: str) -> Texts:
        """Return a column of kind ``text``."""
        column = self.columns[name]
        assert isinstance(column, Texts)
        return column

    def row(self, index: int) -> int:
        """Return the row in the file, counted from 1, of the record ``index`` of this table."""
        return self.locate(index)

    def fail(self, problem: str, index: int, name: str = "") -> TraceError:
        """Return the error for record ``index``; the caller raises it."""
        return TraceError(self.path, problem, self.row(index), name)


def encode_texts(values: Sequence[str]) -> Texts:
    """Return texts as codes and distinct values."""
    distinct = {value: code for code, value in enumerate(dict.fromkeys(values))}
    return Texts(np.array([distinct[value] for value in values], dtype=np.int32), tuple(distinct))


def check_column(table: ColumnTable, column: Column, chunked: Any) -> NDArray[Any] | Texts:
    """Return an Arrow column as numpy holds it, after checking emptiness, finiteness and bounds."""
    if column.kind == "text":
        return _texts(chunked)
    import pyarrow.compute as compute

    empty = chunked.is_null().to_numpy(zero_copy_only=False) if chunked.null_count else None
    if empty is not None and not column.nullable:
        raise table.fail("expected a number, found an empty cell", _first(empty), column.name)
    if column.kind == "integer" and empty is not None:
        chunked = compute.fill_null(chunked, MISSING)
    values: NDArray[Any] = chunked.to_numpy()
    if column.kind == "number":
        bad = ~np.isfinite(values)
        if empty is not None:
            bad &= ~empty
        if bad.any():
            index = _first(bad)
            found = values[index]
            raise table.fail(f"expected a finite number, found {found}", index, column.name)
    if column.minimum is not None:
        bad = values < column.minimum
        if empty is not None:
            bad &= ~empty
        if bad.any():
            index = _first(bad)
            problem = f"expected a number >= {column.minimum}, found {values[index]}"
            raise table.fail(problem, index, column.name)
    return values


def _first(mask: NDArray[np.bool_]) -> int:
    return int(np.argmax(mask))


def _texts(chunked: Any) -> Texts:
    import pyarrow as arrow

    if not arrow.types.is_dictionary(chunked.type):
        chunked = chunked.dictionary_encode()
    whole = chunked.unify_dictionaries().combine_chunks()
    if isinstance(whole, arrow.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else arrow.array([], chunked.type)
    values = tuple("" if value is None else str(value) for value in whole.dictionary.to_pylist())
    codes = whole.indices
    if codes.null_count:
        if "" not in values:
            values = (*values, "")
        codes = codes.fill_null(values.index(""))
    return Texts(codes.to_numpy(zero_copy_only=False).astype(np.int32), values)


def convert_cell(path: str, row: int, column: Column, text: str) -> Any:
    """Return one cell as its column wants it, or raise with its row and field."""
    if column.kind == "text":
        return text
    text = text.strip()
    if not text:
        if column.nullable:
            return MISSING if column.kind == "integer" else np.nan
        raise TraceError(path, "expected a number, found an empty cell", row, column.name)
    what = "an integer" if column.kind == "integer" else "a number"
    if not _NUMBER.fullmatch(text):
        raise TraceError(path, f"expected {what}, found {shorten(text)!r}", row, column.name)
    value = Decimal(text)
    if column.minimum is not None and value < column.minimum:
        problem = f"expected a number >= {column.minimum}, found {shorten(text)}"
        raise TraceError(path, problem, row, column.name)
    if column.kind == "number":
        number = float(value)
        if not np.isfinite(number):
            raise TraceError(
                path, f"expected a finite number, found {shorten(text)!r}", row, column.name
            )
        return number
    if abs(value) > _INT64_MAX or value != int(value):
        raise TraceError(path, f"expected {what}, found {shorten(text)!r}", row, column.name)
    return int(value)


def shorten(text: str, most: int = 40) -> str:
    """Return text for an error message, cut where it is long."""
    return text if len(text) <= most else text[: most - 3] + "..."
