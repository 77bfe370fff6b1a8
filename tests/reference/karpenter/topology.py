"""All topology groups of a round: registration, counting, asking, recording."""

import copy

from .labels import HOSTNAME
from .pods import PREFERRED, REQUIRED, selector_matches, tolerates
from .requirements import Requirements, requirements_from_labels
from .topology_groups import AFFINITY, ANTI_AFFINITY, SPREAD, NodeFilter, TopologyGroup
from .tracing import LazyText, Refusal


class Topology:
    def __init__(self, cluster, active_nodes, batch):
        self.cluster = cluster
        self.active_nodes = active_nodes
        self.batch_uids = {pod.uid for pod in batch}
        self.groups = {}
        self.inverse_groups = {}
        self.register_bound_anti_affinities()

    def register_bound_anti_affinities(self):
        """Inverse groups of pods that stay where they are."""
        for pod in self.cluster.pods:
            node = self.cluster.node_objects.get(pod.node_name)
            if node is not None and pod.uid not in self.batch_uids and not pod.terminal:
                self.register_inverse(pod, node.node_labels)

    def register(self, pod):
        """Make the pod the owner of the groups of its current terms."""
        for group in self.groups.values():
            group.owners.discard(pod.uid)
        self.register_inverse(pod)
        for group in self.spread_groups(pod) + self.affinity_groups(pod):
            known = self.groups.get(group.identity)
            if known is None:
                self.count_existing_pods(group)
                known = self.groups[group.identity] = group
            known.owners.add(pod.uid)

    def register_inverse(self, pod, node_labels=None):
        """Required anti-affinity also keeps others away from the pod. Ownership is never
        removed."""
        for term in pod_affinity_terms(pod, "podAntiAffinity", REQUIRED):
            group = self.affinity_group(ANTI_AFFINITY, pod, term)
            group = self.inverse_groups.setdefault(group.identity, group)
            if node_labels and group.key in node_labels:
                group.record(node_labels[group.key])
            group.owners.add(pod.uid)

    def spread_groups(self, pod):
        groups = []
        for constraint in pod.spec.get("topologySpreadConstraints") or ():
            if (
                self.cluster.ignore_preferences
                and constraint["whenUnsatisfiable"] != "DoNotSchedule"
            ):
                continue
            node_filter = NodeFilter.of(pod, constraint)
            group = TopologyGroup(
                SPREAD,
                constraint["topologyKey"],
                frozenset([pod.namespace]),
                spread_selector(pod, constraint),
                constraint["maxSkew"],
                constraint.get("minDomains"),
                node_filter,
            )
            self.add_initial_domains(group, pod, filtered=node_filter.taints_policy == "Honor")
            groups.append(group)
        return groups

    def affinity_groups(self, pod):
        groups = []
        for kind, field in ((AFFINITY, "podAffinity"), (ANTI_AFFINITY, "podAntiAffinity")):
            terms = list(pod_affinity_terms(pod, field, REQUIRED))
            if not self.cluster.ignore_preferences:
                terms += [
                    weighted["podAffinityTerm"]
                    for weighted in pod_affinity_terms(pod, field, PREFERRED)
                ]
            groups += [self.affinity_group(kind, pod, term) for term in terms]
        return groups

    def affinity_group(self, kind, pod, term):
        group = TopologyGroup(
            kind, term["topologyKey"], self.namespaces_of(pod, term), term.get("labelSelector")
        )
        # Always filtered by the creator's tolerations.
        self.add_initial_domains(group, pod, filtered=True)
        return group

    def namespaces_of(self, pod, term):
        if "namespaces" not in term and "namespaceSelector" not in term:
            return frozenset([pod.namespace])
        selected = {
            name
            for name, labels in self.cluster.namespace_labels.items()
            if selector_matches(term.get("namespaceSelector"), labels)
        }
        return frozenset(selected | set(term.get("namespaces") or ()))

    def add_initial_domains(self, group, pod, filtered):
        for domain, taint_lists in self.cluster.domain_universe.get(group.key, {}).items():
            if not filtered or any(tolerates(taints, pod.tolerations) for taints in taint_lists):
                group.register(domain)

    def count_existing_pods(self, group):
        """"""
        for node in self.active_nodes:
            if node.has_node and group.key in node.labels and node_passes_filter(group, node):
                group.register(node.labels[group.key])
        for pod in self.cluster.pods:
            if (
                not pod.node_name
                or not pod.active
                or pod.uid in self.batch_uids
                or pod.namespace not in group.namespaces
            ):
                continue
            # A missing selector matches no pod of the batch, but counts every bound pod.
            if group.selector is not None and not selector_matches(group.selector, pod.labels):
                continue
            node = self.cluster.node_objects.get(pod.node_name)
            if node is None:
                continue
            domain = node.node_labels.get(
                group.key, node.node_name if group.key == HOSTNAME else None
            )
            if domain is not None and node_passes_filter(group, node):
                group.record(domain)

    def narrowed(self, pod, strict_requirements, requirements):
        """The candidate's requirements narrowed by every group that concerns the pod.

        Each group sees the same requirements, so two groups that pick different domains conflict.
        """
        narrowed = Requirements(requirements)
        concerned = [group for group in self.groups.values() if pod.uid in group.owners]
        concerned += [group for group in self.inverse_groups.values() if group.selects(pod)]
        for group in concerned:
            pod_domains, node_domains = (
                strict_requirements.get_or_exists(group.key),
                requirements.get_or_exists(group.key),
            )
            domains = group.next_domains(pod, pod_domains, node_domains)
            if domains.length == 0:
                raise Refusal(
                    "topology",
                    "%s allows no domain here (counts: %s)",
                    group,
                    LazyText(group.describe_counts),
                )
            narrowed.add([domains])
        return narrowed

    def record(self, pod, taints, requirements):
        """"""
        for group in self.groups.values():
            if group.selects(pod) and group.filter_matches(taints, requirements):
                domains = requirements.get_or_exists(group.key)
                if group.kind == ANTI_AFFINITY or domains.length == 1:
                    self.record_values(group, domains)
        for group in self.inverse_groups.values():
            if pod.uid in group.owners:
                self.record_values(group, requirements.get_or_exists(group.key))

    @staticmethod
    def record_values(group, requirement):
        """The values of a complement are its exclusions."""
        for value in requirement.values:
            group.record(value)

    def register_hostname(self, hostname):
        for group in [*self.groups.values(), *self.inverse_groups.values()]:
            if group.key == HOSTNAME:
                group.register(hostname)


def pod_affinity_terms(pod, field, strength):
    return pod.spec.get("affinity", {}).get(field, {}).get(strength) or ()


def spread_selector(pod, constraint):
    """The selector plus the pod's values of the matchLabelKeys; an absent selector stays absent."""
    selector = constraint.get("labelSelector")
    if selector is None:
        return None
    selector = copy.deepcopy(selector)
    for key in constraint.get("matchLabelKeys") or ():
        if key in pod.labels:
            selector.setdefault("matchExpressions", []).append(
                {"key": key, "operator": "In", "values": [pod.labels[key]]}
            )
    return selector


def node_passes_filter(group, node):
    return group.filter_matches(node.node_taints, requirements_from_labels(node.node_labels))
