"""Writing a trace as a generic table: CSV, Parquet or Arrow."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pyscale.errors import TraceError, UnsupportedError
from pyscale.model.pod_table import NEVER
from pyscale.model.pods import PodTemplate
from pyscale.model.quantity import format_quantity
from pyscale.model.requirements import Requirement
from pyscale.model.resources import EPHEMERAL_STORAGE, MEMORY

from .constraint_text import (
    format_affinity,
    format_pairs,
    format_spread,
    format_tolerations,
    parse_affinity,
    parse_pairs,
    parse_spread,
    parse_tolerations,
)
from .files import PathLike, require_arrow
from .table import REQUEST_PREFIX, RESOURCE_COLUMNS
from .templates import make_template
from .trace import Trace

_BINARY = {MEMORY, EPHEMERAL_STORAGE}


def to_arrow(trace: Trace) -> Any:
    """Return a trace as a ``pyarrow.Table`` in the columns of the generic table.

    Raises
    ------
    UnsupportedError
        If a pod has something that the table cannot say (volumes, pod affinity, ...).
    """
    arrow = require_arrow()
    pods = trace.pods
    cells = [_cells(template, index) for index, template in enumerate(pods.templates)]
    columns: dict[str, Any] = {}
    if pods.names is not None:
        columns["name"] = arrow.array(list(pods.names), arrow.string())
    columns["arrival_ns"] = arrow.array(pods.arrival_ns)
    columns["duration_ns"] = arrow.array(pods.duration_ns, mask=pods.duration_ns == NEVER)
    if pods.start_ns is not None:
        columns["start_ns"] = arrow.array(pods.start_ns, mask=pods.start_ns == -1)
    columns["count"] = arrow.array(pods.count)
    for name in dict.fromkeys(name for entry in cells for name in entry):
        of_class = arrow.array([entry.get(name, "") for entry in cells], arrow.string())
        columns[name] = arrow.DictionaryArray.from_arrays(pods.class_id, of_class)
    priorities = np.array([t.spec.priority or 0 for t in pods.templates], dtype=np.int64)
    unset = np.array([t.spec.priority is None for t in pods.templates], dtype=bool)
    if len(unset) and not unset.all():
        rows = pods.class_id
        columns["priority"] = arrow.array(priorities[rows], mask=unset[rows])
    if trace.owner_id is not None:
        codes = arrow.array(trace.owner_id, mask=trace.owner_id < 0)
        owners = arrow.array(list(trace.owners), arrow.string())
        columns["owner"] = arrow.DictionaryArray.from_arrays(codes, owners)
    if pods.node_name is not None:
        columns["node_name"] = arrow.array(list(pods.node_name), arrow.string())
    return arrow.table(columns)


def write_table(trace: Trace, path: PathLike) -> Path:
    """Write a trace as a generic table; reading it gives the same pods.

    Parameters
    ----------
    trace : Trace
    path : str or path
        ``.csv``, ``.csv.gz``, ``.parquet`` or ``.arrow``; replaced only when all is written.

    Returns
    -------
    Path

    Raises
    ------
    UnsupportedError
        As :func:`to_arrow`.
    ValueError
        For another ending.
    TraceError
        If the file cannot be written.
    """
    _writer(Path(path))
    return write_arrow_table(to_arrow(trace), path)


def write_arrow_table(table: Any, path: PathLike) -> Path:
    """Write an Arrow table in the format of the file's ending, in one step.

    Raises
    ------
    ValueError
        For an unknown ending.
    TraceError
        If the file cannot be written.
    """
    target = Path(path)
    writer = _writer(target)
    part = target.with_name(f"{target.name}.part")
    try:
        writer(table, part)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TraceError(os.fspath(path), f"cannot be written: {error.strerror or error}") from None
    return target


def _writer(target: Path) -> Callable[[Any, Path], None]:
    name = target.name.lower()
    for ending, writer in _WRITERS.items():
        if name.endswith(ending):
            return writer
    raise ValueError(f"expected a file ending in {', '.join(_WRITERS)}, found {target.name!r}")


def _write_csv(table: Any, part: Path) -> None:
    import pyarrow.csv as arrow_csv

    with part.open("wb") as stream:
        arrow_csv.write_csv(_plain(table), stream)


def _write_csv_gzip(table: Any, part: Path) -> None:
    import gzip

    import pyarrow.csv as arrow_csv

    # Without a time stamp the same trace gives the same bytes.
    with part.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
        arrow_csv.write_csv(_plain(table), require_arrow().PythonFile(stream, mode="w"))


def _write_parquet(table: Any, part: Path) -> None:
    import pyarrow.parquet as parquet

    with part.open("wb") as stream:
        parquet.write_table(table, stream, compression="zstd")


def _write_arrow(table: Any, part: Path) -> None:
    arrow = require_arrow()
    with part.open("wb") as stream, arrow.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)


_WRITERS: dict[str, Callable[[Any, Path], None]] = {
    ".csv": _write_csv,
    ".csv.gz": _write_csv_gzip,
    ".parquet": _write_parquet,
    ".arrow": _write_arrow,
}


def _plain(table: Any) -> Any:
    """Return the table without dictionaries, which Arrow's CSV writer does not take."""
    arrow = require_arrow()
    fields = [
        field.with_type(field.type.value_type) if arrow.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(arrow.schema(fields))


def _cells(template: PodTemplate, index: int) -> dict[str, str]:
    """Return what the table says of a template, after making sure that it says everything."""
    spec = template.spec
    requests = dict(spec.containers[0].requests) if spec.containers else {}
    affinity: tuple[Requirement, ...] = ()
    if spec.required_node_affinity:
        affinity = spec.required_node_affinity[0].match_expressions
    controller = template.controller
    texts = {
        "namespace": template.namespace,
        "controller": controller.kind if controller else "",
        "labels": format_pairs(template.labels),
        "node_selector": format_pairs(spec.node_selector),
        "node_affinity": format_affinity(affinity),
        "tolerations": format_tolerations(spec.tolerations),
        "spread": format_spread(spec.topology_spread_constraints),
    }
    try:
        again = make_template(
            requests,
            namespace=template.namespace,
            labels=parse_pairs(texts["labels"]),
            controller=texts["controller"],
            node_selector=parse_pairs(texts["node_selector"]),
            node_affinity=parse_affinity(texts["node_affinity"]),
            tolerations=parse_tolerations(texts["tolerations"]),
            spread=parse_spread(texts["spread"], template.labels),
            priority=spec.priority,
        )
    except ValueError:
        again = None
    if again != template:
        where = f"pods.templates[{index}]"
        raise UnsupportedError("a pod with more than requests and simple constraints", where)
    cells = {"namespace": "", "controller": ""}
    names = {resource: name for name, resource in RESOURCE_COLUMNS.items()}
    for resource, amount in sorted(requests.items()):
        name = names.get(resource, f"{REQUEST_PREFIX}{resource}")
        cells[name] = format_quantity(amount, "BinarySI" if resource in _BINARY else "DecimalSI")
    return {**cells, **{name: text for name, text in texts.items() if text}}
