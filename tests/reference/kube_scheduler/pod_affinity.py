"""InterPodAffinity: term matching, filter and score."""

from __future__ import annotations

from dataclasses import dataclass, field

from .cluster import Cluster
from .model import Node, Pod, PodAffinityTerm
from .plugin import FilterPlugin, PreFilterResult, ScorePlugin, Scores
from .selectors import label_selector_is_empty, label_selector_matches
from .status import Status

TopologyCounts = dict[tuple[str, str], int]  # (topology key, label value) -> pods


def term_of_existing_pod_matches(term: PodAffinityTerm, incoming: Pod, cluster: Cluster) -> bool:
    in_namespace = incoming.namespace in term.namespaces
    if not in_namespace and term.namespace_selector is not None:
        labels = cluster.namespace_labels.get(incoming.namespace, {})
        in_namespace = label_selector_matches(term.namespace_selector, labels)
    return in_namespace and label_selector_matches(term.selector, incoming.labels)


def term_of_incoming_pod_matches(term: PodAffinityTerm, existing: Pod, cluster: Cluster) -> bool:
    """The incoming pod's namespaceSelector was expanded to the names of known namespaces at
    cycle start."""
    in_namespace = existing.namespace in term.namespaces
    selector = term.namespace_selector
    if not in_namespace and selector is not None:
        known = cluster.namespace_labels.get(existing.namespace)
        in_namespace = label_selector_is_empty(selector) or (
            known is not None and label_selector_matches(selector, known)
        )
        # Defect of 1.34 to 1.36: the selector is also evaluated against an empty label set.
        in_namespace = in_namespace or label_selector_matches(selector, {})
    return in_namespace and label_selector_matches(term.selector, existing.labels)


def pod_matches_all_terms(terms: list[PodAffinityTerm], existing: Pod, cluster: Cluster) -> bool:
    return all(term_of_incoming_pod_matches(term, existing, cluster) for term in terms)


@dataclass
class AffinityState:
    cluster: Cluster
    existing_anti_affinity: TopologyCounts = field(default_factory=dict)
    affinity: TopologyCounts = field(default_factory=dict)
    anti_affinity: TopologyCounts = field(default_factory=dict)


def _count(counts: TopologyCounts, term: PodAffinityTerm, node: Node, sign: int) -> None:
    if term.topology_key not in node.labels:
        return
    pair = (term.topology_key, node.labels[term.topology_key])
    counts[pair] = counts.get(pair, 0) + sign
    if counts[pair] == 0:
        del counts[pair]  # the first-pod rule asks whether `affinity` is empty


class InterPodAffinity(FilterPlugin):
    name = "InterPodAffinity"

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        """Counts all existing pods on all nodes, terminating ones included."""
        state = AffinityState(cluster)
        for node in cluster.snapshot:
            for existing in node.pods:
                self.account(state, pod, node, existing, 1)
        if (
            not state.existing_anti_affinity
            and not pod.required_affinity
            and not pod.required_anti_affinity
        ):
            return PreFilterResult(skip=True)
        return PreFilterResult(state=state)

    def account(self, state: AffinityState, pod: Pod, node: Node, other: Pod, sign: int) -> None:
        cluster = state.cluster
        for term in other.required_anti_affinity:
            if term_of_existing_pod_matches(term, pod, cluster):
                _count(state.existing_anti_affinity, term, node, sign)
        # One existing pod must satisfy all affinity terms at once.
        if pod.required_affinity and pod_matches_all_terms(pod.required_affinity, other, cluster):
            for term in pod.required_affinity:
                _count(state.affinity, term, node, sign)
        for term in pod.required_anti_affinity:
            if term_of_incoming_pod_matches(term, other, cluster):
                _count(state.anti_affinity, term, node, sign)

    def filter(self, state: AffinityState, pod: Pod, node: Node) -> Status | None:
        if not self._affinity_satisfied(state, pod, node):
            return self.unresolvable("node(s) didn't match pod affinity rules")
        for term in pod.required_anti_affinity:
            if term.topology_key in node.labels and (
                state.anti_affinity.get((term.topology_key, node.labels[term.topology_key]), 0) > 0
            ):
                return self.unschedulable("node(s) didn't match pod anti-affinity rules")
        if any(state.existing_anti_affinity.get(label, 0) > 0 for label in node.labels.items()):
            return self.unschedulable("node(s) didn't satisfy existing pods anti-affinity rules")
        return None

    @staticmethod
    def _affinity_satisfied(state: AffinityState, pod: Pod, node: Node) -> bool:
        terms = pod.required_affinity
        if any(term.topology_key not in node.labels for term in terms):
            return False
        if all(
            state.affinity.get((term.topology_key, node.labels[term.topology_key]), 0) > 0
            for term in terms
        ):
            return True
        # The first-pod rule: nothing matches anywhere, and the pod matches its own terms.
        return not state.affinity and pod_matches_all_terms(terms, pod, state.cluster)

    def copy_state(self, state: AffinityState) -> AffinityState:
        return AffinityState(
            state.cluster,
            dict(state.existing_anti_affinity),
            dict(state.affinity),
            dict(state.anti_affinity),
        )


class InterPodAffinityScore(ScorePlugin):
    name = "InterPodAffinity"

    def score(self, pod: Pod, feasible: list[Node], cluster: Cluster) -> Scores | None:
        has_preferences = bool(pod.preferred_affinity or pod.preferred_anti_affinity)
        if self.args.get("ignorePreferredTermsOfExistingPods", False) and not has_preferences:
            return None  # skips the required terms of existing pods as well
        table: dict[str, dict[str, int]] = {}
        for node in cluster.snapshot:
            for existing in node.pods:
                self._contribute(table, pod, node, existing, cluster)
        if not table:
            return None
        raw = [
            sum(
                values.get(node.labels[key], 0)
                for key, values in table.items()
                if key in node.labels
            )
            for node in feasible
        ]
        return Scores(raw, self._normalise(raw))

    def _contribute(
        self,
        table: dict[str, dict[str, int]],
        pod: Pod,
        node: Node,
        existing: Pod,
        cluster: Cluster,
    ) -> None:
        def add(term: PodAffinityTerm, weight: int) -> None:
            if term.topology_key in node.labels:
                values = table.setdefault(term.topology_key, {})
                label = node.labels[term.topology_key]
                values[label] = values.get(label, 0) + weight

        for weight, term in pod.preferred_affinity:
            if term_of_incoming_pod_matches(term, existing, cluster):
                add(term, weight)
        for weight, term in pod.preferred_anti_affinity:
            if term_of_incoming_pod_matches(term, existing, cluster):
                add(term, -weight)
        hard_weight = self.args.get("hardPodAffinityWeight", 1)
        if hard_weight > 0:
            for term in existing.required_affinity:
                if term_of_existing_pod_matches(term, pod, cluster):
                    add(term, hard_weight)
        for weight, term in existing.preferred_affinity:
            if term_of_existing_pod_matches(term, pod, cluster):
                add(term, weight)
        for weight, term in existing.preferred_anti_affinity:
            if term_of_existing_pod_matches(term, pod, cluster):
                add(term, -weight)

    @staticmethod
    def _normalise(raw: list[int]) -> list[int]:
        """The float division comes first, then the multiplication."""
        minimum, maximum = min(raw), max(raw)
        if maximum == minimum:
            return [0] * len(raw)
        return [int(100.0 * ((score - minimum) / (maximum - minimum))) for score in raw]
