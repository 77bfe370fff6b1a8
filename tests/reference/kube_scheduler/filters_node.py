"""NodeUnschedulable, NodeName, TaintToleration, NodeAffinity, NodePorts."""

from __future__ import annotations

from .cluster import Cluster
from .model import REQUIRED, Node, Pod
from .plugin import FilterPlugin, PreFilterResult
from .selectors import any_node_term_matches, first_untolerated_taint, tolerates
from .status import Status

UNSCHEDULABLE_TAINT = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
EFFECTS_THAT_FILTER = ("NoSchedule", "NoExecute")


def has_untolerated_taint(pod: Pod, node: Node) -> bool:
    return first_untolerated_taint(node.taints, pod.tolerations, EFFECTS_THAT_FILTER) is not None


def matches_selector_and_affinity(pod: Pod, node: Node) -> bool:
    """nodeSelector AND required node affinity; also the Honor policy of topology spread."""
    for key, value in (pod.spec.get("nodeSelector") or {}).items():
        if node.labels.get(key) != value:
            return False
    required = pod.node_affinity.get(REQUIRED)
    return required is None or any_node_term_matches(
        required["nodeSelectorTerms"], node.labels, node.name
    )


class NodeUnschedulable(FilterPlugin):
    name = "NodeUnschedulable"

    def filter(self, state: None, pod: Pod, node: Node) -> Status | None:
        if node.unschedulable and not any(
            tolerates(t, UNSCHEDULABLE_TAINT) for t in pod.tolerations
        ):
            return self.unresolvable("node(s) were unschedulable")
        return None


class NodeName(FilterPlugin):
    name = "NodeName"

    def filter(self, state: None, pod: Pod, node: Node) -> Status | None:
        if pod.spec.get("nodeName") and pod.spec["nodeName"] != node.name:
            return self.unresolvable("node(s) didn't match the requested node name")
        return None


class TaintToleration(FilterPlugin):
    name = "TaintToleration"

    def filter(self, state: None, pod: Pod, node: Node) -> Status | None:
        if has_untolerated_taint(pod, node):
            return self.unresolvable("node(s) had untolerated taint(s)")
        return None


class NodeAffinity(FilterPlugin):
    name = "NodeAffinity"

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        required = pod.node_affinity.get(REQUIRED)
        if required is None and pod.spec.get("nodeSelector") is None and not self._added_terms():
            return PreFilterResult(skip=True)
        names = named_nodes((required or {}).get("nodeSelectorTerms") or [])
        if names is not None and not names:
            return PreFilterResult(status=self.unresolvable("pod affinity terms conflict"))
        return PreFilterResult(node_names=names)

    def filter(self, state: None, pod: Pod, node: Node) -> Status | None:
        added = self._added_terms()
        if added and not any_node_term_matches(added["nodeSelectorTerms"], node.labels, node.name):
            return self.unresolvable("node(s) didn't match scheduler-enforced node affinity")
        if not matches_selector_and_affinity(pod, node):
            return self.unresolvable("node(s) didn't match Pod's node affinity/selector")
        return None

    def _added_terms(self) -> dict | None:
        return (self.args.get("addedAffinity") or {}).get(REQUIRED)


def named_nodes(terms: list[dict]) -> set[str] | None:
    """The PreFilter shortcut: the nodes named if every term has a `metadata.name In` field."""
    if not terms:
        return None
    union: set[str] = set()
    for term in terms:
        named: set[str] | None = None
        for field in term.get("matchFields") or []:
            if field["key"] == "metadata.name" and field["operator"] == "In":
                values = set(field["values"])
                named = values if named is None else named & values
        if named is None:
            return None
        union |= named
    return union


class NodePorts(FilterPlugin):
    name = "NodePorts"

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        return PreFilterResult(skip=not pod.host_ports)

    def filter(self, state: None, pod: Pod, node: Node) -> Status | None:
        for wanted in pod.host_ports:
            if any(_ports_conflict(wanted, used) for used in node.used_ports):
                return self.unschedulable(
                    "node(s) didn't have free ports for the requested pod ports"
                )
        return None


def _ports_conflict(wanted: tuple[str, str, int], used: tuple[str, str, int]) -> bool:
    """0.0.0.0 stands for every address; `::` does not."""
    if wanted[1:] != used[1:]:
        return False
    return wanted[0] == used[0] or "0.0.0.0" in (wanted[0], used[0])
