"""Columns from Parquet and Arrow files, in the form that the CSV readers use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError

from .columns import Column, ColumnTable, Texts, check_column, convert_cell, encode_texts
from .files import PathLike, check_file, require_arrow

_PARQUET = b"PAR1"
_ARROW_FILE = b"ARROW1"
_ARROW_STREAM = b"\xff\xff\xff\xff"

MakeColumns = Callable[[list[str]], Sequence[Column]]


def kind_of(head: bytes) -> str:
    """Return ``"parquet"``, ``"arrow"``, ``"arrow-stream"`` or ``""`` from a file's first bytes."""
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith(_ARROW_FILE):
        return "arrow"
    return "arrow-stream" if head.startswith(_ARROW_STREAM) else ""


def file_kind(path: PathLike) -> str:
    """Return the kind of a file, ``""`` for anything but Parquet and Arrow."""
    with check_file(path).open("rb") as stream:
        return kind_of(stream.read(8))


def arrow_names(path: PathLike) -> list[str]:
    """Return the column names of a Parquet or Arrow file."""
    _, schema = _open(path)
    return list(schema.names)


def read_arrow(path: PathLike, make_columns: MakeColumns) -> ColumnTable:
    """Read a whole Parquet or Arrow file into typed columns.

    Raises
    ------
    TraceError
        As for CSV; rows are records, counted from 1.
    """
    arrow = require_arrow()
    batches, schema, columns = _prepare(path, make_columns)
    with _errors(path):
        table = arrow.Table.from_batches(list(batches()), schema=schema)
        return table_columns(os.fspath(path), columns, table, 0)


def stream_arrow(path: PathLike, make_columns: MakeColumns, rows: int) -> Iterator[ColumnTable]:
    """Yield the records of a Parquet or Arrow file in tables of at most ``rows`` rows."""
    arrow = require_arrow()
    batches, _, columns = _prepare(path, make_columns)
    offset = 0
    with _errors(path):
        for batch in batches():
            for first in range(0, batch.num_rows, rows):
                part = arrow.Table.from_batches([batch.slice(first, rows)])
                yield table_columns(os.fspath(path), columns, part, offset)
                offset += part.num_rows


def _prepare(
    path: PathLike, make_columns: MakeColumns
) -> tuple[Callable[[], Iterator[Any]], Any, Sequence[Column]]:
    batches, schema = _open(path)
    names = list(schema.names)
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise TraceError(os.fspath(path), f"the column {doubled!r} occurs twice", field=doubled)
    return batches, schema, make_columns(names)


def _open(path: PathLike) -> tuple[Callable[[], Iterator[Any]], Any]:
    arrow = require_arrow()
    file = check_file(path)
    kind = file_kind(path)
    with _errors(path):
        if kind == "parquet":
            import pyarrow.parquet as parquet

            whole = parquet.ParquetFile(file)
            return whole.iter_batches, whole.schema_arrow
        if kind == "arrow":
            reader = arrow.ipc.open_file(arrow.memory_map(str(file)))
            numbers = range(reader.num_record_batches)
            return lambda: (reader.get_batch(i) for i in numbers), reader.schema
        stream = arrow.ipc.open_stream(arrow.memory_map(str(file)))
        return lambda: iter(stream), stream.schema


@contextmanager
def _errors(path: PathLike) -> Iterator[None]:
    """Turn Arrow's refusals into one line about the file."""
    arrow = require_arrow()
    try:
        yield
    except (arrow.ArrowException, OSError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        kind = Path(path).suffix or "Arrow"
        problem = f"is not a readable {kind} file: {what}"
        raise TraceError(os.fspath(path), problem) from None


def table_columns(path: str, columns: Sequence[Column], table: Any, offset: int) -> ColumnTable:
    """Convert an Arrow table's columns to the kinds wanted."""
    result = ColumnTable(path, table.num_rows, {}, lambda index: offset + index + 1)
    for column in columns:
        if column.name in table.column_names:
            result.columns[column.name] = _convert(result, column, table.column(column.name))
        elif column.required:
            found = ", ".join(map(repr, table.column_names[:20]))
            problem = f"expected a column {column.name!r}, found {found}"
            raise TraceError(path, problem, field=column.name)
    return result


def _convert(table: ColumnTable, column: Column, chunked: Any) -> NDArray[Any] | Texts:
    arrow = require_arrow()
    types = arrow.types
    if column.kind == "text":
        kind = chunked.type
        if types.is_dictionary(kind):
            kind = kind.value_type
        if types.is_floating(kind):
            return encode_texts(["" if v is None else repr(v) for v in chunked.to_pylist()])
        if types.is_nested(kind) or types.is_binary(kind):
            problem = f"expected text or numbers, found values of type {kind}"
            raise TraceError(table.path, problem, field=column.name)
        return check_column(table, column, chunked.cast(arrow.string()))
    target = arrow.int64() if column.kind == "integer" else arrow.float64()
    try:
        if types.is_timestamp(chunked.type) or types.is_duration(chunked.type):
            problem = f"expected numbers, found values of type {chunked.type}"
            raise TraceError(table.path, problem, field=column.name)
        numbers = chunked.cast(target)
    except arrow.ArrowException:
        return _convert_cells(table, column, chunked)
    return check_column(table, column, numbers)


def _convert_cells(table: ColumnTable, column: Column, chunked: Any) -> NDArray[Any]:
    values = [
        convert_cell(table.path, table.row(index), column, "" if value is None else str(value))
        for index, value in enumerate(chunked.to_pylist())
    ]
    return np.array(values, dtype=np.int64 if column.kind == "integer" else np.float64)
