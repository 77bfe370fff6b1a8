"""The pods of a round: pending ones, and those that have to leave their nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyscale.model.pods import Pod

from .eviction import currently_reschedulable
from .podspec import owner_kinds
from .state import ClusterObjects, StateNode
from .validation import ignored_reason

PROVISIONABLE_REASON = "Unschedulable"


def is_provisionable(pod: Pod) -> bool:
    """Say whether the scheduler has given up on the pod and nobody else looks after it.

    Notes
    -----
    Follows Karpenter core ``pkg/utils/pod/scheduling.go:IsProvisionable``.
    """
    seen = any(
        item.type == "PodScheduled" and item.reason == PROVISIONABLE_REASON
        for item in pod.conditions
    )
    return (
        seen
        and not pod.node_name
        and not pod.nominated_node_name
        and not owner_kinds(pod.template) & {"DaemonSet", "Node"}
    )


def pending_pods(objects: ClusterObjects) -> tuple[list[Pod], dict[str, str]]:
    """Return the pods to place, and why each other pod without a node is ignored."""
    pending: list[Pod] = []
    ignored: dict[str, str] = {}
    by_template: dict[int, str] = {}
    for pod in objects.pods:
        if pod.node_name:
            continue
        reason = "it is not provisionable"
        if is_provisionable(pod):
            template = pod.template
            known = by_template.get(id(template))
            if known is None:
                known = by_template[id(template)] = ignored_reason(
                    template.spec, objects.well_known, objects.restricted_domains
                )
            reason = known or (
                objects.volumes.invalid_reason(template.spec, template.namespace, pod.name)
                if template.spec.volumes
                else ""
            )
        if reason:
            ignored[pod.key] = reason
        else:
            pending.append(pod)
    return pending, ignored


def reschedulable_pods(
    objects: ClusterObjects, nodes: Iterable[StateNode], pods_of_node: dict[str, Sequence[Pod]]
) -> list[Pod]:
    """Return the pods of some nodes that need another node now, node by node."""
    return [
        pod
        for node in nodes
        if node.has_node
        for pod in pods_of_node.get(node.node_name, ())
        if currently_reschedulable(pod, objects.budgets, objects.now_ns)
    ]
