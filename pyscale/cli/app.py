"""The command tree: names, order and help; each command's work is in a file of its own."""

from __future__ import annotations

import typer

from . import bench, compare, conformance, datasets, explain, plan, simulate, study

app = typer.Typer(
    help="What would Karpenter have bought? What does Cluster Autoscaler leave on the table?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pyscale {version('pyscale')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Take the decisions of Kubernetes' schedulers and autoscalers, offline."""


app.command("compare")(compare.compare)
app.command("simulate")(simulate.simulate)
app.add_typer(study.app, name="study")
app.command("explain")(explain.explain)
app.command("plan")(plan.plan)
app.command("conformance")(conformance.conformance)
app.command("bench")(bench.bench)
app.add_typer(datasets.app, name="datasets")
