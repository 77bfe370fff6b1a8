"""The readers by name of their format, and how a file's format is told from its content."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from pyscale.errors import TraceError

from .files import PathLike, check_file, read_head
from .load_registry import sniff_loads
from .trace import Trace

Sniff = Callable[[str, bytes, list[str]], bool]

_NAME_IT = "name it by format= or --trace-format"


@dataclass(frozen=True, slots=True)
class Format:
    """A format that :func:`load_trace` reads.

    Attributes
    ----------
    name : str
        What ``format=`` takes.
    title : str
        What it is, in a few words.
    module, function : str
        Where the reader is, imported on first use.
    matches : callable
        ``matches(file_name, head, header)`` tells whether a file has the format, from its name,
        its first bytes and, for text, the comma-separated names in its first line.
    """

    name: str
    title: str
    module: str
    function: str
    matches: Sniff

    @property
    def reader(self) -> Callable[..., Trace]:
        """The reader: ``reader(path, **options)``."""
        found: Callable[..., Trace] = getattr(
            import_module(f".{self.module}", __package__), self.function
        )
        return found


def _columns(*names: str) -> Sniff:
    wanted = set(names)
    return lambda _name, _head, header: wanted <= set(header)


def _suffix(*suffixes: str) -> Sniff:
    return lambda name, _head, _header: name.endswith(suffixes)


def _is_table(_name: str, _head: bytes, header: list[str]) -> bool:
    from .table import is_table

    return is_table(header)


def _is_vm_table(_name: str, head: bytes, _header: list[str]) -> bool:
    from .azure_vm import is_vm_table

    return is_vm_table(head)


def _is_task_events(_name: str, head: bytes, _header: list[str]) -> bool:
    from .google_2011 import is_task_events

    return is_task_events(head)


def _is_manifest(name: str, head: bytes, _header: list[str]) -> bool:
    text = head.lstrip()
    if name.endswith((".json", ".jsonl", ".ndjson", ".yaml", ".yml")):
        return True
    return text.startswith((b"{", b"[")) or b"apiVersion:" in head


def _is_swf(name: str, head: bytes, _header: list[str]) -> bool:
    if name.endswith(".swf"):
        return True
    lines = head.decode("latin-1").splitlines()[:-1]
    data = [line.split() for line in lines if line.strip() and not line.startswith(";")]
    return bool(data) and all(len(line) == 18 for line in data)


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format(
            "openb",
            "Alibaba GPU cluster 2023, pod list",
            "openb",
            "read_openb",
            _columns("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"),
        ),
        Format(
            "openb-nodes",
            "Alibaba GPU cluster 2023, node list: refused with the hint that helps",
            "openb",
            "refuse_node_list",
            _columns("sn", "cpu_milli", "memory_mib", "gpu", "model"),
        ),
        Format(
            "alibaba-2017",
            "Alibaba 2017 batch tasks, extract",
            "alibaba_2017",
            "read_alibaba_2017",
            _columns("submit_time", "duration", "cpu", "memory", "job_id", "instances_num"),
        ),
        Format(
            "alibaba-gpu-2025",
            "Alibaba GPU 2025, disaggregated recommendation models",
            "alibaba_gpu_2025",
            "read_alibaba_gpu_2025",
            _columns("instance_sn", "role", "app_name", "max_instance_per_node"),
        ),
        Format(
            "opendc",
            "OpenDC, table of tasks",
            "opendc",
            "read_opendc",
            _columns("id", "submission_time", "duration", "cpu_count", "mem_capacity"),
        ),
        Format(
            "gwf",
            "Grid Workload Format",
            "gwf",
            "read_gwf",
            _columns("WorkflowID", "JobID", "SubmitTime", "RunTime", "ReqNProcs"),
        ),
        Format(
            "azure-vm",
            "Azure VM 2017 and 2019, table of virtual machines",
            "azure_vm",
            "read_azure_vm",
            _is_vm_table,
        ),
        Format(
            "google-2011",
            "Google ClusterData 2011, task events",
            "google_2011",
            "read_google_2011",
            _is_task_events,
        ),
        Format("table", "Generic table of pods", "table", "read_table", _is_table),
        Format("simkube", "SimKube trace", "simkube", "read_simkube", _suffix(".sktrace")),
        Format("swf", "Standard Workload Format", "swf", "read_swf", _is_swf),
        Format(
            "kubernetes",
            "Kubernetes objects, such as kubectl get nodes,pods -A -o json",
            "kubernetes",
            "read_kubernetes",
            _is_manifest,
        ),
    )
}
"""Every format, in the order in which a file is tried against them."""


def list_formats() -> tuple[Format, ...]:
    """Return every format that :func:`load_trace` reads."""
    return tuple(FORMATS.values())


def sniff_format(path: PathLike) -> str:
    """Tell a file's format from its name and its first bytes.

    Returns
    -------
    str
        A name in :data:`FORMATS`.

    Raises
    ------
    TraceError
        If the file cannot be read, or no format matches.
    """
    check_file(path)
    head = read_head(path)
    name = Path(path).name.lower()
    for suffix in (".gz", ".bz2", ".xz"):
        name = name.removesuffix(suffix)
    header = _header(path, head)
    for entry in FORMATS.values():
        if entry.matches(name, head, header):
            return entry.name
    signal = sniff_loads(head, header)
    if signal:
        raise TraceError(os.fspath(path), f"is a load signal ({signal}): read it with read_loads")
    names = ", ".join(FORMATS)
    raise TraceError(os.fspath(path), f"the format is not known; {_NAME_IT}, one of {names}")


def _header(path: PathLike, head: bytes) -> list[str]:
    from .arrow_table import arrow_names, kind_of

    if kind_of(head):
        return arrow_names(path)
    first = head.lstrip().split(b"\n", 1)[0].decode("utf-8-sig", "replace")
    return [cell.strip().strip('"') for cell in first.split(",")]


def load_trace(path: PathLike, format: str | None = None, **options: Any) -> Trace:
    """Read a trace.

    Parameters
    ----------
    path : str or path
        A file, plain or compressed.
    format : str, optional
        Name of the format; without it, it is told from the file's name and content.
    **options
        Options of the reader, see the page of the format.

    Returns
    -------
    Trace

    Raises
    ------
    TraceError
        If the file cannot be read: one line with file, row and field.
    ValueError
        For an unknown ``format``.
    """
    if format is not None and format not in FORMATS:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, found {format!r}")
    check_file(path)
    return FORMATS[format or sniff_format(path)].reader(path, **options)
