"""Alibaba GPU cluster 2023, "openb": pod lists and node lists."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import TraceError
from pyscale.model.nodes import HOSTNAME_LABEL, Node
from pyscale.model.pod_table import NEVER
from pyscale.model.pods import PodTemplate
from pyscale.model.requirements import Requirement
from pyscale.model.resources import CPU, MEMORY, NANO, PODS

from .assemble import UNKNOWN, Rows, assemble
from .columns import MISSING, Column, ColumnTable, Texts
from .csv_table import Layout, read_csv
from .files import PathLike
from .names import check_unique
from .templates import GPU, make_template
from .trace import Trace
from .units import MIB, MILLI, MOST_NS, SECOND_NS, group_rows

FORMAT = "openb"

MODEL_LABEL = "alibabacloud.com/gpu-card-model"
"""Label of the nodes that names the model of their GPUs, as the publisher's manifests have it."""

PRIORITIES: Mapping[str, int] = {"LS": 1000, "Guaranteed": 1000, "Burstable": 500, "BE": 0}
"""Priority by class of service; only the order is meant."""

PODS_PER_NODE = 1001
"""Pod limit of the publisher's node manifests."""

POD_LAYOUT = Layout(
    (
        Column("name", "text"),
        Column("cpu_milli"),
        Column("memory_mib"),
        Column("num_gpu"),
        Column("gpu_milli"),
        Column("gpu_spec", "text", required=False),
        Column("qos", "text", required=False),
        Column("creation_time", required=False),
        Column("deletion_time", required=False, nullable=True),
        Column("scheduled_time", required=False, nullable=True),
    )
)
NODE_LAYOUT = Layout(
    (
        Column("sn", "text"),
        Column("cpu_milli"),
        Column("memory_mib"),
        Column("gpu"),
        Column("model", "text"),
    )
)

_WHOLE_GPU = 1000
_MOST_MIB = 1 << 33
_MOST_GPUS = 1 << 20


def read_openb(
    path: PathLike,
    *,
    nodes: PathLike | None = None,
    start_s: int = 0,
    end_s: int | None = None,
    model_label: str | None = MODEL_LABEL,
    priorities: Mapping[str, int] | None = None,
) -> Trace:
    """Read an openb pod list.

    Parameters
    ----------
    path : str or path
        Pod list; the variants without times and classes (``multigpu*``) too.
    nodes : str or path, optional
        Node list of the cluster.
    start_s, end_s : int
        Window in the trace's own seconds; time 0 of the result is ``start_s``.  The trace begins
        very thinly: its dense part starts near 10,000,000 s.
    model_label : str, optional
        Label that a pod with a ``gpu_spec`` requires to be one of the models; None leaves the
        constraint out.
    priorities : mapping of str to int, optional
        Priority by ``qos`` instead of :data:`PRIORITIES`; classes not named have none.

    Returns
    -------
    Trace
        One row per pod.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.

    Notes
    -----
    Kubernetes knows no part of a GPU: a pod that shares one asks for a whole one, which the
    summary counts.  A pod that was never scheduled runs from creation to deletion.  Variants
    without times: all pods arrive at 0 and stay.  O(rows).
    """
    table = read_csv(path, POD_LAYOUT)
    rows = _rows(table, model_label, PRIORITIES if priorities is None else priorities)
    timed = rows.end_ns is not None
    trace = assemble(
        path,
        rows,
        {
            "format": FORMAT,
            "times": "creation; the original schedule is kept as start_ns" if timed else "unknown",
        },
        nodes=None if nodes is None else read_openb_nodes(nodes),
    )
    if start_s or end_s is not None:
        end_ns = None if end_s is None else end_s * SECOND_NS
        trace = trace.window(start_s * SECOND_NS, end_ns)
    return trace


