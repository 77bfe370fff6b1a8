"""The pods of a scheduling round."""

from .eviction import currently_reschedulable
from .validation import ignored_reason


def pending_pods(cluster):
    """The pods to place and, for the others without a node, why they are ignored."""
    pending, ignored = [], {}
    for pod in cluster.pods:
        if pod.node_name:
            continue
        reason = "it is not provisionable"
        if pod.provisionable:
            reason = ignored_reason(pod, cluster.volumes, cluster.well_known)
        if reason:
            ignored[pod.key] = reason
        else:
            pending.append(pod)
    return pending, ignored


def reschedulable_pods(cluster, nodes):
    return [
        pod
        for node in nodes
        for pod in node.pods
        if currently_reschedulable(pod, cluster.disruption_budgets, cluster.now)
    ]


def pods_of_deleting_nodes(cluster):
    return reschedulable_pods(cluster, [node for node in cluster.nodes if node.marked_for_deletion])
