"""Alibaba 2017 batch tasks: the cleaned extract, one row per task with its instances."""

from __future__ import annotations

import os

from pyscale.errors import TraceError
from pyscale.model.resources import CPU, MEMORY, NANO

from .assemble import Rows, assemble
from .columns import Column, ColumnTable
from .csv_table import Layout, read_csv
from .files import PathLike
from .templates import make_template
from .trace import Trace
from .units import GIB, MILLI, ceil_div, group_rows, scale_nano, seconds_to_ns, to_nano

FORMAT = "alibaba-2017"

LAYOUT = Layout(
    (
        Column("submit_time", "number"),
        Column("duration", "number", minimum=None),
        Column("cpu", "number"),
        Column("memory", "number"),
        Column("job_id"),
        Column("task_id"),
        Column("instances_num"),
    )
)

DEFAULT_MACHINE_MEMORY = 128 * GIB
"""Bytes that a memory fraction of 1.0 stands for unless the caller says otherwise.

The trace does not tell; its machines have 64 cores, and 2 GiB per core is a size on sale.
"""

_LARGEST_FRACTION = 8


def read_alibaba_2017(
    path: PathLike, *, machine_memory_bytes: int = DEFAULT_MACHINE_MEMORY
) -> Trace:
    """Read the extract of Alibaba 2017's batch tasks.

    Parameters
    ----------
    path : str or path
        CSV with the columns ``submit_time`` (s), ``duration`` (s, the mean over the instances),
        ``cpu`` (cores), ``memory`` (fraction of a machine), ``job_id``, ``task_id`` and
        ``instances_num``; others are left out.
    machine_memory_bytes : int
        What a memory of 1.0 stands for, recorded in the metadata.

    Returns
    -------
    Trace
        One row per task, its instances as the count; owners are the jobs.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    ValueError
        If ``machine_memory_bytes`` is not positive.

    Notes
    -----
    All instances of a task arrive together when it is submitted: the extract has no times of
    single instances, and the queueing of the original system is not told.  Cpu is rounded up to
    thousandths of a core, memory to bytes.  O(rows).
    """
    if not 0 < machine_memory_bytes < 1 << 59:
        raise ValueError(f"machine_memory_bytes must be > 0, found {machine_memory_bytes}")
    table = read_csv(path, LAYOUT)
    metadata = {
        "format": FORMAT,
        "machine_memory_bytes": machine_memory_bytes,
        "times": "submission; durations are means over the instances of a task",
    }
    return assemble(path, _rows(table, machine_memory_bytes), metadata)


def _rows(table: ColumnTable, machine_memory_bytes: int) -> Rows:
    memory = table.numbers("memory")
    if (memory > _LARGEST_FRACTION).any():
        index = int((memory > _LARGEST_FRACTION).argmax())
        problem = f"expected a fraction of a machine, found {memory[index]:g}"
        raise table.fail(problem, index, "memory")
    try:
        cpu_milli = ceil_div(to_nano(table.numbers("cpu")), MILLI)
        arrival = seconds_to_ns(table.numbers("submit_time"))
        duration = seconds_to_ns(table.numbers("duration"))
    except OverflowError as error:
        raise TraceError(os.fspath(table.path), str(error)) from None
    memory_bytes = scale_nano(to_nano(memory), machine_memory_bytes)
    first, class_id = group_rows((cpu_milli, memory_bytes))
    templates = [
        make_template({CPU: cpu * MILLI, MEMORY: size * NANO})
        for cpu, size in zip(cpu_milli[first].tolist(), memory_bytes[first].tolist(), strict=True)
    ]
    jobs, tasks = table.integers("job_id"), table.integers("task_id")
    first_of_job, owner_id = group_rows((jobs,))
    pairs = zip(jobs.tolist(), tasks.tolist(), strict=True)
    return Rows(
        templates=templates,
        class_id=class_id,
        arrival_ns=arrival,
        end_ns=arrival + duration,
        count=table.integers("instances_num"),
        names=[f"job-{job}-task-{task}" for job, task in pairs],
        owner_id=owner_id,
        owners=[f"job-{job}" for job in jobs[first_of_job].tolist()],
    )
