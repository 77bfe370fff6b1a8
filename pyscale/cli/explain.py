"""``pyscale explain``: why a pod goes where it goes, node by node."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from ..errors import InvalidObjectError


class Format(StrEnum):
    """How the explanation is printed."""

    TABLE = "table"
    JSON = "json"


def explain(
    dump: Annotated[
        str,
        typer.Argument(
            metavar="DUMP", help="Objects of a cluster, as 'kubectl get nodes,pods -A -o json'."
        ),
    ],
    pod: Annotated[str, typer.Option(metavar="[NAMESPACE/]NAME", help="The pod to explain.")],
    config: Annotated[
        str, typer.Option(metavar="FILE", help="A KubeSchedulerConfiguration, YAML or JSON.")
    ] = "",
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="schedulerName of the profile; the first if empty.")
    ] = "",
    format: Annotated[Format, typer.Option(help="json prints one object.")] = Format.TABLE,
) -> int:
    """Say what kube-scheduler would decide on a pod now: each filter's verdict, each score.

    A pod that runs already is taken off its node for the question.
    """
    from ..manifests import load_cluster
    from ..manifests.files import read_objects
    from ..policies.kube_scheduler.explain import explain as explain_pod
    from ..policies.kube_scheduler.explain import scheduler_of
    from ..policies.kube_scheduler.objects import ClusterObjects

    cluster = load_cluster(dump)
    given = next((manifest.content for manifest in read_objects(config)), None) if config else None
    key = pod if "/" in pod else f"default/{pod}"
    wanted = next((entry for entry in cluster.pods if entry.key == key), None)
    if wanted is None:
        raise InvalidObjectError(dump, f"there is no pod {key!r}")
    scheduler = scheduler_of(
        cluster.nodes,
        cluster.pods,
        ClusterObjects(
            namespaces=cluster.namespaces,
            services=cluster.services,
            controllers=cluster.workloads,
            disruption_budgets=cluster.pod_disruption_budgets,
            claims=cluster.persistent_volume_claims,
            volumes=cluster.persistent_volumes,
            storage_classes=cluster.storage_classes,
            csi_nodes=cluster.csi_nodes,
        ),
        _profile(config, given, profile),
    )
    explanation = explain_pod(scheduler, wanted)
    if format is Format.JSON:
        print(json.dumps(explanation.to_dict()))
    else:
        print(explanation)
    return 0


def _profile(config: str, given: Any, name: str) -> Any:
    """Return the profile of a configuration; what is wrong with it names the file."""
    from ..policies.kube_scheduler.configuration import profile_from_configuration

    try:
        return profile_from_configuration(given, name or None)
    except InvalidObjectError as error:
        raise InvalidObjectError(f"{config}: {error.where}", error.problem) from None
