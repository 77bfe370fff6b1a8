"""Google ClusterData 2011: task events and machine events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.model.nodes import HOSTNAME_LABEL, Node
from pyscale.model.pods import PodTemplate
from pyscale.model.requirements import LabelSelector
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS
from pyscale.model.topology import PodAffinityTerm

from .assemble import UNKNOWN, Rows, assemble
from .columns import Column, ColumnTable
from .csv_table import Layout, read_csv
from .files import PathLike
from .templates import make_template
from .trace import Trace
from .units import GIB, MICROSECOND_NS, MILLI, group_rows, scale_nano, to_nano

FORMAT = "google-2011"

SUBMIT, SCHEDULE, UPDATE_PENDING, UPDATE_RUNNING = 0, 1, 7, 8
WINDOW_START_US = 600_000_000
BEFORE, AFTER = 0, (1 << 63) - 1

TASK_LAYOUT = Layout(
    (
        Column("time"),
        Column("missing info", nullable=True),
        Column("job"),
        Column("task index"),
        Column("machine", nullable=True),
        Column("event"),
        Column("user", "text"),
        Column("class", nullable=True),
        Column("priority"),
        Column("cpu", "number", nullable=True),
        Column("memory", "number", nullable=True),
        Column("disk", "number", nullable=True),
        Column("different machine", nullable=True),
    ),
    header=False,
)
MACHINE_LAYOUT = Layout(
    (
        Column("time"),
        Column("machine"),
        Column("event"),
        Column("platform", "text"),
        Column("cpu", "number", nullable=True),
        Column("memory", "number", nullable=True),
    ),
    header=False,
)

_ENDS = (2, 3, 4, 5, 6)
_LARGEST_EVENT = 8
_LARGEST_FRACTION = 8
_MOST_TIME_US = (1 << 62) // MICROSECOND_NS
_PODS_PER_NODE = 110


@dataclass(frozen=True, slots=True)
class MachineSize:
    """What 1.0 stands for: the largest machine of the cluster.

    The trace does not tell; the defaults are round numbers of a machine of that time.
    """

    cpu_cores: int = 32
    memory_bytes: int = 128 * GIB
    disk_bytes: int = 4096 * GIB


def read_google_2011(
    path: PathLike,
    *,
    machines: PathLike | None = None,
    size: MachineSize | None = None,
    anti_affinity: bool = True,
) -> Trace:
    """Read task events of Google's 2011 trace.

    Parameters
    ----------
    path : str or path
        ``task_events`` part, without header.
    machines : str or path, optional
        ``machine_events``; the machines there at the start become the trace's nodes.
    size : MachineSize, optional
        What 1.0 stands for; recorded in the metadata.
    anti_affinity : bool
        Whether tasks with the constraint "different machine" may not share a node with tasks of
        their job.

    Returns
    -------
    Trace
        One row per attempt to run a task, from SUBMIT to EVICT, FAIL, FINISH, KILL or LOST; owners
        are the jobs.  Time 0 is the start of the window, 600 s in the trace's own time.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field; also where time goes backwards.

    Notes
    -----
    The request is the first that an attempt tells; attempts without one are dropped, and later
    changes are left out; both are counted.  Attribute constraints are in a table of their own,
    which is not read.
    """
    size = size or MachineSize()
    table = read_csv(path, TASK_LAYOUT)
    _check(table)
    rows = _rows(table, size, anti_affinity)
    metadata: dict[str, Any] = {
        "format": FORMAT,
        "cpu_cores": size.cpu_cores,
        "memory_bytes": size.memory_bytes,
        "disk_bytes": size.disk_bytes,
        "times": "submission; the original schedule is kept as start_ns",
    }
    nodes = None if machines is None else read_google_2011_machines(machines, size=size)
    return assemble(path, rows, metadata, nodes=nodes)


def read_google_2011_machines(
    path: PathLike, *, size: MachineSize | None = None
) -> tuple[Node, ...]:
    """Read the machines that are there at the start: added at time 0.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    """
    size = size or MachineSize()
    table = read_csv(path, MACHINE_LAYOUT)
    _check_fractions(table, ("cpu", "memory"))
    there = (table.integers("time") == BEFORE) & (table.integers("event") == 0)
    there &= ~np.isnan(table.numbers("cpu")) & ~np.isnan(table.numbers("memory"))
    machine = table.integers("machine")
    _, first = np.unique(machine[there], return_index=True)
    chosen = np.flatnonzero(there)[np.sort(first)]
    cpu = scale_nano(to_nano(table.numbers("cpu")[chosen]), size.cpu_cores * 1000, up=False)
    memory = scale_nano(to_nano(table.numbers("memory")[chosen]), size.memory_bytes, up=False)
    nodes = []
    columns = zip(machine[chosen].tolist(), cpu.tolist(), memory.tolist(), strict=True)
    for number, cpu_milli, memory_bytes in columns:
        name = f"machine-{number}"
        amounts = {
            CPU: cpu_milli * MILLI,
            MEMORY: memory_bytes * NANO,
            PODS: _PODS_PER_NODE * NANO,
        }
        labels = {HOSTNAME_LABEL: name}
        nodes.append(Node(name=name, labels=labels, capacity=amounts, allocatable=amounts))
    return tuple(nodes)


def is_task_events(head: bytes) -> bool:
    """Whether the first line looks like a task event: 13 fields, most of them numbers."""
    cells = head.split(b"\n", 1)[0].strip().split(b",")
    if len(cells) != len(TASK_LAYOUT.columns):
        return False
    return all(cells[place].strip().isdigit() for place in (0, 2, 3, 5, 8))


def _check(table: ColumnTable) -> None:
    event, time = table.integers("event"), table.integers("time")
    if (event > _LARGEST_EVENT).any():
        index = int((event > _LARGEST_EVENT).argmax())
        raise table.fail(f"expected an event from 0 to 8, found {event[index]}", index, "event")
    wrong = (time > _MOST_TIME_US) & (time != AFTER)
    if wrong.any():
        index = int(wrong.argmax())
        raise table.fail(f"expected microseconds, found {time[index]}", index, "time")
    back = np.diff(time) < 0
    if back.any():
        index = int(back.argmax()) + 1
        problem = f"time goes backwards: {time[index]} after {time[index - 1]}"
        raise table.fail(problem, index, "time")
    _check_fractions(table, ("cpu", "memory", "disk"))


def _check_fractions(table: ColumnTable, names: tuple[str, ...]) -> None:
    for name in names:
        values = table.numbers(name)
        wrong = np.nan_to_num(values) > _LARGEST_FRACTION
        if wrong.any():
            index = int(wrong.argmax())
            problem = f"expected a fraction of a machine, found {values[index]:g}"
            raise table.fail(problem, index, name)


def _rows(table: ColumnTable, size: MachineSize, anti_affinity: bool) -> Rows:
    job, index = table.integers("job"), table.integers("task index")
    # Rows of one task together, in the order of the file, which is the order of time.
    order = np.lexsort((np.arange(table.n_rows), index, job))
    job, index, event = job[order], index[order], table.integers("event")[order]
    time = table.integers("time")[order]
    new_task = np.ones(len(order), dtype=bool)
    new_task[1:] = (job[1:] != job[:-1]) | (index[1:] != index[:-1])
    attempt = np.cumsum(new_task | (event == SUBMIT)) - 1
    n_attempts = int(attempt[-1]) + 1 if len(attempt) else 0
    _, head = np.unique(attempt, return_index=True)
    start = _first(attempt, time, event == SCHEDULE, n_attempts)
    end = _first(attempt, time, np.isin(event, _ENDS), n_attempts)
    end[end == AFTER] = UNKNOWN
    cpu, memory, disk = (table.numbers(name)[order] for name in ("cpu", "memory", "disk"))
    told = ~np.isnan(cpu) & ~np.isnan(memory)
    source = np.full(n_attempts, -1, dtype=np.int64)
    rows = np.flatnonzero(told)[::-1]
    source[attempt[rows]] = rows  # the first row of an attempt is written last
    known = source >= 0
    changed = np.isin(event, (UPDATE_PENDING, UPDATE_RUNNING))
    source, head, start, end = source[known], head[known], start[known], end[known]

    cpu_milli = scale_nano(to_nano(cpu[source]), size.cpu_cores * 1000)
    memory_bytes = scale_nano(to_nano(memory[source]), size.memory_bytes)
    disk_bytes = scale_nano(to_nano(np.nan_to_num(disk[source])), size.disk_bytes)
    priority = table.integers("priority")[order][source]
    apart = (table.integers("different machine")[order][source] == 1) & anti_affinity
    keys = np.where(apart, job[source], -1)
    first, class_id = group_rows((cpu_milli, memory_bytes, disk_bytes, priority, keys))
    templates = [
        _template(
            {
                CPU: int(cpu_milli[row]) * MILLI,
                MEMORY: int(memory_bytes[row]) * NANO,
                EPHEMERAL_STORAGE: int(disk_bytes[row]) * NANO,
            },
            int(priority[row]),
            int(keys[row]),
        )
        for row in first.tolist()
    ]
    jobs, tasks = job[head], index[head]
    first_of_job, owner_id = group_rows((jobs,))
    triples = zip(jobs.tolist(), tasks.tolist(), np.flatnonzero(known).tolist(), strict=True)
    return Rows(
        templates=templates,
        class_id=class_id,
        arrival_ns=_ns(time[head]),
        end_ns=_ns(end),
        start_ns=_ns(start),
        names=[f"job-{one}-task-{two}-attempt-{three}" for one, two, three in triples],
        owner_id=owner_id,
        owners=[f"job-{number}" for number in jobs[first_of_job].tolist()],
        read=table.n_rows,
        dropped={"attempts without a request": int(np.count_nonzero(~known))},
        adjusted={"requests changed later, left out": int(np.count_nonzero(changed))},
    )


def _first(
    attempt: NDArray[np.int64], time: NDArray[np.int64], rows: NDArray[np.bool_], n: int
) -> NDArray[np.int64]:
    """Return the time of the first of the rows of each attempt, ``UNKNOWN`` for none."""
    result = np.full(n, UNKNOWN, dtype=np.int64)
    chosen = np.flatnonzero(rows)[::-1]
    result[attempt[chosen]] = time[chosen]
    return result


def _ns(time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    known = (time_us != UNKNOWN) & (time_us != AFTER)
    ns: NDArray[np.int64] = (np.where(known, time_us, 0) - WINDOW_START_US) * MICROSECOND_NS
    return np.where(known, ns, UNKNOWN)


def _template(requests: dict[str, int], priority: int, job: int) -> PodTemplate:
    if job < 0:
        return make_template(requests, controller="Job", priority=priority)
    labels = {"job": str(job)}
    template = make_template(requests, labels=labels, controller="Job", priority=priority)
    term = PodAffinityTerm(HOSTNAME_LABEL, LabelSelector(labels))
    return replace(template, spec=replace(template.spec, required_pod_anti_affinity=(term,)))
