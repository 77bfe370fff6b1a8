"""Columns from CSV text: read by Arrow at full speed, and read again with care where Arrow balks.

The fast path hands typed columns to numpy.  When a cell does not convert, or a check on a column
fails, the file is read once more cell by cell, to name the row and the field of the first fault.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError

from .columns import Column, ColumnTable, Texts, check_column, convert_cell, encode_texts
from .files import DAMAGE, PathLike, check_file, compression_of, damaged, open_bytes, require_arrow

_INT64_MAX = int(np.iinfo(np.int64).max)
_BLOCK_BYTES = 1 << 20
_STREAM_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Layout:
    """How a CSV format is laid out.

    Attributes
    ----------
    columns : sequence of Column
    header : bool
        Whether the first row names the columns.  Without header the columns are these, in order.
    delimiter : str
    """

    columns: Sequence[Column]
    header: bool = True
    delimiter: str = ","

    def row_of(self, path: str, offset: int, index: int) -> int:
        """Return the file's row number of record ``offset + index``, blank lines counted."""
        for record, (row, _) in enumerate(self.records(path)):
            if record == offset + index:
                return row
        return offset + index + 1 + self.header

    def records(self, path: str) -> Iterator[tuple[int, list[str]]]:
        """Yield (row, cells) of each record after the header; blank lines are left out."""
        with _text(path) as stream:
            reader = csv.reader(stream, delimiter=self.delimiter)
            pending = self.header
            try:
                for cells in reader:
                    if not cells:
                        continue
                    if pending:
                        pending = False
                        continue
                    _check_utf8(path, reader.line_num, cells)
                    yield reader.line_num, cells
            except csv.Error as error:
                raise TraceError(path, f"is not CSV: {error}", reader.line_num) from None
            except DAMAGE as error:
                raise damaged(path, error) from None


def _text(path: str) -> io.TextIOWrapper:
    # Bytes that are not UTF-8 pass as lone surrogates, so that their row can be told.
    stream = open_bytes(path)
    return io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _check_utf8(path: str, row: int, cells: list[str]) -> None:
    for cell in cells:
        try:
            cell.encode()
        except UnicodeEncodeError as error:
            byte = ord(cell[error.start]) & 0xFF
            problem = f"expected UTF-8 text, found the byte 0x{byte:02x}"
            raise TraceError(path, problem, row) from None


def read_header(path: PathLike, delimiter: str = ",") -> list[str]:
    """Return the names in a CSV file's first row that is not blank."""
    name = os.fspath(path)
    check_file(path)
    with _text(name) as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        try:
            for cells in reader:
                if cells:
                    _check_utf8(name, reader.line_num, cells)
                    return [cell.strip() for cell in cells]
        except csv.Error as error:
            raise TraceError(name, f"is not CSV: {error}", reader.line_num) from None
        except DAMAGE as error:
            raise damaged(name, error) from None
    raise TraceError(name, "expected a header row, found blank lines only")


def read_csv(path: PathLike, layout: Layout) -> ColumnTable:
    """Read a whole CSV file into typed columns.

    Parameters
    ----------
    path : str or path
        A file, plain or compressed with gzip, bzip2 or xz.
    layout : Layout

    Returns
    -------
    ColumnTable

    Raises
    ------
    TraceError
        For a missing or a doubled column, a cell that does not convert, an empty cell or a value
        below the minimum where the layout does not allow it, NaN or an infinity.

    Notes
    -----
    O(bytes).  A file that Arrow refuses is read a second time in Python, about a hundred times
    slower, to name the first fault.
    """
    name = os.fspath(path)
    names, present = columns_of(path, layout)
    arrow = require_arrow()
    import pyarrow.csv as arrow_csv

    file = check_file(path)
    try:
        if compression_of(file):
            with open_bytes(path) as stream:
                source: Any = arrow.BufferReader(stream.read())
        else:
            source = arrow.memory_map(name) if file.is_file() else name
        table = arrow_csv.read_csv(source, **_arrow_options(layout, names, present, _BLOCK_BYTES))
    except (arrow.ArrowInvalid, arrow.ArrowKeyError) as error:
        return _careful(name, layout, names, present, str(error))
    except DAMAGE as error:
        raise damaged(path, error) from None
    return _from_arrow(name, layout, present, table, 0)


