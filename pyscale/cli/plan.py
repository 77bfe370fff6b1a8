"""``pyscale plan``: what would an autoscaler do now, without letting it?"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import PyscaleError
from . import console
from .arguments import catalog_argument, usage_errors
from .world import CatalogOption, GroupsOption, PoolsOption, policies_of

if TYPE_CHECKING:
    from ..manifests.cluster_objects import ClusterObjects
    from ..model.catalog import Catalog
    from ..policies.cluster_autoscaler.policy import ClusterAutoscaler


class Format(StrEnum):
    """How the plan is printed."""

    TEXT = "text"
    JSON = "json"


def plan(
    dump: Annotated[
        str,
        typer.Argument(
            metavar="DUMP", help="Objects of a cluster, as 'kubectl get nodes,pods -A -o json'."
        ),
    ],
    policy: Annotated[str, typer.Option(help="karpenter or ca.")] = "karpenter",
    catalog: CatalogOption = "ec2:us-east-1",
    node_groups: GroupsOption = "",
    node_pools: PoolsOption = "",
    format: Annotated[Format, typer.Option(help="json prints one object.")] = Format.TEXT,
) -> int:
    """Take one scale-up decision on a dump, with its reasons; nothing is simulated.

    Karpenter: where each pod goes or why not, and which machines would be bought. Cluster
    Autoscaler: what became of each node group.
    """
    from ..manifests import load_cluster

    objects = load_cluster(dump)
    machines = catalog_argument(catalog)
    (chosen, *more) = policies_of(policy, machines, node_groups, node_pools)
    if more:
        raise PyscaleError("--policy: expected one policy, found several")
    with usage_errors():
        if chosen.name == "karpenter":
            _print_karpenter(chosen, objects, machines, format)
        elif chosen.name == "cluster-autoscaler":
            if not node_groups:
                raise PyscaleError("--node-groups: expected a file with the groups, found none")
            _print_groups(chosen, objects, machines, format)  # type: ignore[arg-type]
        else:
            raise PyscaleError(f"--policy: expected karpenter or ca, found {policy!r}")
    return 0


def _print_karpenter(
    chosen: Any, objects: ClusterObjects, machines: Catalog, format: Format
) -> None:
    found = chosen.provision((), objects, catalog=machines)
    if format is Format.JSON:
        print(json.dumps(found.to_dict(), default=list))
    else:
        print(found)


def _print_groups(
    chosen: ClusterAutoscaler, objects: ClusterObjects, machines: Catalog, format: Format
) -> None:
    found = chosen.scale_up(
        objects.pods,
        objects.nodes,
        catalog=machines,
        disruption_budgets=objects.pod_disruption_budgets,
    )
    if format is Format.JSON:
        verdicts = [
            {
                "group": each.group,
                "chosen": each.chosen,
                "reason": each.reason,
                "nodes": each.nodes,
                "pods": each.pods,
                "waste": each.waste,
            }
            for each in found.verdicts
        ]
        print(json.dumps({"growth": dict(found.growth), "groups": verdicts}))
        return
    table = console.table(
        ("group", "left"),
        ("grows by", "right"),
        ("nodes", "right"),
        ("pods", "right"),
        ("waste", "right"),
        ("reason", "left"),
    )
    for each in found.verdicts:
        table.add_row(
            each.group,
            str(found.growth.get(each.group, "-")),
            str(each.nodes or "-"),
            str(each.pods or "-"),
            "-" if each.waste is None else f"{each.waste:.3f}",
            each.reason,
        )
    console.output().print(table)
