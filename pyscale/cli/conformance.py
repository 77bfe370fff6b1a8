"""``pyscale conformance``: hold recorded decisions of the real programs against ours."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from ..errors import TraceError
from . import console


class Format(StrEnum):
    """How the verdicts are printed."""

    TABLE = "table"
    JSON = "json"


def conformance(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Recordings or folders.")],
    show: Annotated[
        str, typer.Option(metavar="ID", help="Print the first difference of this case.")
    ] = "",
    format: Annotated[Format, typer.Option(help="json prints one object per case.")] = Format.TABLE,
    jobs: Annotated[
        int, typer.Option(min=0, help="Number of processes; 0 means one per processor.")
    ] = 0,
) -> int:
    """Replay recorded decisions and count how many of ours are equal.

    Files are lines of JSON (.jsonl, .jsonl.gz); folders are searched, bench folders left out.
    Exit code 0 only if every case is equal.
    """
    from ..conformance import Tally, judge

    tally = Tally()
    out = console.output()
    with console.progress() as bar:
        task = bar.add_task("replaying", total=None)
        for verdict in judge(paths, jobs or console.n_cpus(), show or None):
            tally.add(verdict)
            bar.advance(task)
            if show:
                print(f"{verdict.id} ({verdict.program}, {verdict.family}): {verdict.outcome}")
                if verdict.detail:
                    print(verdict.detail)
            elif format is Format.JSON:
                print(json.dumps(verdict.to_dict()))
    if show:
        if not tally.families:
            raise TraceError(", ".join(paths), f"no case has the id {show!r}")
    elif format is Format.TABLE:
        table = console.table(
            ("program", "left"),
            ("family", "left"),
            *((name, "right") for name in ("cases", "equal", "different", "unsupported", "failed")),
        )
        for program, family, *counts in tally.rows():
            table.add_row(program, family, *(f"{count:,}" if count else "-" for count in counts))
        out.print(table)
        for feature, count in sorted(tally.unsupported.items()):
            print(f"unsupported: {feature} ({count:,})")
        print(tally.summary())
    return 0 if tally.all_equal else 1