def stream_csv(path: PathLike, layout: Layout, rows: int) -> Iterator[ColumnTable]:
    """Yield a CSV file's rows in tables of at most ``rows`` rows; memory does not grow.

    Raises
    ------
    TraceError
        As :func:`read_csv`, when the faulty batch is reached.
    """
    name = os.fspath(path)
    names, present = columns_of(path, layout)
    arrow = require_arrow()
    import pyarrow.csv as arrow_csv

    offset = 0
    with open_bytes(path) as stream:
        try:
            options = _arrow_options(layout, names, present, _STREAM_BLOCK_BYTES)
            reader = arrow_csv.open_csv(stream, **options)
            for batch in reader:
                for first in range(0, batch.num_rows, rows):
                    part = arrow.Table.from_batches([batch.slice(first, rows)])
                    yield _from_arrow(name, layout, present, part, offset)
                    offset += part.num_rows
        except (arrow.ArrowInvalid, arrow.ArrowKeyError) as error:
            yield from _careful_batches(name, layout, names, present, str(error), offset, rows)
        except DAMAGE as error:
            raise damaged(path, error) from None


def columns_of(path: PathLike, layout: Layout) -> tuple[list[str], list[Column]]:
    """Return the file's column names, and the columns of the layout that it has."""
    name = os.fspath(path)
    if not layout.header:
        check_file(path)
        return [column.name for column in layout.columns], list(layout.columns)
    names = read_header(path, layout.delimiter)
    for column in layout.columns:
        found = names.count(column.name)
        if not found and column.required:
            problem = f"expected a column {column.name!r}, found {', '.join(map(repr, names[:20]))}"
            raise TraceError(name, problem, 1, column.name)
        if found > 1:
            raise TraceError(name, f"the column {column.name!r} occurs twice", 1, column.name)
    present = [column for column in layout.columns if column.name in names]
    if not present:
        wanted = ", ".join(column.name for column in layout.columns[:20])
        raise TraceError(name, f"expected some of the columns {wanted}", 1)
    return names, present


def _arrow_options(
    layout: Layout, names: list[str], present: list[Column], block_bytes: int
) -> dict[str, Any]:
    import pyarrow as arrow
    import pyarrow.csv as arrow_csv

    types = {
        "integer": arrow.int64(),
        "number": arrow.float64(),
        "text": arrow.dictionary(arrow.int32(), arrow.string()),
    }
    # Generated names let Arrow take the unnamed and doubled columns that we do not read.
    keys = {column.name: f"c{names.index(column.name)}" for column in present}
    return {
        "read_options": arrow_csv.ReadOptions(
            column_names=[f"c{i}" for i in range(len(names))],
            skip_rows=1 if layout.header else 0,
            block_size=block_bytes,
        ),
        "parse_options": arrow_csv.ParseOptions(delimiter=layout.delimiter),
        "convert_options": arrow_csv.ConvertOptions(
            column_types={keys[column.name]: types[column.kind] for column in present},
            include_columns=[keys[column.name] for column in present],
            null_values=[""],
        ),
    }


def _from_arrow(
    path: str, layout: Layout, present: list[Column], table: Any, offset: int
) -> ColumnTable:
    result = ColumnTable(path, table.num_rows, {}, partial(layout.row_of, path, offset))
    for column, chunked in zip(present, table.columns, strict=True):
        result.columns[column.name] = check_column(result, column, chunked)
    return result


def _careful(
    path: str, layout: Layout, names: list[str], present: list[Column], refusal: str
) -> ColumnTable:
    batches = _careful_batches(path, layout, names, present, refusal, 0, _INT64_MAX)
    return next(batches)


def _careful_batches(
    path: str,
    layout: Layout,
    names: list[str],
    present: list[Column],
    refusal: str,
    offset: int,
    rows: int,
) -> Iterator[ColumnTable]:
    places = [names.index(column.name) for column in present]
    cells: list[list[Any]] = [[] for _ in present]
    done = offset
    n_records = 0
    for row, line in layout.records(path):
        if len(line) != len(names):
            raise TraceError(path, f"expected {len(names)} fields, found {len(line)}", row)
        n_records += 1
        if n_records <= offset:
            continue
        for column, place, into in zip(present, places, cells, strict=True):
            into.append(convert_cell(path, row, column, line[place]))
        if n_records - done == rows:
            yield _from_cells(path, layout, present, cells, done)
            done = n_records
            cells = [[] for _ in present]
    if not n_records and "Empty CSV file" not in refusal:
        raise TraceError(path, f"is not CSV: {refusal.splitlines()[0]}")
    if n_records > done or not n_records:
        yield _from_cells(path, layout, present, cells, done)


def _from_cells(
    path: str, layout: Layout, present: list[Column], cells: list[list[Any]], offset: int
) -> ColumnTable:
    columns: dict[str, NDArray[Any] | Texts] = {}
    for column, values in zip(present, cells, strict=True):
        if column.kind == "text":
            columns[column.name] = encode_texts(values)
        else:
            kind = np.int64 if column.kind == "integer" else np.float64
            columns[column.name] = np.array(values, dtype=kind)
    n_rows = len(cells[0]) if cells else 0
    return ColumnTable(path, n_rows, columns, partial(layout.row_of, path, offset))
