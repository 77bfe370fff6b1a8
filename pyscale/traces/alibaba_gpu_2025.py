"""Alibaba GPU 2025: instances of disaggregated recommendation models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO

from .assemble import UNKNOWN, Rows, assemble
from .columns import Column, ColumnTable
from .csv_table import Layout, read_csv
from .files import PathLike
from .names import check_unique
from .templates import APP_LABEL, GPU, make_template
from .trace import Trace
from .units import GIB, MILLI, ceil_div, group_rows, scale_nano, seconds_to_ns, to_nano

FORMAT = "alibaba-gpu-2025"

RDMA = "alibabacloud.com/rdma-percent"
"""Extended resource: percent of one network card with RDMA."""

LAYOUT = Layout(
    (
        Column("instance_sn", "text"),
        Column("role", "text"),
        Column("app_name", "text"),
        Column("cpu_request", "number"),
        Column("gpu_request"),
        Column("rdma_request"),
        Column("memory_request", "number"),
        Column("disk_request", "number"),
        Column("max_instance_per_node", minimum=-1),
        Column("creation_time", "number", nullable=True, minimum=None),
        Column("scheduled_time", "number", nullable=True, minimum=None),
        Column("deletion_time", "number", nullable=True, minimum=None),
    )
)

_NO_LIMIT = -1
_MOST_SECONDS = 1 << 32
_MOST_GIB = 1 << 30


def read_alibaba_gpu_2025(path: PathLike, *, role_label: str | None = None) -> Trace:
    """Read the instances of Alibaba's disaggregated recommendation models.

    Parameters
    ----------
    path : str or path
    role_label : str, optional
        Label of the nodes that tells their role, which pods then select: ``CN`` for nodes without
        and ``HN`` for nodes with a GPU.

    Returns
    -------
    Trace
        One row per instance; owners are the applications.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.

    Notes
    -----
    Instances without a creation time were there before the window, those without a deletion time
    are there after it.  Kubernetes knows no limit of an application's pods per node except one:
    the limits of the trace (2 to 16) are left out, which the summary counts.
    """
    table = read_csv(path, LAYOUT)
    rows = _rows(table, role_label)
    return assemble(
        path,
        rows,
        {
            "format": FORMAT,
            "role_label": role_label,
            "times": "creation; the original schedule is kept as start_ns",
        },
    )


def _rows(table: ColumnTable, role_label: str | None) -> Rows:
    check_unique(table, "instance_sn")
    for name in ("cpu_request", "memory_request", "disk_request"):
        _refuse_above(table, name, table.numbers(name), _MOST_GIB)
    cpu = ceil_div(to_nano(table.numbers("cpu_request")), MILLI)
    memory = _bytes(table.numbers("memory_request"))
    disk = _bytes(table.numbers("disk_request"))
    gpu, rdma = table.integers("gpu_request"), table.integers("rdma_request")
    for name in ("gpu_request", "rdma_request"):
        _refuse_above(table, name, table.integers(name), _MOST_GIB)
    app, role = table.texts("app_name"), table.texts("role")
    first, class_id = group_rows((cpu, memory, disk, gpu, rdma, app.codes, role.codes))
    templates: list[PodTemplate] = []
    for row in first.tolist():
        name = app.values[app.codes[row]]
        kind = role.values[role.codes[row]]
        templates.append(
            make_template(
                {
                    CPU: int(cpu[row]) * MILLI,
                    MEMORY: int(memory[row]) * NANO,
                    EPHEMERAL_STORAGE: int(disk[row]) * NANO,
                    GPU: int(gpu[row]) * NANO,
                    RDMA: int(rdma[row]) * NANO,
                },
                labels={APP_LABEL: name, "role": kind},
                node_selector={role_label: kind} if role_label else {},
            )
        )
    created = _ns(table, "creation_time")
    limited = table.integers("max_instance_per_node") != _NO_LIMIT
    return Rows(
        templates=templates,
        class_id=class_id,
        # Just before time 0: the time itself is not told.
        arrival_ns=np.where(created == UNKNOWN, -1, created),
        end_ns=_ns(table, "deletion_time"),
        start_ns=_ns(table, "scheduled_time"),
        names=table.texts("instance_sn").tolist(),
        owner_id=app.codes,
        owners=app.values,
        adjusted={"limit of instances per node left out": int(np.count_nonzero(limited))},
    )


def _bytes(gibibytes: NDArray[np.float64]) -> NDArray[np.int64]:
    whole = np.floor(gibibytes)
    rest: NDArray[np.int64] = scale_nano(to_nano(gibibytes - whole), GIB)
    return whole.astype(np.int64) * GIB + rest


def _ns(table: ColumnTable, name: str) -> NDArray[np.int64]:
    seconds = table.numbers(name)
    known = ~np.isnan(seconds)
    seconds = np.where(known, seconds, 0)
    _refuse_above(table, name, np.abs(seconds), _MOST_SECONDS)
    # The file writes some whole seconds with the noise of a float: 4031.0000000000005.
    return np.where(known, seconds_to_ns(seconds), UNKNOWN)


def _refuse_above(
    table: ColumnTable, name: str, values: NDArray[np.int64] | NDArray[np.float64], most: int
) -> None:
    if (values > most).any():
        index = int((values > most).argmax())
        raise table.fail(f"expected a number <= {most}, found {values[index]}", index, name)