def read_openb_nodes(path: PathLike) -> tuple[Node, ...]:
    """Read an openb node list.

    Returns
    -------
    tuple of Node
        In the order of the file, labelled with host name and GPU model.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    """
    table = read_csv(path, NODE_LAYOUT)
    check_unique(table, "sn")
    _check_size(table, "memory_mib", _MOST_MIB)
    columns = zip(
        table.texts("sn").tolist(),
        table.integers("cpu_milli").tolist(),
        table.integers("memory_mib").tolist(),
        table.integers("gpu").tolist(),
        table.texts("model").tolist(),
        strict=True,
    )
    nodes = []
    for name, cpu, memory, gpus, model in columns:
        size = {CPU: cpu * MILLI, MEMORY: memory * MIB * NANO, PODS: PODS_PER_NODE * NANO}
        labels = {HOSTNAME_LABEL: name}
        if gpus:
            size[GPU] = gpus * NANO
        if model:
            labels[MODEL_LABEL] = model
        nodes.append(Node(name=name, labels=labels, capacity=size, allocatable=size))
    return tuple(nodes)


def _rows(table: ColumnTable, model_label: str | None, priorities: Mapping[str, int]) -> Rows:
    check_unique(table, "name")
    _check_size(table, "memory_mib", _MOST_MIB)
    _check_size(table, "num_gpu", _MOST_GPUS)
    cpu, memory = table.integers("cpu_milli"), table.integers("memory_mib")
    gpus, share = table.integers("num_gpu"), table.integers("gpu_milli")
    shared = (gpus > 0) & (share % _WHOLE_GPU != 0)
    none = Texts(np.zeros(table.n_rows, dtype=np.int32), ("",))
    specs = table.texts("gpu_spec") if "gpu_spec" in table else none
    qos = table.texts("qos") if "qos" in table else none
    first, class_id = group_rows((cpu, memory, gpus, specs.codes, qos.codes))
    templates: list[PodTemplate] = []
    for row in first.tolist():
        models = sorted(set(filter(None, specs.values[specs.codes[row]].split("|"))))
        wanted = [Requirement(model_label, "In", tuple(models))] if models and model_label else []
        templates.append(
            make_template(
                {
                    CPU: int(cpu[row]) * MILLI,
                    MEMORY: int(memory[row]) * MIB * NANO,
                    GPU: int(gpus[row]) * NANO,
                },
                node_affinity=wanted,
                priority=priorities.get(qos.values[qos.codes[row]]),
            )
        )
    arrival, end, start = _times(table)
    adjusted = {"asks for a whole GPU instead of a share": int(np.count_nonzero(shared))}
    if start is not None:
        adjusted["never scheduled in the original"] = int(np.count_nonzero(start == UNKNOWN))
    return Rows(
        templates=templates,
        class_id=class_id,
        arrival_ns=arrival,
        end_ns=end,
        duration_ns=None if end is not None else np.full(table.n_rows, NEVER),
        start_ns=start,
        names=table.texts("name").tolist(),
        adjusted=adjusted,
    )


def _times(
    table: ColumnTable,
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, NDArray[np.int64] | None]:
    if "creation_time" not in table:
        return np.zeros(table.n_rows, dtype=np.int64), None, None
    arrival = _nanoseconds(table, "creation_time")
    end = _nanoseconds(table, "deletion_time") if "deletion_time" in table else None
    start = _nanoseconds(table, "scheduled_time") if "scheduled_time" in table else None
    return arrival, end, start


def _nanoseconds(table: ColumnTable, name: str) -> NDArray[np.int64]:
    seconds = table.integers(name)
    _check_size(table, name, (MOST_NS - 1) // SECOND_NS)
    empty = seconds == MISSING
    scaled: NDArray[np.int64] = np.where(empty, 0, seconds) * SECOND_NS
    return np.where(empty, UNKNOWN, scaled)


def _check_size(table: ColumnTable, name: str, most: int) -> None:
    values = table.integers(name)
    if (values > most).any():
        index = int((values > most).argmax())
        raise table.fail(f"expected a number <= {most}, found {values[index]}", index, name)


def refuse_node_list(path: PathLike, **options: Any) -> Trace:
    """Refuse a node list where pods are wanted, with the hint that helps.

    Raises
    ------
    TraceError
        Always.
    """
    raise TraceError(
        os.fspath(path),
        "is an openb node list: read the pod list and give this file as its option nodes",
    )
