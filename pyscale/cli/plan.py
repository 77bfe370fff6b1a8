"""``pyscale plan``: what would an autoscaler do now, without letting it?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InvalidObjectError, PyscaleError
from . import console
from .arguments import catalog_argument, usage_errors
from .world import CatalogOption, GroupsOption, PoolsOption, policies_of

if TYPE_CHECKING:
    from ..manifests.cluster_objects import ClusterObjects
    from ..model.catalog import Catalog
    from ..policies.cluster_autoscaler.policy import ClusterAutoscaler


_CONTROL_PLANE = {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}


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
    disrupt: Annotated[
        bool, typer.Option("--disrupt", help="Karpenter: which nodes would go, and why not.")
    ] = False,
    now: Annotated[
        str,
        typer.Option(metavar="TIME", help="The moment, RFC 3339; else the latest in the dump."),
    ] = "",
    format: Annotated[Format, typer.Option(help="json prints one object.")] = Format.TEXT,
) -> int:
    """Take one decision on a dump, with its reasons; nothing is simulated.

    Karpenter: where each pod goes or why not, and which machines would be bought; with --disrupt
    which nodes would be deleted or replaced and what that saves, or why they are left alone.
    Cluster Autoscaler: what became of each node group.
    """
    from ..manifests import load_cluster
    from ..model.times import parse_timestamp

    objects = load_cluster(dump)
    machines = catalog_argument(catalog)
    chosen: Any
    chosen, *more = policies_of(policy, machines, node_groups, node_pools)
    if more:
        raise PyscaleError("--policy: expected one policy, found several")
    with usage_errors():
        if chosen.name == "karpenter":
            moment = parse_timestamp(now, "--now") if now else objects.moment_ns or 0
            if disrupt and not (chosen.pools or objects.node_pools):
                raise PyscaleError(
                    f"{dump}: expected a NodePool, whose budgets and rules decide what may go, "
                    "found none; --node-pools FILE names some"
                )
            chosen = _with_pool(chosen, dump, objects, machines)
            if disrupt:
                found = chosen.disrupt(objects, catalog=machines, now_ns=moment)
            else:
                found = chosen.provision((), objects, catalog=machines, now_ns=moment)
            print(json.dumps(found.to_dict(), default=list) if format is Format.JSON else found)
        elif disrupt:
            raise PyscaleError(f"--disrupt: expected --policy karpenter, found {policy!r}")
        elif chosen.name == "cluster-autoscaler":
            if not node_groups:
                raise PyscaleError("--node-groups: expected a file with the groups, found none")
            _print_groups(chosen, dump, objects, machines, format)
        else:
            raise PyscaleError(f"--policy: expected karpenter or ca, found {policy!r}")
    return 0


def _with_pool(chosen: Any, dump: str, objects: ClusterObjects, machines: Catalog) -> Any:
    """Without a NodePool take the one that ``pyscale compare`` takes, and say so."""
    if chosen.pools or objects.node_pools:
        return chosen
    from ..catalog import default_node_pool
    from ..policies.karpenter import Karpenter

    own = {"DaemonSet", "Node"}
    templates = [
        pod.template
        for pod in objects.pods
        if pod.template.controller is None or pod.template.controller.kind not in own
    ]
    counts = Counter(map(id, templates))
    alike = {id(template): template for template in templates}
    pods = [(template, counts[number]) for number, template in alike.items()]
    pool = default_node_pool(pods, machines)
    print(
        f"pyscale: {dump} has no NodePool: pool {pool.name!r} stands in for one, with all machines "
        "that its pods can use; --node-pools FILE names your own",
        file=sys.stderr,
    )
    return Karpenter([pool])


def _refuse_strangers(chosen: ClusterAutoscaler, dump: str, objects: ClusterObjects) -> None:
    """Refuse nodes of no group, but those of the control plane and of Karpenter."""
    from ..model.nodes import INSTANCE_TYPE_LABEL, NODEPOOL_LABEL, ZONE_LABEL
    from ..policies.snapshot import kind_of_node

    groups = chosen.groups or ()
    for node in objects.nodes:
        labels = node.labels
        if NODEPOOL_LABEL in labels or _CONTROL_PLANE & labels.keys():
            continue
        kind = kind_of_node(node, groups)
        if kind.group < 0:
            machine = labels.get(INSTANCE_TYPE_LABEL, "unknown")
            zone = labels.get(ZONE_LABEL, "unknown")
            raise InvalidObjectError(
                f"{dump}: node {node.name}: $.metadata.labels",
                f"expected those of a node group, found machine {machine}, zone {zone}, "
                f"{kind.capacity_type}: no group of --node-groups has such nodes",
            )


def _print_groups(
    chosen: ClusterAutoscaler, dump: str, objects: ClusterObjects, machines: Catalog, format: Format
) -> None:
    _refuse_strangers(chosen, dump, objects)
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
