"""``pyscale study``: questions that take many runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import PyscaleError
from . import INTERRUPTED, console
from .arguments import catalog_argument, output_folder, trace_argument, usage_errors
from .world import (
    BootOption,
    CatalogOption,
    FormatOption,
    JobsOption,
    PodAutoscalerOption,
    SeedOption,
    TraceArgument,
    WindowOption,
    cut,
    need_report_library,
    pod_autoscaling,
    world_options,
    write_json,
)

if TYPE_CHECKING:
    from ..study import NodeGroupStudy
    from ..traces import Trace

app = typer.Typer(help="Questions that take many runs.", no_args_is_help=True)


@app.callback()
def _study() -> None:
    """Questions that take many runs."""


@app.command("node-groups")
def node_groups(
    trace: TraceArgument,
    catalog: CatalogOption = "ec2:us-east-1",
    seed: SeedOption = 0,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the report.")
    ] = "report",
    counts: Annotated[
        str,
        typer.Option(
            metavar="N,N,...", help="Numbers of groups; by default 1, 2, 4, ... and all of them."
        ),
    ] = "",
    max_groups: Annotated[
        int, typer.Option(min=0, help="The largest number of groups by default; 0 means no limit.")
    ] = 0,
    types_per_group: Annotated[
        int, typer.Option(min=1, help="Machine types of a group; more than 1 makes mixed groups.")
    ] = 1,
    expander: Annotated[
        str, typer.Option(help="How Cluster Autoscaler chooses a group, as its flag.")
    ] = "least-waste",
    window: WindowOption = "",
    boot_delay: BootOption = "60s",
    pod_autoscaler: PodAutoscalerOption = "",
    trace_format: FormatOption = "",
    jobs: JobsOption = 0,
) -> int:
    """Serve the same pods with more and more node groups, and with one NodePool.

    Prints a table, writes report.html and results.json into the folder, and prints the report's
    path last.
    """
    from ..catalog import GroupRules
    from ..policies.cluster_autoscaler import ClusterAutoscaler

    need_report_library()
    numbers = _counts(counts)
    pods = cut(trace_argument(trace, trace_format or None), window)
    machines = catalog_argument(catalog, seed)
    make_policy = partial(ClusterAutoscaler, expander=expander)
    make_policy(())
    options = world_options(boot_delay)
    scaling = pod_autoscaling(pod_autoscaler)
    folder = output_folder(output)
    study = measure(
        pods,
        catalog=machines,
        counts=numbers,
        max_groups=max_groups or None,
        rules=GroupRules(types_per_group=types_per_group),
        group_policy=make_policy,
        seed=seed,
        options=options,
        pod_autoscaler=scaling,
        jobs=jobs or console.n_cpus(),
    )
    print(study)
    write_json(folder / "results.json", study.to_dict())
    if study.runs:
        print(study.report(folder / "report.html"))
    return 0 if study.is_complete else INTERRUPTED


def measure(pods: Trace, **arguments: Any) -> NodeGroupStudy:
    """Run the study with a progress display."""
    from ..study import study_node_groups

    with console.progress() as progress, usage_errors():
        # How many runs there will be is known once the groups are made.
        bar = progress.add_task(f"node groups for {pods.name}", total=None)
        return study_node_groups(pods, **arguments, on_result=lambda result: progress.advance(bar))


def _counts(text: str) -> list[int] | None:
    if not text:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise PyscaleError(f"--counts: expected numbers such as 1,2,4, found {text!r}") from None
