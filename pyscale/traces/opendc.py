"""OpenDC: the Parquet table of tasks."""

from __future__ import annotations

import numpy as np

from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO

from .arrow_table import read_arrow
from .assemble import Rows, assemble
from .columns import Column
from .files import PathLike
from .templates import make_template
from .trace import Trace
from .units import MILLISECOND_NS, group_rows

FORMAT = "opendc"

COLUMNS = (
    Column("id", minimum=None),
    Column("submission_time"),
    Column("duration"),
    Column("cpu_count"),
    Column("mem_capacity"),
)

_MEGABYTE = 1_000_000
_MOST_MILLISECONDS = (1 << 42) - 1
_MOST_COUNT = 1 << 30


def read_opendc(path: PathLike, *, memory_unit_bytes: int = _MEGABYTE) -> Trace:
    """Read an OpenDC table of tasks.

    Parameters
    ----------
    path : str or path
        ``tasks.parquet``: ``id``, ``submission_time`` (ms since the Unix epoch), ``duration`` (ms),
        ``cpu_count``, ``mem_capacity``; other columns are left out, so the speed of the cpus and
        deadlines do not count.
    memory_unit_bytes : int
        What 1 of ``mem_capacity`` stands for: a megabyte in the SURF traces, but 1024 bytes in
        the Bitbrains sample, whose values make no sense otherwise.

    Returns
    -------
    Trace
        One row per task; time 0 is the first submission.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    ValueError
        If ``memory_unit_bytes`` is out of range.
    """
    if not 0 < memory_unit_bytes <= 1 << 30:
        raise ValueError(f"memory_unit_bytes must be > 0, found {memory_unit_bytes}")
    table = read_arrow(path, lambda _names: COLUMNS)
    for name, most in (
        ("submission_time", _MOST_MILLISECONDS),
        ("duration", _MOST_MILLISECONDS),
        ("cpu_count", _MOST_COUNT),
        ("mem_capacity", _MOST_MILLISECONDS),
    ):
        values = table.integers(name)
        if (values > most).any():
            index = int((values > most).argmax())
            raise table.fail(f"expected a number <= {most}, found {values[index]}", index, name)
    ids = table.integers("id")
    _, first_of_id = np.unique(ids, return_index=True)
    if len(first_of_id) != len(ids):
        again = np.ones(len(ids), dtype=bool)
        again[first_of_id] = False
        index = int(again.argmax())
        raise table.fail(f"the task {ids[index]} occurs twice", index, "id")
    cpu, memory = table.integers("cpu_count"), table.integers("mem_capacity")
    first, class_id = group_rows((cpu, memory))
    templates: list[PodTemplate] = [
        make_template(
            {CPU: int(cpu[row]) * NANO, MEMORY: int(memory[row]) * memory_unit_bytes * NANO},
            controller="Job",
        )
        for row in first.tolist()
    ]
    submitted = table.integers("submission_time")
    origin = int(submitted.min()) if len(submitted) else 0
    rows = Rows(
        templates=templates,
        class_id=class_id,
        arrival_ns=(submitted - origin) * MILLISECOND_NS,
        duration_ns=table.integers("duration") * MILLISECOND_NS,
        names=[f"task-{number}" for number in ids.tolist()],
    )
    metadata = {
        "format": FORMAT,
        "memory_unit_bytes": memory_unit_bytes,
        "origin_unix_ns": origin * MILLISECOND_NS,
        "times": "submission; no schedule",
    }
    return assemble(path, rows, metadata)
