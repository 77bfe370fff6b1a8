"""PodTopologySpread: constraints and filter; the score is in topology_spread_score.py."""

from __future__ import annotations

from dataclasses import dataclass

from .cluster import Cluster, object_namespace
from .filters_node import has_untolerated_taint, matches_selector_and_affinity
from .model import HOSTNAME, ZONE, Node, Pod
from .plugin import FilterPlugin, PreFilterResult
from .selectors import label_selector_is_empty, label_selector_matches, with_match_label_keys
from .status import Status

DO_NOT_SCHEDULE, SCHEDULE_ANYWAY = "DoNotSchedule", "ScheduleAnyway"
SYSTEM_DEFAULT_CONSTRAINTS = [
    {"maxSkew": 3, "topologyKey": HOSTNAME, "whenUnsatisfiable": SCHEDULE_ANYWAY},
    {"maxSkew": 5, "topologyKey": ZONE, "whenUnsatisfiable": SCHEDULE_ANYWAY},
]


@dataclass
class Constraint:
    max_skew: int
    topology_key: str
    selector: dict | None
    min_domains: int
    node_affinity_policy: str
    node_taints_policy: str

    def includes(self, pod: Pod, node: Node) -> bool:
        """The node inclusion policies; they look at the incoming pod."""
        if self.node_affinity_policy == "Honor" and not matches_selector_and_affinity(pod, node):
            return False
        return not (self.node_taints_policy == "Honor" and has_untolerated_taint(pod, node))


def _constraint(manifest: dict, selector: dict | None) -> Constraint:
    return Constraint(
        max_skew=manifest["maxSkew"],
        topology_key=manifest["topologyKey"],
        selector=selector,
        min_domains=manifest.get("minDomains", 1),
        node_affinity_policy=manifest.get("nodeAffinityPolicy", "Honor"),
        node_taints_policy=manifest.get("nodeTaintsPolicy", "Ignore"),
    )


def constraints_of(
    pod: Pod, action: str, args: dict, cluster: Cluster
) -> tuple[list[Constraint], bool]:
    """The pod's constraints with `whenUnsatisfiable: action`, and whether every topology key is
    required.

    A pod without any constraint of its own gets the default constraints.
    """
    own = pod.spec.get("topologySpreadConstraints")
    if own:
        chosen = [c for c in own if c["whenUnsatisfiable"] == action]
        return [
            _constraint(c, with_match_label_keys(c.get("labelSelector"), c, pod.labels))
            for c in chosen
        ], True
    given_by_user = args.get("defaultingType") == "List"
    defaults = args.get("defaultConstraints", []) if given_by_user else SYSTEM_DEFAULT_CONSTRAINTS
    defaults = [c for c in defaults if c["whenUnsatisfiable"] == action]
    selector = default_selector(pod, cluster) if defaults else None
    if selector is None:
        return [], given_by_user
    return [_constraint(c, selector) for c in defaults], given_by_user


def default_selector(pod: Pod, cluster: Cluster) -> dict | None:
    """AND of the selectors of the pod's Services and of its controlling ReplicaSet."""
    match_labels: dict[str, str] = {}
    expressions: list[dict] = []
    for service in cluster.services:
        selector = service["spec"].get("selector")
        if not selector or object_namespace(service) != pod.namespace:
            continue
        if all(pod.labels.get(key) == value for key, value in selector.items()):
            match_labels.update(selector)
    controllers = [o for o in pod.metadata.get("ownerReferences", []) if o.get("controller")]
    if controllers and controllers[0]["kind"] == "ReplicaSet":
        for replica_set in cluster.replica_sets:
            same_name = replica_set["metadata"]["name"] == controllers[0]["name"]
            if same_name and object_namespace(replica_set) == pod.namespace:
                selector = replica_set["spec"]["selector"]
                for key, value in selector.get("matchLabels", {}).items():
                    expressions.append({"key": key, "operator": "In", "values": [value]})
                expressions += selector.get("matchExpressions", [])
    if not match_labels and not expressions:
        return None
    return {"matchLabels": match_labels, "matchExpressions": expressions}


def matching_pods(node: Node, selector: dict | None, namespace: str) -> int:
    """Non-terminating pods of the namespace that match; an empty selector counts 0 here."""
    if selector is None or label_selector_is_empty(selector):
        return 0
    return sum(
        1
        for pod in node.pods
        if not pod.terminating
        and pod.namespace == namespace
        and label_selector_matches(selector, pod.labels)
    )


def has_all_keys(node: Node, constraints: list[Constraint]) -> bool:
    return all(c.topology_key in node.labels for c in constraints)


@dataclass
class SpreadState:
    constraints: list[Constraint]
    counts: list[dict[str, int]]  # per constraint: domain -> matching pods


class PodTopologySpread(FilterPlugin):
    name = "PodTopologySpread"

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        """Counts over all nodes of the snapshot; a domain exists even when its count is 0."""
        constraints, _ = constraints_of(pod, DO_NOT_SCHEDULE, self.args, cluster)
        if not constraints:
            return PreFilterResult(skip=True)
        counts: list[dict[str, int]] = [{} for _ in constraints]
        for node in cluster.snapshot:
            if not has_all_keys(node, constraints):
                continue
            for constraint, count in zip(constraints, counts, strict=False):
                if constraint.includes(pod, node):
                    domain = node.labels[constraint.topology_key]
                    count[domain] = count.get(domain, 0) + matching_pods(
                        node, constraint.selector, pod.namespace
                    )
        return PreFilterResult(state=SpreadState(constraints, counts))

    def filter(self, state: SpreadState, pod: Pod, node: Node) -> Status | None:
        reason = "node(s) didn't match pod topology spread constraints"
        for constraint, count in zip(state.constraints, state.counts, strict=False):
            if constraint.topology_key not in node.labels:
                return self.unresolvable(reason + " (missing required label)")
            minimum = self.global_minimum(constraint, count)
            itself = 1 if label_selector_matches(constraint.selector, pod.labels) else 0
            if (
                count.get(node.labels[constraint.topology_key], 0) + itself - minimum
                > constraint.max_skew
            ):
                return self.unschedulable(reason)
        return None

    @staticmethod
    def global_minimum(constraint: Constraint, count: dict[str, int]) -> int:
        if len(count) < constraint.min_domains or not count:
            return 0
        return min(count.values())

    def account(self, state: SpreadState, pod: Pod, node: Node, other: Pod, sign: int) -> None:
        """Unlike pre_filter this counts terminating pods, and `{}` matches."""
        if not has_all_keys(node, state.constraints):
            return
        for constraint, count in zip(state.constraints, state.counts, strict=False):
            if not constraint.includes(pod, node):
                continue
            if other.namespace == pod.namespace and label_selector_matches(
                constraint.selector, other.labels
            ):
                domain = node.labels[constraint.topology_key]
                count[domain] = count.get(domain, 0) + sign

    def copy_state(self, state: SpreadState) -> SpreadState:
        return SpreadState(state.constraints, [dict(count) for count in state.counts])
