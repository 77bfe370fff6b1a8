"""What a benchmark row is, and how rows are run."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

GOLDEN = "PYSCALE_GOLDEN"
REPEATS = 5


@dataclass(frozen=True)
class Work:
    """One row's work, ready to be timed.

    Attributes
    ----------
    run : callable
        Does the work and returns its result; only this is timed.
    expected : object
        The right answer.
    answer : callable
        Takes the answer out of the result, untimed; by default the result is the answer.
    units : int
        The seconds shown are those of the run divided by this: for figures per node or per pod.
    recorded_seconds : float, optional
        What the real program took for the same.
    """

    run: Callable[[], Any]
    expected: Any
    answer: Callable[[Any], Any] = lambda result: result
    units: int = 1
    recorded_seconds: float | None = None


@dataclass(frozen=True)
class Row:
    """A named benchmark.

    Attributes
    ----------
    name : str
        ``"NAME/row"``, where NAME is the module of `pyscale.bench` that holds it.
    work : str
        What is done, in one line.
    prepare : callable
        Makes the inputs, untimed. Takes the folder of recordings, which is None unless
        ``needs_golden``; FileNotFoundError says that what it needs is not in there.
    target_seconds : float, optional
        What it should take at most.
    needs_golden : bool
        Whether the inputs are recordings.
    repeats : int
        Runs at most, whatever the caller asks for: for work that takes seconds.
    """

    name: str
    work: str
    prepare: Callable[[Path | None], Work]
    target_seconds: float | None = None
    needs_golden: bool = False
    repeats: int = 1000


@dataclass(frozen=True)
class BenchRow:
    """What a row came to.

    Attributes
    ----------
    name, work : str
        Those of the row.
    seconds : float or None
        Median; None if it could not be run.
    target_seconds, recorded_seconds : float or None
        The target, and the real program's time, where there are such.
    ratio : float or None
        How many times quicker than the real program.
    answer_equal : bool or None
        Whether every run gave the right answer; None if it could not be run.
    note : str
        Why it could not be run, or which answer was found instead of which.
    """

    name: str
    work: str
    seconds: float | None
    target_seconds: float | None = None
    recorded_seconds: float | None = None
    ratio: float | None = None
    answer_equal: bool | None = None
    note: str = ""

    def to_dict(self) -> dict[str, str | float | bool | None]:
        """Return plain data; the note only where there is one."""
        fields = dict(vars(self))
        if not self.note:
            del fields["note"]
        return fields


def names() -> list[str]:
    """List the benchmarks there are."""
    package = import_module("pyscale.bench")
    return sorted(m.name for m in iter_modules(package.__path__) if not m.name.startswith("_"))


def rows_of(name: str) -> Sequence[Row]:
    """Return the rows of one benchmark.

    Raises
    ------
    ValueError
        If there is no benchmark of that name.
    """
    if name not in names():
        raise ValueError(f"benchmark must be one of {', '.join(names())}, found {name!r}")
    rows: Sequence[Row] = import_module(f"pyscale.bench.{name}").ROWS
    return rows


def run(
    wanted: Sequence[str] = (),
    golden: str | os.PathLike[str] | None = None,
    repeats: int = REPEATS,
    on_row: Callable[[BenchRow], None] | None = None,
) -> list[BenchRow]:
    """Run benchmarks.

    Parameters
    ----------
    wanted : sequence of str
        Names of benchmarks (``"pack"``) or single rows (``"pack/what-if"``); all if empty.
    golden : path, optional
        Folder of recordings; by default the one in the environment variable PYSCALE_GOLDEN.
    repeats : int
        Runs per row, of which the median counts; rows of long work may run fewer times.
    on_row : callable, optional
        Called with each row as soon as it is done.

    Returns
    -------
    list of BenchRow
        In the order of the names, rows in the order of their benchmark.

    Raises
    ------
    ValueError
        If a name is unknown, or ``repeats`` is below 1.
    """
    if repeats < 1:
        raise ValueError(f"repeats must be >= 1, found {repeats}")
    folder = golden if golden is not None else os.environ.get(GOLDEN) or None
    selected: list[Row] = []
    for name in wanted or names():
        benchmark, _, single = name.partition("/")
        rows = [row for row in rows_of(benchmark) if not single or row.name == name]
        if not rows:
            known = ", ".join(row.name for row in rows_of(benchmark))
            raise ValueError(f"row must be one of {known}, found {name!r}")
        selected += rows
    out = []
    for row in selected:
        done = run_row(row, None if folder is None else Path(folder), repeats)
        out.append(done)
        if on_row is not None:
            on_row(done)
    return out


def run_row(row: Row, golden: Path | None, repeats: int) -> BenchRow:
    """Run one row."""

    def not_run(why: str) -> BenchRow:
        return BenchRow(row.name, row.work, None, row.target_seconds, note=why)

    if row.needs_golden and golden is None:
        return not_run(f"needs recordings: name their folder with --golden or {GOLDEN}")
    try:
        work = row.prepare(golden if row.needs_golden else None)
    except FileNotFoundError as error:
        return not_run(f"needs recordings: {error.filename or error} is missing")
    seconds = []
    note = ""
    for _ in range(min(repeats, row.repeats)):
        start = time.perf_counter()
        result = work.run()
        seconds.append(time.perf_counter() - start)
        found = work.answer(result)
        if found != work.expected and not note:
            note = f"expected {work.expected}, found {found}"
    median = statistics.median(seconds) / work.units
    recorded = work.recorded_seconds
    return BenchRow(
        name=row.name,
        work=row.work,
        seconds=median,
        target_seconds=row.target_seconds,
        recorded_seconds=recorded,
        ratio=recorded / median if recorded is not None and median > 0 else None,
        answer_equal=not note,
        note=note,
    )
