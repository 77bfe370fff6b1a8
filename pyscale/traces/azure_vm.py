"""Azure VM 2017 and 2019: the table of virtual machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO

from .assemble import UNKNOWN, Rows, assemble
from .columns import Column, ColumnTable, Texts, shorten
from .csv_table import Layout, read_csv
from .files import PathLike
from .names import check_unique
from .templates import make_template
from .trace import Trace
from .units import GIB, MILLI, SECOND_NS, group_rows

FORMAT = "azure-vm"

LAST_SECOND = 2_591_700
"""A deletion at this time (30 days less 300 s) means: still there at the end."""

PRIORITIES: Mapping[str, int] = {"Interactive": 1000, "Delay-insensitive": 0}
"""Priority by category; others have none."""

LAYOUT = Layout(
    (
        Column("vm id", "text"),
        Column("subscription id", "text"),
        Column("deployment id", "text"),
        Column("created"),
        Column("deleted"),
        Column("max cpu", "number", nullable=True),
        Column("average cpu", "number", nullable=True),
        Column("p95 of max cpu", "number", nullable=True),
        Column("category", "text"),
        Column("cores", "text"),
        Column("memory", "text"),
    ),
    header=False,
)

_CATEGORIES = (b",Delay-insensitive,", b",Interactive,", b",Unkown,", b",Unknown,")
_SEPARATORS = 10
_MOST_SECONDS = 1 << 33
_MOST_AMOUNT = 1 << 20


def read_azure_vm(
    path: PathLike,
    *,
    open_buckets: Mapping[str, float] | None = None,
    priorities: Mapping[str, int] | None = None,
) -> Trace:
    """Read the table of virtual machines of Azure 2017 (V1) or 2019 (V2).

    Parameters
    ----------
    path : str or path
        ``vmtable.csv.gz``, without header.
    open_buckets : mapping of str to number, optional
        What an open bucket of V2 stands for, for example ``{">24": 30, ">64": 70}``: cores and GB
        of memory.  Without it such a bucket is refused: the trace does not tell.
    priorities : mapping of str to int, optional
        Priority by category instead of :data:`PRIORITIES`.

    Returns
    -------
    Trace
        One row per machine; owners are the deployments.

    Raises
    ------
    TraceError
        For an unreadable file or value, with row and field.

    Notes
    -----
    Created at 0 is there before the start, deleted at 2,591,700 s after the end.  A GB is taken
    as a GiB, as the sizes on sale are.  Mean and largest cpu use are not read.
    """
    table = read_csv(path, LAYOUT)
    rows = _rows(table, open_buckets or {}, PRIORITIES if priorities is None else priorities)
    metadata: dict[str, Any] = {
        "format": FORMAT,
        "open_buckets": dict(open_buckets or {}),
        "times": "creation, on a grid of 300 s",
    }
    return assemble(path, rows, metadata)


def is_vm_table(head: bytes) -> bool:
    """Whether the first line is one of the table."""
    line = head.split(b"\n", 1)[0]
    return line.count(b",") == _SEPARATORS and any(name in line for name in _CATEGORIES)


def _rows(
    table: ColumnTable, open_buckets: Mapping[str, float], priorities: Mapping[str, int]
) -> Rows:
    check_unique(table, "vm id")
    cores = _amounts(table, "cores", CPU, open_buckets)
    memory = _amounts(table, "memory", MEMORY, open_buckets)
    category = table.texts("category")
    first, class_id = group_rows(
        (table.texts("cores").codes, table.texts("memory").codes, category.codes)
    )
    templates: list[PodTemplate] = []
    for row in first.tolist():
        templates.append(
            make_template(
                {CPU: int(cores[row]) * MILLI, MEMORY: int(memory[row]) * NANO},
                priority=priorities.get(category.values[category.codes[row]]),
            )
        )
    created, deleted = table.integers("created"), table.integers("deleted")
    for name, values in (("created", created), ("deleted", deleted)):
        if (values > _MOST_SECONDS).any():
            index = int((values > _MOST_SECONDS).argmax())
            problem = f"expected seconds <= {_MOST_SECONDS}, found {values[index]}"
            raise table.fail(problem, index, name)
    deployment = table.texts("deployment id")
    return Rows(
        templates=templates,
        class_id=class_id,
        # One ns before time 0 marks a machine that was there already.
        arrival_ns=np.where(created == 0, -1, created * SECOND_NS),
        end_ns=np.where(deleted >= LAST_SECOND, UNKNOWN, deleted * SECOND_NS),
        names=table.texts("vm id").tolist(),
        owner_id=deployment.codes,
        owners=deployment.values,
    )


def _amounts(
    table: ColumnTable, name: str, resource: str, open_buckets: Mapping[str, float]
) -> NDArray[np.int64]:
    """Return milli-cpu or bytes of each row."""
    column: Texts = table.texts(name)
    unit = 1000 if resource == CPU else GIB
    values = []
    for code, text in enumerate(column.values):
        number: Any = text.strip()
        index = int((column.codes == code).argmax())
        if number in open_buckets:
            number = open_buckets[number]
        elif number.startswith(">"):
            problem = f"the bucket {shorten(number)!r} has no size: give one in open_buckets"
            raise table.fail(problem, index, name)
        try:
            amount = float(number)
        except ValueError:
            problem = f"expected a number, found {shorten(text)!r}"
            raise table.fail(problem, index, name) from None
        if not 0 <= amount < _MOST_AMOUNT:
            raise table.fail(f"expected a number >= 0, found {shorten(text)!r}", index, name)
        values.append(int(np.ceil(round(amount * 1000) * unit / 1000)))
    return np.array(values, dtype=np.int64)[column.codes]
