"""Load signals from a table of one's own, and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError

from .arrow_table import file_kind, read_arrow
from .columns import Column, ColumnTable
from .csv_table import Layout, read_csv, read_header
from .files import PathLike
from .load import Loads, Metric, Workload
from .units import INT64_MAX, SECOND_NS, seconds_to_ns

_MOST_VALUE = 1e12


def load_columns(names: Sequence[str]) -> list[Column]:
    """Return what is expected of the columns of a table of loads."""
    times = ("time_s", "time_ns")
    found = [name for name in times if name in names] or ["time_s"]
    columns = [Column("workload", "text"), Column("value", "number")]
    return columns + [Column(name, "integer" if name == "time_ns" else "number") for name in found]


def read_load_table(
    path: PathLike,
    *,
    metric: Metric = "requests_per_second",
    step_s: float | None = None,
    workloads: Sequence[Workload] = (),
) -> Loads:
    """Read load signals from CSV, Parquet or Arrow.

    Parameters
    ----------
    path : str or path
        Columns ``workload`` (text), ``time_s`` or ``time_ns`` (since the start of the trace) and
        ``value`` (>= 0, holds from that time on).  Rows of one workload are in the order of time;
        those of several may alternate.
    metric : str
        What is counted.
    step_s : number, optional
        Distance of the samples of each workload in seconds; another distance is a gap, which is
        refused.
    workloads : sequence of Workload, optional
        What is known of the workloads; those of the table that are not among them get defaults.

    Returns
    -------
    Loads
        Workloads in the order in which the table names them.

    Raises
    ------
    TraceError
        For an unreadable file or value, an empty value, time going backwards or a gap, with row and
        field.
    """
    if file_kind(path):
        table = read_arrow(path, load_columns)
    else:
        table = read_csv(path, Layout(load_columns(read_header(path))))
    if not table.n_rows:
        raise TraceError(os.fspath(path), "expected loads, found none")
    time_name = "time_ns" if "time_ns" in table else "time_s"
    times, values = _times(table, time_name), _milli(table)
    names = table.texts("workload")
    if "" in names.values:
        index = int((names.codes == names.values.index("")).argmax())
        raise table.fail("expected a name, found an empty cell", index, "workload")
    known = {workload.name: workload for workload in workloads}
    series, found = [], []
    for code, name in enumerate(names.values):
        rows = np.flatnonzero(names.codes == code)
        _check_steps(table, rows, times[rows], time_name, name, step_s)
        series.append((times[rows], values[rows]))
        found.append(known.get(name) or Workload(name))
    return Loads.from_series(found, metric, series)


def _times(table: ColumnTable, name: str) -> NDArray[np.int64]:
    if name == "time_ns":
        return table.integers(name)
    seconds = table.numbers(name)
    try:
        return seconds_to_ns(seconds)
    except OverflowError:
        index = int(np.abs(seconds).argmax())
        problem = f"expected a time within 146 years, found {seconds[index]:g}"
        raise table.fail(problem, index, name) from None


def _milli(table: ColumnTable) -> NDArray[np.int64]:
    values = table.numbers("value")
    if (values > _MOST_VALUE).any():
        index = int((values > _MOST_VALUE).argmax())
        problem = f"expected a load <= {_MOST_VALUE:g}, found {values[index]:g}"
        raise table.fail(problem, index, "value")
    milli: NDArray[np.int64] = np.rint(values * 1000).astype(np.int64)
    return milli


def _check_steps(
    table: ColumnTable,
    rows: NDArray[np.intp],
    times: NDArray[np.int64],
    column: str,
    workload: str,
    step_s: float | None,
) -> None:
    gaps = np.diff(times)
    if (gaps <= 0).any():
        index = int((gaps <= 0).argmax()) + 1
        problem = f"{workload}: time goes backwards: {times[index]} ns after {times[index - 1]} ns"
        raise table.fail(problem, int(rows[index]), column)
    if step_s is None:
        return
    step_ns = round(step_s * SECOND_NS)
    if not 0 < step_ns <= INT64_MAX:
        raise ValueError(f"step_s must be > 0, found {step_s}")
    if (gaps != step_ns).any():
        index = int((gaps != step_ns).argmax()) + 1
        problem = (
            f"{workload}: a gap: expected {step_ns} ns between samples, found {gaps[index - 1]}"
        )
        raise table.fail(problem, int(rows[index]), column)


def write_loads(loads: Loads, path: PathLike) -> Path:
    """Write load signals as a table that :func:`read_load_table` reads.

    Parameters
    ----------
    loads : Loads
    path : str or path
        ``.csv``, ``.csv.gz``, ``.parquet`` or ``.arrow``.

    Raises
    ------
    ValueError
        For another ending.
    TraceError
        If the file cannot be written.
    """
    from .table_write import write_arrow_table

    return write_arrow_table(loads.to_arrow(), path)
