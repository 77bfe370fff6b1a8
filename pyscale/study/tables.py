"""A table as text for terminals and as HTML for notebooks."""

from __future__ import annotations

import html
from collections.abc import Sequence

Cells = Sequence[str]


def text_table(head: Cells, rows: Sequence[Cells]) -> str:
    """Return aligned lines: the first column to the left, all others to the right."""
    table = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for first, *cells in table:
        texts = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append("  ".join((first.ljust(widths[0]), *texts)).rstrip())
    return "\n".join(lines)


def html_table(head: Cells, rows: Sequence[Cells]) -> str:
    """Return a table element; the first cell of each row is its head."""
    heads = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    body = []
    for first, *cells in rows:
        texts = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        body.append(f"<tr><th>{html.escape(first)}</th>{texts}</tr>")
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table>"
