"""``pyscale simulate``: one run under one policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import console
from .arguments import catalog_argument, output_folder, trace_argument, usage_errors
from .compare import INTERRUPTED
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
    pod_autoscaling,
    policies_of,
    world_options,
    write_json,
)


def simulate(
    trace: TraceArgument,
    policy: Annotated[str, typer.Option(help="Name of the policy.")] = "karpenter",
    catalog: CatalogOption = "ec2:us-east-1",
    seed: SeedOption = 0,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the run's tables.")
    ] = "",
    window: WindowOption = "",
    boot_delay: BootOption = "60s",
    pod_autoscaler: PodAutoscalerOption = "",
    node_groups: GroupsOption = "",
    node_pools: PoolsOption = "",
    trace_format: FormatOption = "",
) -> int:
    """Run a trace under one policy and print its figures.

    With a folder, result.json (figures, actions with their reasons, machines) and pods.parquet
    (one row per pod) are written there.
    """
    from ..simulation import simulate as run

    pods = cut(trace_argument(trace, trace_format or None), window)
    machines = catalog_argument(catalog, seed)
    (chosen, *more) = policies_of(policy, machines, node_groups, node_pools)
    if more:
        raise typer.BadParameter("expected one policy; several are for 'pyscale compare'")
    options = world_options(boot_delay)
    scaling = pod_autoscaling(pod_autoscaler)
    folder = output_folder(output) if output else None
    with console.messages().status(f"simulating {policy} on {pods.name}"), usage_errors():
        result = run(pods, chosen, machines, seed=seed, options=options, pod_autoscaler=scaling)
    print(result)
    if folder is not None:
        write_json(folder / "result.json", result.to_dict())
        _write_pods(folder / "pods.parquet", result)
        print(folder)
    return 0 if result.is_complete else INTERRUPTED


def _write_pods(path: Path, result: Any) -> None:
    """Write one row per pod, whole or not at all."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    from .._files import write_whole

    buffer = io.BytesIO()
    pq.write_table(pa.table(result), buffer)
    write_whole(path, buffer.getvalue())
