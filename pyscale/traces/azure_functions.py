"""Azure Functions 2019 and 2021: invocations as a load signal per application."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError

from .columns import Column, ColumnTable
from .csv_table import Layout, read_csv
from .files import PathLike
from .load import Loads, Metric, Workload
from .units import DAY_NS, MINUTE_NS, SECOND_NS, seconds_to_ns

MINUTES = 1440
_SECONDS_PER_MINUTE = 60
_MOST_COUNT = 1 << 28
_MOST_MILLISECONDS = 1 << 28
_MOST_BINS = 1 << 22
_KEY = ("HashOwner", "HashApp", "HashFunction")
_COLUMNS = (
    *(Column(name, "text") for name in _KEY),
    *(Column(str(minute)) for minute in range(1, MINUTES + 1)),
)


def read_azure_functions_2019(
    path: PathLike, *, durations: PathLike | None = None, day: int = 0
) -> Loads:
    """Read one day of Azure Functions 2019 as load per application.

    Parameters
    ----------
    path : str or path
        ``invocations_per_function_md.anon.dNN.csv``: invocations per function and minute.
    durations : str or path, optional
        ``function_durations_percentiles.anon.dNN.csv`` of the same day.  With it the load is the
        concurrency, invocations times mean duration; without it the requests per second.
    day : int
        Days to shift the times by, for putting several days one after the other.

    Returns
    -------
    Loads
        One workload per application, in the order of the file; steps of a minute.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    ValueError
        If ``day`` is negative.

    Notes
    -----
    The same function may occur under several triggers: all are summed.  A function that is missing
    from the durations counts with the mean duration of its application, or of the day.  Counts are
    booked at the end of an execution, cold starts are not in the durations.
    """
    if day < 0:
        raise ValueError(f"day must be >= 0, found {day}")
    table = read_csv(path, Layout(_COLUMNS))
    if not table.n_rows:
        raise TraceError(os.fspath(path), "expected functions, found none")
    app = table.texts("HashApp")
    metric: Metric = "requests_per_second" if durations is None else "concurrency"
    # Calls * 1000 / 60 s are milli-calls per second, calls * ms / 60 s are milli-calls at a time.
    weight = np.full(table.n_rows, 1000) if durations is None else _mean_ms(table, durations)
    total = np.zeros((len(app.values), MINUTES), dtype=np.int64)
    for minute in range(MINUTES):
        counts = table.integers(str(minute + 1))
        if (counts > _MOST_COUNT).any():
            index = int((counts > _MOST_COUNT).argmax())
            problem = f"expected a count <= {_MOST_COUNT}, found {counts[index]}"
            raise table.fail(problem, index, str(minute + 1))
        np.add.at(total[:, minute], app.codes, counts * weight)
    load = (total + _SECONDS_PER_MINUTE // 2) // _SECONDS_PER_MINUTE
    times = day * DAY_NS + np.arange(MINUTES, dtype=np.int64) * MINUTE_NS
    workloads = [Workload(f"default/{name}") for name in app.values]
    return Loads.from_series(workloads, metric, [(times, series) for series in load])


def read_azure_functions_2021(path: PathLike, *, step_s: int = 60) -> Loads:
    """Read Azure Functions 2021, single invocations, as concurrency per application.

    Parameters
    ----------
    path : str or path
        Columns ``app``, ``func``, ``end_timestamp`` (s) and ``duration`` (s).
    step_s : int
        Length of the steps over which the concurrency is averaged.

    Returns
    -------
    Loads
        Mean number of invocations that run at a time, per application and step.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    ValueError
        If ``step_s`` is below 1.

    Notes
    -----
    An invocation runs from its end less its duration; one that began before time 0 is cut there.
    Exact to the ns; rows may be in any order.
    """
    if step_s < 1:
        raise ValueError(f"step_s must be >= 1, found {step_s}")
    layout = Layout(
        (
            Column("app", "text"),
            Column("func", "text"),
            Column("end_timestamp", "number"),
            Column("duration", "number"),
        )
    )
    table = read_csv(path, layout)
    if not table.n_rows:
        raise TraceError(os.fspath(path), "expected invocations, found none")
    ends = _seconds(table, "end_timestamp")
    starts = np.maximum(ends - _seconds(table, "duration"), 0)
    app = table.texts("app")
    step_ns = step_s * SECOND_NS
    series = []
    for code in range(len(app.values)):
        rows = app.codes == code
        series.append(mean_concurrency(starts[rows], ends[rows], step_ns))
    workloads = [Workload(f"default/{name}") for name in app.values]
    return Loads.from_series(workloads, "concurrency", series)


def mean_concurrency(
    starts: NDArray[np.int64], ends: NDArray[np.int64], step_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the mean number of intervals that cover each step.

    Parameters
    ----------
    starts, ends : ndarray of int64, shape (n,)
        Intervals in ns, from 0 on.
    step_ns : int
        Length of a step, a multiple of 1000.

    Returns
    -------
    time_ns, value_milli : ndarray of int64, shape (n_steps,)
        Steps from the first to the last with something in it, and one of load 0 after them.

    Notes
    -----
    O(n + steps): each interval touches its first and its last step, and all between by a running
    sum.
    """
    first, last = starts // step_ns, ends // step_ns
    low, n_steps = int(first.min()), int(last.max() - first.min()) + 2
    busy = np.zeros(n_steps, dtype=np.int64)  # ns within the first and the last step
    whole = np.zeros(n_steps + 1, dtype=np.int64)  # intervals that cover a step whole, as changes
    same = first == last
    np.add.at(busy, first[same] - low, ends[same] - starts[same])
    long = ~same
    np.add.at(busy, first[long] - low, (first[long] + 1) * step_ns - starts[long])
    np.add.at(busy, last[long] - low, ends[long] - last[long] * step_ns)
    np.add.at(whole, first[long] + 1 - low, 1)
    np.add.at(whole, last[long] - low, -1)
    load = np.cumsum(whole[:-1]) * 1000 + busy // (step_ns // 1000)
    times = (low + np.arange(n_steps, dtype=np.int64)) * step_ns
    return times, load


