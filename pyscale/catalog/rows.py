"""Rows of a small table, whatever kind of file holds it."""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pyscale.errors import MissingDependencyError, TraceError

SUFFIXES = (".csv", ".json", ".yaml", ".yml", ".parquet")


def read_rows(source: str | os.PathLike[str], key: str = "") -> list[tuple[int, dict[str, Any]]]:
    """Return (row number, fields) of a table in a file.

    Parameters
    ----------
    source : path
        CSV with a header line, JSON or YAML with a list of mappings, or Parquet; by its suffix.
        The text formats may be compressed with gzip (``.csv.gz``).
    key : str
        JSON and YAML may also hold the list under this key of a mapping.

    Returns
    -------
    list of (int, dict)
        Row numbers count from 1 and include the header line of a CSV file.

    Raises
    ------
    TraceError
        If the file cannot be read; names file, row and field as far as known.
    MissingDependencyError
        If the format needs a library that is not installed.
    """
    path = Path(source)
    name = os.fspath(source)
    suffix = next((s for s in path.suffixes[::-1] if s != ".gz"), "").lower()
    if suffix not in SUFFIXES:
        raise TraceError(name, f"expected a file that ends in {', '.join(SUFFIXES)}")
    data = _read_bytes(path, name)
    if not data.strip():
        raise TraceError(name, "the file is empty")
    if suffix == ".parquet":
        return _number(name, _parquet(name, data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TraceError(name, f"expected UTF-8 text, found {error.reason}") from None
    if suffix == ".csv":
        return list(_csv(name, text))
    document = _json(name, text) if suffix == ".json" else _yaml(name, text)
    if isinstance(document, dict) and key in document:
        document = document[key]
    return _number(name, document)


def number_rows(rows: Iterable[Mapping[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Return rows that were given as mappings as :func:`read_rows` does."""
    return _number("rows", list(rows))


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise TraceError(name, f"cannot be read: {reason}") from None
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise TraceError(name, f"truncated or damaged gzip data: {error}") from None


def _number(name: str, rows: Any) -> list[tuple[int, dict[str, Any]]]:
    if not isinstance(rows, list):
        raise TraceError(name, f"expected a list of rows, found {type(rows).__name__}")
    if not rows:
        raise TraceError(name, "expected at least one row, found none")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise TraceError(name, f"expected a mapping, found {type(row).__name__}", number)
        for field in row:
            if not isinstance(field, str):
                raise TraceError(name, f"field names must be text, found {field!r}", number)
    return [(number, dict(row)) for number, row in enumerate(rows, 1)]


def _csv(name: str, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    import csv

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    header: list[str] = []
    try:
        for number, fields in enumerate(reader, 1):
            if number == 1:
                header = [field.strip() for field in fields]
                _check_header(name, header)
            elif fields:
                if len(fields) != len(header):
                    problem = f"expected {len(header)} fields, found {len(fields)}"
                    raise TraceError(name, problem, number)
                yield number, {k: v.strip() for k, v in zip(header, fields, strict=True)}
    except csv.Error as error:
        raise TraceError(name, f"not a CSV table: {error}", number + 1) from None
    if number < 2:
        raise TraceError(name, "expected at least one row below the header, found none")


def _check_header(name: str, header: list[str]) -> None:
    for field in header:
        if not field:
            raise TraceError(name, "a column has no name", 1)
        if header.count(field) > 1:
            raise TraceError(name, "the column occurs twice", 1, field)


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise TraceError(name, f"not JSON: {error.msg}", error.lineno) from None
    except RecursionError:
        raise TraceError(name, "not JSON that a table can have: nested too deeply") from None
    except ValueError as error:
        raise TraceError(name, f"not JSON: {error}") from None


def _yaml(name: str, text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingDependencyError("PyYAML", "io") from None
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise TraceError(name, f"not YAML: {error.problem}", line) from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        problem = " ".join(str(error).split())
        raise TraceError(name, f"not YAML: {problem}") from None


def _parquet(name: str, data: bytes) -> list[dict[str, Any]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingDependencyError("pyarrow", "io") from None
    try:
        rows: list[dict[str, Any]] = pq.read_table(pa.BufferReader(data)).to_pylist()
    except pa.ArrowException as error:
        problem = " ".join(str(error).split())
        raise TraceError(name, f"not Parquet: {problem}") from None
    return rows
