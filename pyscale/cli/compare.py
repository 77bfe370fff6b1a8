"""``pyscale compare``: the main job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import console
from .arguments import catalog_argument, output_folder, trace_argument, usage_errors
from .study import measure
from .world import (
    BootOption,
    CatalogOption,
    FormatOption,
    GroupsOption,
    JobsOption,
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

if TYPE_CHECKING:
    from ..model.catalog import Catalog
    from ..policies.base import Policy
    from ..study import Comparison

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
    jobs: JobsOption = 0,
    group_study: Annotated[
        bool,
        typer.Option(
            "--group-study", help="Add what more and more node groups cost: several more runs."
        ),
    ] = False,
) -> int:
    """Run a trace under several policies: what each buys, what it costs, how long pods wait.

    Prints a table, writes report.html and results.json into the folder, and prints the report's
    path last.
    """
    from ..report import node_group_section, write_comparison
    from ..study import compare as run

    need_report_library()
    pods = cut(trace_argument(trace, trace_format or None), window)
    machines = catalog_argument(catalog, seed)
    chosen = policies_of(policies, machines, node_groups, node_pools)
    options = world_options(boot_delay)
    scaling = pod_autoscaling(pod_autoscaler)
    folder = output_folder(output)
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
    found = comparison.to_dict()
    sections = [*mixed_groups(comparison, chosen, machines)]
    is_complete = comparison.is_complete
    if group_study and is_complete:
        study = measure(
            pods,
            catalog=machines,
            seed=seed,
            options=options,
            pod_autoscaler=scaling,
            jobs=jobs or console.n_cpus(),
        )
        print(f"\n{study}")
        found["node_groups"] = study.to_dict()
        sections.append(node_group_section(study))
        is_complete = study.is_complete
    write_json(folder / "results.json", found)
    report = folder / "report.html"
    print(write_comparison(comparison.results, report, sections, comparison.least))
    return 0 if is_complete else INTERRUPTED


def mixed_groups(comparison: Comparison, policies: Sequence[Policy], catalog: Catalog) -> list[Any]:
    """Return a section on mixed groups, if machines differed from their group's template."""
    from ..report import mixed_group_section
    from ..study import mixed_group_use

    if len(comparison) < len(policies):
        return []
    runs = zip(comparison, policies, strict=True)
    uses = [mixed_group_use(result, policy.node_groups(), catalog) for result, policy in runs]
    section = mixed_group_section([use for use in uses if use is not None])
    return [] if section is None else [section]
