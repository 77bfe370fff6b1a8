"""Alibaba GenAI 2026: request rates and LoRA requests as load signals."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pyscale.errors import TraceError

from .azure_functions import mean_concurrency
from .azure_llm import parse_stamps
from .columns import Column
from .csv_table import Layout, read_csv
from .files import PathLike, read_bytes
from .load import Loads, Workload
from .units import SECOND_NS, seconds_to_ns

QPS_MEMBER = "qps.csv"

QPS_LAYOUT = Layout(
    (
        Column("timestamp_anon", "number"),
        Column("value", "number"),
        Column("container_ip", "text"),
        Column("request_type", "text"),
    )
)
LORA_LAYOUT = Layout(
    (
        Column("gmt_create", "text"),
        Column("predict_type", "text"),
        Column("predict_status", "text"),
        Column("exec_time_seconds", "number", nullable=True),
    )
)

_MOST_SECONDS = 1 << 33
_MOST_VALUE = 1e9


def read_alibaba_genai_qps(path: PathLike, *, step_s: int = 60) -> Loads:
    """Read the request rates of Alibaba's GenAI services.

    Parameters
    ----------
    path : str or path
        ``qps.tar.gz`` with the member ``qps.csv``, or that file: ``timestamp_anon`` (s), ``value``
        (requests per second of one container), ``container_ip``, ``request_type``.
    step_s : int
        Length of the steps: samples of one container in a step are averaged, then the containers
        summed.

    Returns
    -------
    Loads
        One workload per type of request; time 0 is the first sample.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    ValueError
        If ``step_s`` is below 1.

    Notes
    -----
    A missing address is written as an empty cell and as ``NULL``: both are one container.
    """
    if step_s < 1:
        raise ValueError(f"step_s must be >= 1, found {step_s}")
    with _member(path) as file:
        try:
            table = read_csv(file, QPS_LAYOUT)
            if not table.n_rows:
                raise TraceError(str(file), "expected samples, found none")
            for name, most in (("timestamp_anon", _MOST_SECONDS), ("value", _MOST_VALUE)):
                values = table.numbers(name)
                if (values > most).any():
                    index = int((values > most).argmax())
                    problem = f"expected a number <= {most:g}, found {values[index]:g}"
                    raise table.fail(problem, index, name)
        except TraceError as error:
            raise TraceError(os.fspath(path), error.problem, error.row, error.field) from None
    times = seconds_to_ns(table.numbers("timestamp_anon"))
    step = (times - times.min()) // (step_s * SECOND_NS)
    micro = np.rint(table.numbers("value") * 1e6).astype(np.int64)
    address = table.texts("container_ip")
    same = {value: code for code, value in enumerate(address.values)}
    container = address.codes.astype(np.int64)
    if "NULL" in same:
        container[container == same["NULL"]] = same.get("", same["NULL"])
    kind = table.texts("request_type")
    n_steps = int(step.max()) + 2
    series = []
    for code in range(len(kind.values)):
        rows = kind.codes == code
        cell = container[rows] * n_steps + step[rows]
        cells, where, counts = np.unique(cell, return_inverse=True, return_counts=True)
        total = np.zeros(len(cells), dtype=np.int64)
        np.add.at(total, where, micro[rows])
        load = np.zeros(n_steps, dtype=np.int64)
        np.add.at(load, cells % n_steps, total // counts)
        series.append((np.arange(n_steps, dtype=np.int64) * (step_s * SECOND_NS), load // 1000))
    workloads = [Workload(f"default/{_slug(name)}") for name in kind.values]
    return Loads.from_series(workloads, "requests_per_second", series)


def read_alibaba_genai_lora(path: PathLike, *, step_s: int = 60) -> Loads:
    """Read the LoRA requests of Alibaba's GenAI services as concurrency.

    Parameters
    ----------
    path : str or path
        Columns ``gmt_create`` (local time without zone), ``predict_type``, ``predict_status`` and
        ``exec_time_seconds``.
    step_s : int
        Length of the steps over which the concurrency is averaged.

    Returns
    -------
    Loads
        One workload per type of prediction; time 0 is the first request.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.
    ValueError
        If ``step_s`` is below 1.

    Notes
    -----
    A request counts from its creation for its execution time; one without (pending or still
    processing) does not count.
    """
    if step_s < 1:
        raise ValueError(f"step_s must be >= 1, found {step_s}")
    table = read_csv(path, LORA_LAYOUT)
    seconds = table.numbers("exec_time_seconds")
    known = ~np.isnan(seconds)
    if not known.any():
        raise TraceError(os.fspath(path), "expected requests with an execution time, found none")
    too_long = np.where(known, seconds, 0) > _MOST_SECONDS
    if too_long.any():
        index = int(too_long.argmax())
        problem = f"expected seconds, found {seconds[index]:g}"
        raise table.fail(problem, index, "exec_time_seconds")
    stamps = parse_stamps(table, "gmt_create")
    starts = stamps - stamps.min()
    ends = starts + seconds_to_ns(np.where(known, seconds, 0))
    kind = table.texts("predict_type")
    workloads, series = [], []
    for code, name in enumerate(kind.values):
        rows = (kind.codes == code) & known
        if rows.any():
            workloads.append(Workload(f"default/{_slug(name)}"))
            series.append(mean_concurrency(starts[rows], ends[rows], step_s * SECOND_NS))
    return Loads.from_series(workloads, "concurrency", series)


def _slug(name: str) -> str:
    """Return a name as Kubernetes allows it."""
    letters = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())
    return letters.strip("-") or "unnamed"


@contextmanager
def _member(path: PathLike) -> Iterator[PathLike]:
    """Give the path of the table, taken out of its archive where it is in one."""
    data = io.BytesIO(read_bytes(path))
    if not tarfile.is_tarfile(data):
        yield path
        return
    data.seek(0)
    with TemporaryDirectory() as folder:
        target = Path(folder) / QPS_MEMBER
        try:
            with tarfile.open(fileobj=data) as archive:
                files = [member for member in archive.getmembers() if member.isfile()]
                found = [member for member in files if Path(member.name).name == QPS_MEMBER]
                source = archive.extractfile(found[0]) if found else None
                if source is None:
                    raise TraceError(os.fspath(path), f"expected a member {QPS_MEMBER}, found none")
                target.write_bytes(source.read())
        except tarfile.TarError as error:
            raise TraceError(os.fspath(path), f"the archive is corrupt: {error}") from None
        yield target
