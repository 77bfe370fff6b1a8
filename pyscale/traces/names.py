"""Names of pods and nodes: unique within a file."""

from __future__ import annotations

import numpy as np

from .columns import ColumnTable


def check_unique(table: ColumnTable, name: str) -> None:
    """Refuse a text column in which a value occurs twice or is empty.

    Raises
    ------
    TraceError
        With the row of the second occurrence.
    """
    column = table.texts(name)
    if "" in column.values:
        empty = column.codes == column.values.index("")
        if empty.any():
            raise table.fail("expected a name, found an empty cell", int(empty.argmax()), name)
    _, first = np.unique(column.codes, return_index=True)
    if len(first) != len(column):
        again = np.ones(len(column), dtype=bool)
        again[first] = False
        index = int(again.argmax())
        value = column.values[column.codes[index]]
        raise table.fail(f"the name {value!r} occurs twice", index, name)
