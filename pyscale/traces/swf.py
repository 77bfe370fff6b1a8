"""Standard Workload Format: logs of parallel machines, one job per line."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError
from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO

from .assemble import UNKNOWN, Rows, assemble
from .columns import shorten
from .files import PathLike, read_text
from .templates import make_template
from .trace import Trace
from .units import KIB, MOST_NS, SECOND_NS, group_rows

FORMAT = "swf"

FIELDS = (
    "job",
    "submit time",
    "wait time",
    "run time",
    "processors used",
    "cpu time",
    "memory used",
    "processors asked",
    "time asked",
    "memory asked",
    "status",
    "user",
    "group",
    "executable",
    "queue",
    "partition",
    "preceding job",
    "think time",
)
UNKNOWN_FIELD = -1

_PARTS = (2, 3, 4)
_CANCELLED = 5
_MOST_PROCESSORS = 1 << 31


def read_swf(
    path: PathLike,
    *,
    cpus_per_pod: int = 1,
    memory_kib_per_processor: int = 0,
    priority_by_queue: bool = False,
) -> Trace:
    """Read a log in Standard Workload Format.

    Parameters
    ----------
    path : str or path
        ``.swf`` or ``.swf.gz``.
    cpus_per_pod : int
        A job of ``n`` processors is a gang of ``ceil(n / cpus_per_pod)`` equal pods.
    memory_kib_per_processor : int
        Memory of a processor where the log tells neither the memory asked nor the memory used.
    priority_by_queue : bool
        Whether the number of the queue becomes the priority.

    Returns
    -------
    Trace
        One row per job, its pods as the count; owners are the users.

    Raises
    ------
    TraceError
        For an unreadable file or value, with line and field.
    ValueError
        For an option out of range.

    Notes
    -----
    Processors are those asked, or used where the log does not say; likewise memory.  Jobs with
    neither, jobs cancelled before they started, and lines for parts of a job are dropped and
    counted.  A log without wait
    times gives the start as the submission, which the metadata tells.  O(jobs log jobs).
    """
    if cpus_per_pod < 1:
        raise ValueError(f"cpus_per_pod must be >= 1, found {cpus_per_pod}")
    if memory_kib_per_processor < 0:
        raise ValueError(f"memory_kib_per_processor must be >= 0, found {memory_kib_per_processor}")
    header, table, lines = _read(path)
    waits = table[:, 2]
    known = waits != UNKNOWN_FIELD
    metadata: dict[str, Any] = {
        "format": FORMAT,
        "cpus_per_pod": cpus_per_pod,
        "header": header,
        "times": "submission" if known.any() else "start of the job, given as its submission",
    }
    rows = _rows(path, table, lines, cpus_per_pod, memory_kib_per_processor, priority_by_queue)
    return assemble(path, rows, metadata)


def _read(path: PathLike) -> tuple[dict[str, str], NDArray[np.int64], list[int]]:
    """Return the header's keys, the jobs as int64 (n_jobs, 18), and the line of each."""
    header: dict[str, str] = {}
    lines: list[list[str]] = []
    numbers: list[int] = []
    last = ""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = line.strip()
        if text.startswith(";"):
            last = _header_line(header, text.lstrip("; \t"), last)
            continue
        fields = text.split()
        if not fields:
            continue
        if len(fields) != len(FIELDS):
            problem = f"expected {len(FIELDS)} fields, found {len(fields)}"
            raise TraceError(os.fspath(path), problem, number)
        lines.append(fields)
        numbers.append(number)
    try:
        floats = np.array(lines, dtype=np.float64).reshape(-1, len(FIELDS))
    except ValueError:
        raise _first_fault(path, lines, numbers) from None
    bad = ~np.isfinite(floats) | (np.abs(floats) > MOST_NS // 2 // SECOND_NS) | (floats < -1)
    if bad.any():
        row, column = np.argwhere(bad)[0].tolist()
        problem = f"expected a number >= -1, found {shorten(lines[row][column])!r}"
        raise TraceError(os.fspath(path), problem, numbers[row], FIELDS[column])
    # Whole numbers may be written as decimals; fractions (mean cpu times) are rounded up.
    return header, np.ceil(floats).astype(np.int64), numbers


def _header_line(header: dict[str, str], text: str, last: str) -> str:
    """Store ``Key: value``; a line without key goes on with the last one. Return the last key."""
    key, colon, value = text.partition(":")
    if colon and key and " " not in key:
        # Keys such as Note and Queue occur several times.
        header[key] = f"{header[key]}\n{value.strip()}" if key in header else value.strip()
        return key
    if text and last:
        header[last] += f"\n{text.strip()}"
    return last


def _first_fault(path: PathLike, lines: list[list[str]], numbers: list[int]) -> TraceError:
    for number, fields in zip(numbers, lines, strict=True):
        for name, text in zip(FIELDS, fields, strict=True):
            try:
                float(text)
            except ValueError:
                problem = f"expected a number, found {shorten(text)!r}"
                return TraceError(os.fspath(path), problem, number, name)
    return TraceError(os.fspath(path), "is not in Standard Workload Format")


def _rows(
    path: PathLike,
    table: NDArray[np.int64],
    lines: list[int],
    cpus_per_pod: int,
    memory_kib_per_processor: int,
    priority_by_queue: bool,
) -> Rows:
    submit, wait, run = table[:, 1], table[:, 2], table[:, 3]
    used, asked = table[:, 4], table[:, 7]
    processors = np.where(asked > 0, asked, used)
    memory = np.where(table[:, 9] > 0, table[:, 9], table[:, 6])
    memory = np.where(memory > 0, memory, memory_kib_per_processor)
    never = (table[:, 10] == _CANCELLED) & (run <= 0)
    part = np.isin(table[:, 10], _PARTS)
    _check_jobs(path, table[~part, 0], np.array(lines, dtype=np.int64)[~part])
    reasons = {
        "a part of a job": part,
        "submission unknown": submit < 0,
        "cancelled before it started": never,
        "no number of processors": processors <= 0,
        "run time unknown": run < 0,
    }
    keep = np.ones(len(table), dtype=bool)
    dropped = {}
    for reason, rows in reasons.items():
        dropped[reason] = int(np.count_nonzero(keep & rows))
        keep &= ~rows
    queue = table[:, 14] if priority_by_queue else np.zeros(len(table), dtype=np.int64)
    table, submit, wait, run = table[keep], submit[keep], wait[keep], run[keep]
    processors, memory, queue = processors[keep], memory[keep], queue[keep]
    if processors.size and processors.max() > _MOST_PROCESSORS:
        problem = f"expected at most {_MOST_PROCESSORS} processors, found {processors.max()}"
        raise TraceError(os.fspath(path), problem, field="processors asked")
    first, class_id = group_rows((memory, queue))
    templates: list[PodTemplate] = []
    for row in first.tolist():
        size = int(memory[row]) * KIB * cpus_per_pod
        templates.append(
            make_template(
                {CPU: cpus_per_pod * NANO, MEMORY: size * NANO},
                controller="Job",
                priority=max(int(queue[row]), 0) if priority_by_queue else None,
            )
        )
    users = table[:, 11]
    first_of_user, owner_id = group_rows((users,))
    start = np.where(wait == UNKNOWN_FIELD, UNKNOWN, (submit + np.maximum(wait, 0)) * SECOND_NS)
    return Rows(
        templates=templates,
        class_id=class_id,
        arrival_ns=submit * SECOND_NS,
        duration_ns=run * SECOND_NS,
        start_ns=start if (wait != UNKNOWN_FIELD).any() else None,
        count=-(-processors // cpus_per_pod),
        names=[f"job-{job}" for job in table[:, 0].tolist()],
        owner_id=owner_id,
        owners=[f"user-{user}" for user in users[first_of_user].tolist()],
        dropped=dropped,
    )


def _check_jobs(path: PathLike, jobs: NDArray[np.int64], lines: NDArray[np.int64]) -> None:
    _, first = np.unique(jobs, return_index=True)
    if len(first) != len(jobs):
        again = np.ones(len(jobs), dtype=bool)
        again[first] = False
        index = int(again.argmax())
        problem = f"the job {jobs[index]} occurs twice"
        raise TraceError(os.fspath(path), problem, int(lines[index]), FIELDS[0])
