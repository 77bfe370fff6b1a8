"""Traces: readers of public formats, seeded generators, and public datasets by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets
    from .examples import list_examples, load_example
    from .load import Loads, Workload
    from .load_registry import read_loads
    from .load_table import write_loads
    from .registry import Format, list_formats, load_trace, sniff_format
    from .summary import TraceSummary
    from .table import stream_table
    from .table_write import write_table
    from .trace import Trace

_HOMES = {
    "Format": "registry",
    "Loads": "load",
    "Trace": "trace",
    "TraceSummary": "summary",
    "Workload": "load",
    "list_examples": "examples",
    "list_formats": "registry",
    "load_example": "examples",
    "load_trace": "registry",
    "read_loads": "load_registry",
    "sniff_format": "registry",
    "stream_table": "table",
    "write_loads": "load_table",
    "write_table": "table_write",
}

__all__ = [
    "Format",
    "Loads",
    "Trace",
    "TraceSummary",
    "Workload",
    "datasets",
    "list_examples",
    "list_formats",
    "load_example",
    "load_trace",
    "read_loads",
    "sniff_format",
    "stream_table",
    "write_loads",
    "write_table",
]


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module(".datasets", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
