"""``pyscale datasets``: list, download and convert public traces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from . import console
from .arguments import trace_argument, usage_errors

if TYPE_CHECKING:
    from rich.progress import TaskID

app = typer.Typer(help="List, download and convert public traces.", rich_markup_mode=None)

_MEGABYTE = 1_000_000


@app.callback(invoke_without_command=True)
def datasets(context: typer.Context) -> None:
    """List the public traces that pyscale can read, and whether they are here already."""
    if context.invoked_subcommand is None:
        show()


@app.command("list")
def show(
    format: Annotated[str, typer.Option(help="table or json.")] = "table",
) -> None:
    """List the datasets."""
    from ..traces import list_examples
    from ..traces.datasets import list_datasets, locate

    rows = [
        {
            "name": it.name,
            "title": it.title,
            "format": it.format,
            "bytes": it.size,
            "licence": it.licence,
            "here": all(locate(it, file) is not None for file in it.files),
        }
        for it in list_datasets()
    ]
    if format == "json":
        print(json.dumps(rows, indent=1))
        return
    table = console.table(
        ("name", "left"), ("MB", "right"), ("here", "left"), ("licence", "left"), ("title", "left")
    )
    for row in rows:
        size = row["bytes"]
        table.add_row(
            str(row["name"]),
            "?" if size is None else f"{int(str(size)) / _MEGABYTE:,.1f}",
            "yes" if row["here"] else "-",
            str(row["licence"]),
            str(row["title"]),
        )
    console.output().print(table)
    print(f"bundled examples, generated: {', '.join(list_examples())}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Name of the dataset.")],
    file: Annotated[str, typer.Option(help="Only this file of it.")] = "",
) -> None:
    """Download a dataset, resuming and checking, and print the path of its main file."""
    from ..traces.datasets import fetch as fetch_dataset

    with console.progress() as bar, usage_errors():
        tasks: dict[str, TaskID] = {}

        def advance(current: str, done: int, total: int | None) -> None:
            if current not in tasks:
                tasks[current] = bar.add_task(current, total=total)
            bar.update(tasks[current], completed=done, total=total)

        print(fetch_dataset(name, file or None, progress=advance))


@app.command()
def convert(
    trace: Annotated[str, typer.Argument(help="A file, a dataset or a bundled example.")],
    target: Annotated[str, typer.Argument(help="A .csv, .csv.gz, .parquet or .arrow file.")],
    format: Annotated[str, typer.Option(help="Format of the trace, if it can't be told.")] = "",
) -> None:
    """Write a trace as a generic table, and print what was read."""
    from ..traces import write_table

    source = trace_argument(trace, format or None)
    with usage_errors():
        path = write_table(source, target)
    print(source)
    print(path)
