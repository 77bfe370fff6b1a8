"""A scheduler rule of one's own: keep small pods off large nodes, and pack what remains."""

from pyscale.manifests import node_from_dict, pod_from_dict
from pyscale.policies.kube_scheduler import Profile, filter_rule, score_rule
from pyscale.policies.kube_scheduler.explain import explain, scheduler_of


def not_for_small_pods(offered, requested, request, out):
    """Let a node with more than 16 cores take no pod of less than one core."""
    for i in range(out.shape[0]):
        out[i] = 0.0 if offered[0, i] > 16_000 and request[0] < 1000 else 1.0


def most_used(offered, requested, request, out):
    """Prefer nodes whose cpu is used most: the opposite of the built-in LeastAllocated."""
    for i in range(out.shape[0]):
        out[i] = min(100, (requested[0, i] + request[0]) * 100 // offered[0, i])


def node(name, cores, zone):
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}
    allocatable = {"cpu": str(cores), "memory": f"{4 * cores}Gi", "pods": "110"}
    return node_from_dict(
        {"metadata": {"name": name, "labels": labels}, "status": {"allocatable": allocatable}}
    )


def pod(name, cpu, node_name=""):
    container = {"name": "app", "image": "app:1", "resources": {"requests": {"cpu": cpu}}}
    spec = {"containers": [container]}
    if node_name:
        spec["nodeName"] = node_name
    return pod_from_dict({"metadata": {"name": name}, "spec": spec})


profile = Profile(rules=(filter_rule(not_for_small_pods), score_rule(most_used, weight=5)))
nodes = [node("small-a", 4, "a"), node("small-b", 4, "b"), node("large-a", 32, "a")]
running = [pod("web-0", "2", "small-b")]
print(explain(scheduler_of(nodes, running, profile=profile), pod("job", "500m")))
