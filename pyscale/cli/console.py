"""Where the command line writes: results to standard output, messages to standard error."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

_WIDE = 200


def output() -> Console:
    """Return the console for results; in a pipe it never wraps nor colours."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console()
    return Console(width=int(os.environ.get("COLUMNS", _WIDE)), no_color=True, highlight=False)


def messages() -> Console:
    """Return the console for messages."""
    from rich.console import Console

    return Console(stderr=True)


def progress() -> Progress:
    """Return a progress display on standard error that is silent unless it is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=messages(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def table(*columns: tuple[str, str]) -> Table:
    """Return an empty table; each column is (heading, ``left`` or ``right``)."""
    from rich import box
    from rich.table import Table

    result = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, justify in columns:
        result.add_column(heading, justify="right" if justify == "right" else "left", no_wrap=True)
    return result


def n_cpus() -> int:
    """Return the number of processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