def _seconds(table: ColumnTable, name: str) -> NDArray[np.int64]:
    values = table.numbers(name)
    if (values > _MOST_BINS * _SECONDS_PER_MINUTE).any():
        index = int((values > _MOST_BINS * _SECONDS_PER_MINUTE).argmax())
        raise table.fail(f"expected seconds of a trace, found {values[index]:g}", index, name)
    return seconds_to_ns(values)


def _mean_ms(table: ColumnTable, path: PathLike) -> NDArray[np.int64]:
    """Return the mean duration of each row's function, in ms."""
    columns = (*(Column(name, "text") for name in _KEY), Column("Average", "number"))
    given = read_csv(path, Layout(columns))
    average = given.numbers("Average")
    if (average > _MOST_MILLISECONDS).any():
        index = int((average > _MOST_MILLISECONDS).argmax())
        problem = f"expected milliseconds, found {average[index]:g}"
        raise given.fail(problem, index, "Average")
    mean = np.rint(average).astype(np.int64)
    of_function: dict[tuple[str, ...], int] = {}
    of_app: dict[str, list[int]] = {}
    keys = zip(*(given.texts(name).tolist() for name in _KEY), mean.tolist(), strict=True)
    for owner, app, function, value in keys:
        of_function[owner, app, function] = value
        of_app.setdefault(app, []).append(value)
    overall = int(mean.sum()) // len(mean) if len(mean) else 0
    result = []
    for key in zip(*(table.texts(name).tolist() for name in _KEY), strict=True):
        value = of_function.get(key)
        if value is None:
            others = of_app.get(key[1])
            value = sum(others) // len(others) if others else overall
        result.append(value)
    return np.array(result, dtype=np.int64)
