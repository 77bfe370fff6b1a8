"""``pyscale compare``: the main job."""

from __future__ import annotations

from typing import Annotated

import typer

from . import console
from .arguments import catalog_argument, output_folder, trace_argument, usage_errors
from .world import (
    BootOption,
    CatalogOption,
    FormatOption,
    GroupsOption,
    PodAutoscalerOption,
    PoolsOption,
    SeedOption,
    TraceArgument,
    WindowOption,
    cut,
    need_report_library,
    pod_autoscaling,
    policies_of,
    world_options,
    write_json,
)

INTERRUPTED = 130


def compare(
    trace: TraceArgument,
    policies: Annotated[
        str, typer.Option(help="Names of policies, separated by commas.")
    ] = "ca,karpenter",
    catalog: CatalogOption = "ec2:us-east-1",
    seed: SeedOption = 0,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the report.")
    ] = "report",
    window: WindowOption = "",
    boot_delay: BootOption = "60s",
    pod_autoscaler: PodAutoscalerOption = "",
    node_groups: GroupsOption = "",
    node_pools: PoolsOption = "",
    trace_format: FormatOption = "",
    jobs: Annotated[
        int, typer.Option(min=0, help="Runs at a time; 0 means one per processor.")
    ] = 0,
) -> int:
    """Run a trace under several policies: what each buys, what it costs, how long pods wait.

    Prints a table, writes report.html and results.json into the folder, and prints the report's
    path last.
    """
    from ..study import compare as run

    need_report_library()
    folder = output_folder(output)
    pods = cut(trace_argument(trace, trace_format or None), window)
    machines = catalog_argument(catalog, seed)
    chosen = policies_of(policies, machines, node_groups, node_pools)
    options = world_options(boot_delay)
    scaling = pod_autoscaling(pod_autoscaler)
    with console.messages().status(f"simulating {policies} on {pods.name}"), usage_errors():
        comparison = run(
            pods,
            chosen,
            catalog=machines,
            seed=seed,
            options=options,
            pod_autoscaler=scaling,
            jobs=jobs or console.n_cpus(),
        )
    print(comparison)
    write_json(folder / "results.json", comparison.to_dict())
    print(comparison.report(folder / "report.html"))
    return 0 if comparison.is_complete else INTERRUPTED
