"""The generic table of pods: CSV, Parquet or Arrow, one row per pod or per group of pods.

See the page "Generic table" of the documentation for the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import InvalidObjectError, TraceError
from pyscale.model.pod_table import NEVER
from pyscale.model.pods import PodTemplate
from pyscale.model.quantity import parse_quantity
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO

from .arrow_table import file_kind, read_arrow, stream_arrow
from .assemble import UNKNOWN, Rows, assemble
from .columns import MISSING, Column, ColumnTable, Texts, shorten
from .constraint_text import parse_affinity, parse_pairs, parse_spread, parse_tolerations
from .csv_table import Layout, read_csv, read_header, stream_csv
from .files import PathLike
from .names import check_unique
from .templates import GPU, make_template
from .trace import Trace
from .units import (
    INT64_MAX,
    MILLI,
    MILLISECOND_NS,
    MOST_NS,
    SECOND_NS,
    group_rows,
    seconds_to_ns,
)

FORMAT = "table"

RESOURCE_COLUMNS = {
    "cpu": CPU,
    "memory": MEMORY,
    "ephemeral_storage": EPHEMERAL_STORAGE,
    "gpu": GPU,
}
REQUEST_PREFIX = "request:"
TIME_UNITS = {"s": SECOND_NS, "ms": MILLISECOND_NS, "ns": 1}

_TIMES = ("arrival", "start", "duration", "departure")
_CLASS_TEXTS = (
    "namespace",
    "controller",
    "labels",
    "node_selector",
    "node_affinity",
    "tolerations",
    "spread",
)
_TEXTS = (*_CLASS_TEXTS, "owner", "node_name")
_LEAST_PRIORITY = -(1 << 31)

T = TypeVar("T")


def table_columns_of(names: Sequence[str]) -> list[Column]:
    """Return what is expected of the columns that a table has."""
    columns = [Column("name", "text", required=False), Column("count", required=False)]
    columns += [Column(name, "text", required=False) for name in _TEXTS]
    columns += [Column(name, "text", required=False) for name in RESOURCE_COLUMNS]
    columns += [Column(name, "text") for name in names if name.startswith(REQUEST_PREFIX)]
    columns.append(Column("priority", required=False, nullable=True, minimum=_LEAST_PRIORITY))
    for name in _TIMES:
        least = 0 if name == "duration" else None
        for unit in TIME_UNITS:
            kind: Any = "integer" if unit == "ns" else "number"
            nullable = name != "arrival"
            columns.append(Column(f"{name}_{unit}", kind, False, nullable, least))
    return columns


def is_table(names: Sequence[str]) -> bool:
    """Whether the column names are those of a generic table."""
    asks = any(name in RESOURCE_COLUMNS or name.startswith(REQUEST_PREFIX) for name in names)
    timed = any(f"arrival_{unit}" in names for unit in TIME_UNITS)
    return asks and (timed or "count" in names)


def read_table(path: PathLike) -> Trace:
    """Read a generic table of pods.

    Parameters
    ----------
    path : str or path
        CSV (plain or compressed), Parquet or Arrow.

    Returns
    -------
    Trace

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.

    Notes
    -----
    Rows may be in any order.  Texts are read once per distinct value.  O(rows log rows).
    """
    if file_kind(path):
        table = read_arrow(path, table_columns_of)
    else:
        table = read_csv(path, Layout(table_columns_of(read_header(path))))
    return assemble(path, TableReader().rows(table), {"format": FORMAT})


def stream_table(path: PathLike, rows: int = 1_000_000) -> Iterator[Trace]:
    """Read a generic table piece by piece, for files larger than memory.

    Parameters
    ----------
    path : str or path
        CSV (plain or compressed), Parquet or Arrow, in the order of arrival.
    rows : int
        Most rows of one piece.

    Yields
    ------
    Trace
        The next rows.  Times keep the trace's zero, and a class or an owner keeps its index from
        piece to piece: later pieces only append to ``pods.templates`` and ``owners``.

    Raises
    ------
    TraceError
        As :func:`read_table`; also where time goes backwards from row to row.  Names are unique
        within a piece only.
    ValueError
        If ``rows`` is below 1.
    """
    if rows < 1:
        raise ValueError(f"rows must be >= 1, found {rows}")
    if file_kind(path):
        tables = stream_arrow(path, table_columns_of, rows)
    else:
        tables = stream_csv(path, Layout(table_columns_of(read_header(path))), rows)
    reader = TableReader()
    latest = -INT64_MAX
    for table in tables:
        if not table.n_rows:
            continue
        part = reader.rows(table)
        previous = np.concatenate(([latest], part.arrival_ns[:-1]))
        back = part.arrival_ns < previous
        if back.any():
            index = int(back.argmax())
            problem = f"time goes backwards: {part.arrival_ns[index]} ns after {previous[index]} ns"
            raise table.fail(problem, index, _time_column(table, "arrival") or "arrival_s")
        latest = int(part.arrival_ns[-1])
        yield assemble(path, part, {"format": FORMAT}, may_be_empty=True)


class TableReader:
    """Turns columns into rows; keeps classes and owners between the pieces of a stream."""

    def __init__(self) -> None:
        self.templates: list[PodTemplate] = []
        self.owners: list[str] = []
        self._classes: dict[tuple[Any, ...], int] = {}
        self._owner_ids: dict[str, int] = {}

    def rows(self, table: ColumnTable) -> Rows:
        """Return a table's rows."""
        if "name" in table:
            check_unique(table, "name")
        arrival = _times(table, "arrival")
        start = _times(table, "start")
        duration = _times(table, "duration")
        departure = _times(table, "departure")
        if arrival is None:
            arrival = np.zeros(table.n_rows, dtype=np.int64)
        if duration is not None and departure is not None:
            raise TraceError(
                table.path,
                "expected a duration or a departure, found both",
                field=_time_column(table, "departure"),
            )
        _check_order(table, arrival, start, departure)
        if duration is not None:
            duration = np.where(duration == UNKNOWN, NEVER, duration)
        owner_id = None
        if "owner" in table:
            owner_id = self._owner_codes(table.texts("owner"))
        return Rows(
            templates=self.templates,
            class_id=self._class_ids(table),
            arrival_ns=arrival,
            end_ns=departure,
            duration_ns=duration,
            start_ns=start,
            count=table.integers("count") if "count" in table else None,
            names=table.texts("name").tolist() if "name" in table else None,
            node_name=table.texts("node_name").tolist() if "node_name" in table else None,
            owner_id=owner_id,
            owners=self.owners,
        )

    def _owner_codes(self, column: Texts) -> NDArray[np.int32]:
        codes = []
        for owner in column.values:
            if not owner:
                codes.append(-1)
                continue
            code = self._owner_ids.setdefault(owner, len(self.owners))
            if code == len(self.owners):
                self.owners.append(owner)
            codes.append(code)
        return np.array(codes, dtype=np.int32)[column.codes]

    def _class_ids(self, table: ColumnTable) -> NDArray[np.int32]:
        requests = _requests(table)
        texts = {name: table.texts(name) for name in _CLASS_TEXTS if name in table}
        keys: list[NDArray[Any]] = [codes for _, codes, _ in requests]
        keys += [column.codes for column in texts.values()]
        if "priority" in table:
            keys.append(table.integers("priority"))
        if not keys:
            raise TraceError(table.path, "expected a column of requests, such as 'cpu'", 1, "cpu")
        first, group = group_rows(keys)
        ids = []
        for row in first.tolist():
            amounts = {name: values[codes[row]] for name, codes, values in requests}
            cells = {name: column.values[column.codes[row]] for name, column in texts.items()}
            priority = int(table.integers("priority")[row]) if "priority" in table else MISSING
            key = (*amounts.items(), *cells.items(), priority)
            known = self._classes.get(key)
            if known is None:
                known = self._classes[key] = len(self.templates)
                self.templates.append(_template(table, row, amounts, cells, priority))
            ids.append(known)
        return np.array(ids, dtype=np.int32)[group]


