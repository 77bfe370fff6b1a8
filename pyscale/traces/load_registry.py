"""The readers of load signals by name, and how a file's format is told from its columns."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from pyscale.errors import TraceError

from .csv_table import read_header
from .files import PathLike, check_file, read_head
from .load import Loads

LOAD_FORMATS = {
    "azure-functions-2019": ("azure_functions", "read_azure_functions_2019"),
    "azure-functions-2021": ("azure_functions", "read_azure_functions_2021"),
    "azure-llm": ("azure_llm", "read_azure_llm"),
    "alibaba-genai-qps": ("alibaba_genai", "read_alibaba_genai_qps"),
    "alibaba-genai-lora": ("alibaba_genai", "read_alibaba_genai_lora"),
    "loads": ("load_table", "read_load_table"),
}
"""Module and function of each reader of load signals, by name."""

_COLUMNS = {
    "azure-functions-2019": {"HashOwner", "HashApp", "HashFunction", "Trigger", "1440"},
    "azure-functions-2021": {"app", "func", "end_timestamp", "duration"},
    "azure-llm": {"TIMESTAMP", "ContextTokens", "GeneratedTokens"},
    "alibaba-genai-qps": {"timestamp_anon", "value", "container_ip", "request_type"},
    "alibaba-genai-lora": {"gmt_create", "predict_type", "exec_time_seconds"},
    "loads": {"workload", "value"},
}


def read_loads(path: PathLike, format: str | None = None, **options: Any) -> Loads:
    """Read load signals.

    Parameters
    ----------
    path : str or path
        A file, plain or compressed.
    format : str, optional
        A name in :data:`LOAD_FORMATS`; without it, it is told from the columns.
    **options
        Options of the reader, see the page of the format.

    Returns
    -------
    Loads

    Raises
    ------
    TraceError
        If the file cannot be read: one line with file, row and field.
    ValueError
        For an unknown ``format``.
    """
    if format is not None and format not in LOAD_FORMATS:
        raise ValueError(f"format: expected one of {', '.join(LOAD_FORMATS)}, found {format!r}")
    check_file(path)
    module, function = LOAD_FORMATS[format or _sniff(path)]
    loads: Loads = getattr(import_module(f".{module}", __package__), function)(path, **options)
    return loads


def sniff_loads(head: bytes, names: list[str]) -> str:
    """Tell the format of a load signal from a file's first bytes and its column names.

    Returns
    -------
    str
        A name in :data:`LOAD_FORMATS`, ``""`` for none.
    """
    if b"qps.csv" in head[:512]:
        return "alibaba-genai-qps"  # the name of a member of an archive
    found = set(names)
    return next((name for name, wanted in _COLUMNS.items() if wanted <= found), "")


def _sniff(path: PathLike) -> str:
    from .arrow_table import arrow_names, kind_of

    head = read_head(path)
    if b"qps.csv" in head[:512]:
        return sniff_loads(head, [])
    names = arrow_names(path) if kind_of(head) else read_header(path)
    found = sniff_loads(head, names)
    if found:
        return found
    known = ", ".join(LOAD_FORMATS)
    raise TraceError(os.fspath(path), f"the format is not known; give format=, one of {known}")
