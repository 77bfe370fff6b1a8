"""State nodes: a Node joined with its NodeClaim."""

from dataclasses import dataclass, field

from .labels import HOSTNAME, INITIALIZED, NODE_CLASS, NODE_POOL, REGISTERED
from .pods import host_ports, pod_requests
from .quantities import BILLION, add_resources, parse_resources, subtract_resources

UNREGISTERED_TAINT = {"key": "karpenter.sh/unregistered", "effect": "NoExecute"}
EPHEMERAL_TAINTS = {
    ("node.kubernetes.io/not-ready", "NoSchedule"),
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoSchedule"),
    ("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule"),
    ("karpenter.sh/unregistered", "NoExecute"),
}
EPHEMERAL_PREFIX = "readiness.k8s.io/"


@dataclass(eq=False)
class StateNode:
    """`labels` and `taints` are what scheduling uses; `node_labels` and `node_taints` are those
    of the Node object."""

    node_name: str
    name: str
    managed: bool
    has_node: bool
    initialized: bool
    pool: str | None
    labels: dict
    claim_labels: dict
    node_labels: dict
    taints: list
    node_taints: list
    annotations: dict
    capacity: dict
    allocatable: dict
    marked_for_deletion: bool
    given: dict
    pods: list
    csi_limits: dict = field(default_factory=dict)
    available: dict = field(default_factory=dict)
    daemon_requests: dict = field(default_factory=dict)

    @property
    def hostname(self):
        return self.labels.get(HOSTNAME) or self.name

    @property
    def capacity_with_node_count(self):
        return {**self.capacity, "nodes": BILLION}

    @property
    def ready(self):
        return self.given.get("ready") is not False

    @property
    def live_pods(self):
        return [pod for pod in self.pods if not pod.terminal]

    @property
    def host_ports(self):
        """Pod key → the host ports it uses here."""
        return {pod.key: host_ports(pod.spec) for pod in self.live_pods}


def state_node_from_input(given, templates, pods, csi_nodes):
    """The meaning of the fields is in the recordings' README ("Nodes")."""
    template = templates[given["template"]] if "template" in given else {}
    merged = {**template, **given}
    state = merged.get("state", "initialized")
    managed, registered = state != "unmanaged", state in ("unmanaged", "registered", "initialized")
    initialized = state in ("unmanaged", "initialized")
    pool = merged.get("nodePool") if managed else None

    claim_labels = {**template.get("labels", {}), **given.get("labels", {})}
    if managed:
        claim_labels.update({NODE_POOL: pool, NODE_CLASS: "default"})
    node_labels = {HOSTNAME: given["name"], **claim_labels}
    if state in ("registered", "initialized"):
        node_labels[REGISTERED] = "true"
    if state == "initialized":
        node_labels[INITIALIZED] = "true"

    claim_taints, startup_taints = merged.get("taints", []), merged.get("startupTaints", [])
    node_taints = {
        "registered": claim_taints + startup_taints,
        "unregistered": [UNREGISTERED_TAINT, *startup_taints],
    }.get(state, claim_taints)
    taints = node_taints if registered else claim_taints
    if managed and not initialized:
        taints = [taint for taint in taints if not disappears_by_itself(taint, startup_taints)]

    has_node = state != "launched"
    node = StateNode(
        node_name=given["name"],
        name=given["name"] if registered else "nc-" + given["name"],
        managed=managed,
        has_node=has_node,
        initialized=initialized,
        pool=pool,
        labels=node_labels if registered else claim_labels,
        claim_labels=claim_labels,
        node_labels=node_labels,
        taints=taints,
        node_taints=node_taints,
        annotations={**template.get("annotations", {}), **given.get("annotations", {})},
        capacity=parse_resources(merged["capacity"]),
        allocatable=parse_resources(merged.get("allocatable") or merged["capacity"]),
        marked_for_deletion=bool(
            merged.get("deleting")
            or merged.get("markedForDeletion")
            or (managed and merged.get("instanceTerminating"))
        ),
        given=merged,
        pods=[pod for pod in pods if pod.node_name == given["name"]] if has_node else [],
    )
    if has_node:
        node.csi_limits = csi_limits_of(given["name"], csi_nodes)
    add_usage(node)
    return node


def disappears_by_itself(taint, startup_taints):
    identity = (taint["key"], taint["effect"])
    return (
        identity in EPHEMERAL_TAINTS
        or taint["key"].startswith(EPHEMERAL_PREFIX)
        or any(identity == (startup["key"], startup["effect"]) for startup in startup_taints)
    )


def csi_limits_of(node_name, csi_nodes):
    limits = {}
    for csi_node in csi_nodes:
        if csi_node["metadata"]["name"] == node_name:
            limits = {
                driver["name"]: driver["allocatable"]["count"]
                for driver in csi_node["spec"]["drivers"]
                if "allocatable" in driver
            }
    return limits


def add_usage(node):
    used = {}
    for pod in node.live_pods:
        requests = pod_requests(pod.spec)
        used = add_resources(used, requests)
        if "DaemonSet" in pod.owner_kinds:
            node.daemon_requests = add_resources(node.daemon_requests, requests)
    node.available = subtract_resources(node.allocatable, used)
