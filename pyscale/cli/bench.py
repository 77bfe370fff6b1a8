"""``pyscale bench``: the figures we claim, measured on this machine."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .arguments import usage_errors

if TYPE_CHECKING:
    from ..bench import BenchRow


class Format(StrEnum):
    """How the rows are printed."""

    TABLE = "table"
    JSON = "json"


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Benchmarks or single rows; all if none."),
    ] = None,
    golden: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of recordings (or PYSCALE_GOLDEN).")
    ] = "",
    repeats: Annotated[int, typer.Option(min=1, help="Runs per row; the median counts.")] = 5,
    format: Annotated[Format, typer.Option(help="json prints one array.")] = Format.TABLE,
) -> int:
    """Measure, and check every answer.

    Prints work, median, target, the real program's recorded time where there is one, and how many
    times quicker that is. Exit code 1 if an answer differs.
    """
    from ..bench import run

    with console.progress() as bar, usage_errors():
        task = bar.add_task("measuring", total=None)
        rows = run(names or (), golden or None, repeats, lambda _: bar.advance(task))
    if format is Format.JSON:
        print(json.dumps([row.to_dict() for row in rows], indent=1))
    else:
        _print(rows)
    return 1 if any(row.answer_equal is False for row in rows) else 0


def _print(rows: list[BenchRow]) -> None:
    table = console.table(
        ("benchmark", "left"),
        ("work", "left"),
        *((name, "right") for name in ("median", "target", "real program", "ratio")),
        ("answer", "left"),
    )
    for row in rows:
        answer = "-" if row.answer_equal is None else "equal" if row.answer_equal else "DIFFERS"
        table.add_row(
            row.name,
            row.work,
            _duration(row.seconds),
            _duration(row.target_seconds),
            _duration(row.recorded_seconds),
            "-" if row.ratio is None else f"{row.ratio:,.0f}x",
            answer,
        )
    console.output().print(table)
    for row in rows:
        if row.note:
            print(f"{row.name}: {row.note}")


def _duration(seconds: float | None) -> str:
    """Write a duration with three digits in the unit that suits it."""
    if seconds is None:
        return "-"
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
