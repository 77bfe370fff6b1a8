"""What simulating commands share: the options of the world and the policies' files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import MissingDependencyError, PyscaleError
from .arguments import usage_errors

if TYPE_CHECKING:
    from ..model.catalog import Catalog
    from ..policies.base import Policy
    from ..simulation import SimulationOptions
    from ..simulation.pod_autoscaling import PodAutoscaling
    from ..traces import Trace

TraceArgument = Annotated[
    str, typer.Argument(metavar="TRACE", help="A file, a public dataset or a bundled example.")
]
FormatOption = Annotated[
    str, typer.Option("--trace-format", help="Format of the trace, if it can't be told.")
]
WindowOption = Annotated[
    str,
    typer.Option(metavar="START..END", help="Cut a piece out of the trace, such as 100h..124h."),
]
CatalogOption = Annotated[
    str, typer.Option(help="ec2:REGION, kwok, fake:N, or a file with machines and prices.")
]
SeedOption = Annotated[int, typer.Option(help="Seed of everything that is drawn at random.")]
JobsOption = Annotated[int, typer.Option(min=0, help="Runs at a time; 0 means one per processor.")]
BootOption = Annotated[
    str, typer.Option(metavar="DURATION", help="From the purchase of a machine to its readiness.")
]
PodAutoscalerOption = Annotated[
    str,
    typer.Option(
        metavar="hpa|keda|FILE",
        help="What scales pods with the trace's load: one per workload, or manifests.",
    ),
]
GroupsOption = Annotated[
    str, typer.Option(metavar="FILE", help="Node groups of Cluster Autoscaler, YAML or JSON.")
]
PoolsOption = Annotated[
    str, typer.Option(metavar="FILE", help="NodePools of Karpenter, YAML or JSON manifests.")
]


def cut(trace: Trace, window: str) -> Trace:
    """Return the piece of a trace that a window names; either end may be left out."""
    if not window:
        return trace
    from ..model.times import parse_duration

    start, dots, end = window.partition("..")
    if not dots:
        raise PyscaleError(f"--window: expected START..END such as 100h..124h, found {window!r}")
    with usage_errors():
        first = parse_duration(start, "--window") if start else 0
        last = parse_duration(end, "--window") if end else None
        return trace.window(first, last)


def world_options(boot_delay: str) -> SimulationOptions:
    """Return the world's options."""
    from ..model.times import parse_duration
    from ..simulation import SimulationOptions

    with usage_errors():
        return SimulationOptions(boot_ns=parse_duration(boot_delay, "--boot-delay"))


def pod_autoscaling(text: str) -> PodAutoscaling | str | None:
    """Return what scales pods: a kind for every workload, or the autoscalers of a file."""
    if text in ("", "hpa", "keda"):
        return text or None
    from ..manifests.autoscaler_files import read_autoscalers
    from ..simulation.pod_autoscaling import PodAutoscaling

    found = read_autoscalers(text)
    if not found:
        raise PyscaleError(f"{text}: expected hpa, keda, or a file with autoscalers, found none")
    return PodAutoscaling(found)


def policies_of(names: str, catalog: Catalog, node_groups: str, node_pools: str) -> list[Policy]:
    """Return the named policies, with groups and pools from files where they are given."""
    from ..policies.registry import ALIASES, find_policy

    result = []
    with usage_errors():
        for name in (part.strip() for part in names.split(",")):
            settings: dict[str, Any] = {}
            full = ALIASES.get(name, name)
            if node_groups and full == "cluster-autoscaler":
                from ..catalog import read_node_groups

                settings["node_groups"] = read_node_groups(node_groups, catalog)
            if node_pools and full == "karpenter":
                settings["node_pools"] = _node_pools(node_pools)
            result.append(find_policy(full)(**settings))
    return result


def _node_pools(path: str) -> tuple[Any, ...]:
    from ..manifests import load_cluster

    pools = load_cluster(path).node_pools
    if not pools:
        raise PyscaleError(f"{path}: expected NodePools, found none")
    return tuple(pools)


def need_report_library() -> None:
    """Say at once, not after a long run, that the report can't be drawn."""
    try:
        import plotly  # noqa: F401
    except ModuleNotFoundError:
        raise MissingDependencyError("plotly", "report") from None


def write_json(path: Path, data: Any) -> Path:
    """Write plain data as JSON, whole or not at all."""
    import json

    from .._files import write_whole

    return write_whole(path, json.dumps(data, indent=1, sort_keys=True).encode())