def _template(
    table: ColumnTable, row: int, amounts: dict[str, int], cells: dict[str, str], priority: int
) -> PodTemplate:
    def parse(name: str, reader: Callable[[str], T]) -> T:
        text = cells.get(name, "")
        try:
            return reader(text)
        except ValueError as error:
            raise table.fail(str(error), row, name) from None

    labels = parse("labels", parse_pairs)
    return make_template(
        amounts,
        namespace=cells.get("namespace") or "default",
        labels=labels,
        controller=cells.get("controller", "ReplicaSet"),
        node_selector=parse("node_selector", parse_pairs),
        node_affinity=parse("node_affinity", parse_affinity),
        tolerations=parse("tolerations", parse_tolerations),
        spread=parse("spread", lambda text: parse_spread(text, labels)),
        priority=None if priority == MISSING else priority,
    )


def _requests(table: ColumnTable) -> list[tuple[str, NDArray[np.int32], list[int]]]:
    """Return (resource, codes, nano-units by code) of each column of requests."""
    columns = {name: resource for name, resource in RESOURCE_COLUMNS.items() if name in table}
    for name in table.columns:
        if name.startswith(REQUEST_PREFIX):
            resource = name.removeprefix(REQUEST_PREFIX)
            if not resource or resource in columns.values():
                raise TraceError(table.path, "names no resource of its own", 1, name)
            columns[name] = resource
    requests = []
    for name, resource in sorted(columns.items(), key=lambda item: item[1]):
        column = table.texts(name)
        step = MILLI if resource == CPU else NANO
        values = []
        for code, text in enumerate(column.values):
            try:
                # An empty cell asks for nothing; amounts are rounded up to milli-cores and units.
                nano = parse_quantity(text.strip()) if text.strip() else 0
            except InvalidObjectError:
                problem = f"expected a quantity such as 100m or 2Gi, found {shorten(text)!r}"
                raise table.fail(problem, _row_with(column, code), name) from None
            if not 0 <= nano <= INT64_MAX * step:
                bound = ">= 0" if nano < 0 else "of at most 64 bits"
                problem = f"expected a quantity {bound}, found {shorten(text)!r}"
                raise table.fail(problem, _row_with(column, code), name)
            values.append(-(-nano // step) * step)
        requests.append((resource, column.codes, values))
    return requests


def _row_with(column: Texts, code: int) -> int:
    return int((column.codes == code).argmax())


def _time_column(table: ColumnTable, name: str) -> str:
    """Return the column that holds a time, in whichever unit, or ``""``."""
    found = [f"{name}_{unit}" for unit in TIME_UNITS if f"{name}_{unit}" in table]
    if len(found) > 1:
        raise TraceError(table.path, f"expected one unit, found {found[0]!r} too", 1, found[1])
    return found[0] if found else ""


def _times(table: ColumnTable, name: str) -> NDArray[np.int64] | None:
    column = _time_column(table, name)
    if not column:
        return None
    if column.endswith("_ns"):
        whole = table.integers(column)
        far = (whole != MISSING) & ((whole >= MOST_NS) | (whole <= -MOST_NS))
        if far.any():
            index = int(far.argmax())
            problem = f"expected a time within 146 years, found {whole[index]}"
            raise table.fail(problem, index, column)
        return np.where(whole == MISSING, UNKNOWN, whole)
    numbers = table.numbers(column)
    empty = np.isnan(numbers)
    scale = 1000 if column.endswith("_ms") else 1
    try:
        # Milliseconds are split before scaling, so that whole ones stay exact.
        whole_s = np.floor(np.where(empty, 0.0, numbers) / scale)
        rest = np.where(empty, 0.0, numbers) - whole_s * scale
        result = seconds_to_ns(whole_s) + np.rint(rest * (SECOND_NS // scale)).astype(np.int64)
    except OverflowError:
        index = int(np.nanargmax(np.abs(numbers)))
        problem = f"expected a time within 146 years, found {numbers[index]:g}"
        raise table.fail(problem, index, column) from None
    return np.where(empty, UNKNOWN, result)


def _check_order(
    table: ColumnTable,
    arrival: NDArray[np.int64],
    start: NDArray[np.int64] | None,
    departure: NDArray[np.int64] | None,
) -> None:
    began = arrival
    for name, times in (("start", start), ("departure", departure)):
        if times is None:
            continue
        back = (times != UNKNOWN) & (times < began)
        if back.any():
            index = int(back.argmax())
            problem = f"time goes backwards: {times[index]} ns after {began[index]} ns"
            raise table.fail(problem, index, _time_column(table, name))
        began = np.where(times == UNKNOWN, began, times)
