"""One topology group: who belongs to it and which domain it allows next."""

import json
from dataclasses import dataclass, field

from .labels import HOSTNAME
from .pods import required_node_terms, selector_matches, tolerates
from .requirements import (
    MAX_INT64,
    does_not_exist,
    one_of,
    requirements_from_expressions,
    requirements_from_labels,
)

SPREAD, AFFINITY, ANTI_AFFINITY = "spread", "affinity", "anti-affinity"


def members_seen_oddly(items):
    """Equal members cancel in pairs: the identity of a list is an exclusive-or of member hashes."""
    odd = set()
    for item in items:
        odd ^= {item}
    return frozenset(odd)


@dataclass(eq=False)
class NodeFilter:
    """Which nodes take part in a spread constraint."""

    terms: list
    tolerations: list
    taints_policy: str
    affinity_policy: str

    @staticmethod
    def of(pod, constraint):
        selector = requirements_from_labels(pod.spec.get("nodeSelector"))
        terms = [
            selector.merged_with(requirements_from_expressions(term.get("matchExpressions")))
            for term in required_node_terms(pod.spec)
        ] or [selector]
        # The list is the pod's own: a toleration added by relaxation must not change groups that
        # exist already.
        return NodeFilter(
            terms,
            list(pod.tolerations),
            constraint.get("nodeTaintsPolicy", "Ignore"),
            constraint.get("nodeAffinityPolicy", "Honor"),
        )

    def matches(self, taints, requirements):
        """Strict compatibility, even for claims."""
        if self.affinity_policy == "Honor" and not any(
            requirements.compatible(term) for term in self.terms
        ):
            return False
        return self.taints_policy != "Honor" or tolerates(taints, self.tolerations)

    @property
    def identity(self):
        """Only the keys and minValues of the terms count."""
        terms = members_seen_oddly(
            frozenset((requirement.key, requirement.min_values) for requirement in term.values())
            for term in self.terms
        )
        tolerations = members_seen_oddly(
            json.dumps(toleration, sort_keys=True) for toleration in self.tolerations
        )
        return (terms, tolerations, self.taints_policy, self.affinity_policy)


def selector_identity(selector):
    if selector is None:
        return None
    expressions = frozenset(
        json.dumps({**expression, "values": sorted(expression.get("values") or [])}, sort_keys=True)
        for expression in selector.get("matchExpressions") or ()
    )
    return (frozenset((selector.get("matchLabels") or {}).items()), expressions)


@dataclass(eq=False)
class TopologyGroup:
    kind: str
    key: str
    namespaces: frozenset
    selector: dict | None
    max_skew: int = 0
    min_domains: int | None = None
    node_filter: NodeFilter | None = None
    counts: dict = field(default_factory=dict)
    empty_domains: set = field(default_factory=set)
    owners: set = field(default_factory=set)

    @property
    def identity(self):
        """What makes two constraints share a group; minDomains does not count."""
        node_filter = self.node_filter and self.node_filter.identity
        return (
            self.kind,
            self.key,
            self.namespaces,
            self.max_skew,
            node_filter,
            selector_identity(self.selector),
        )

    def __str__(self):
        return f"{self.kind} over {self.key}" + (
            f" with maxSkew {self.max_skew}" if self.kind == SPREAD else ""
        )

    def describe_counts(self):
        shown = [f"{domain}={self.counts[domain]}" for domain in sorted(self.counts)]
        return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")

    def register(self, domain):
        if domain not in self.counts:
            self.counts[domain] = 0
            self.empty_domains.add(domain)

    def record(self, domain):
        self.counts[domain] = self.counts.get(domain, 0) + 1
        self.empty_domains.discard(domain)

    def selects(self, pod):
        return pod.namespace in self.namespaces and selector_matches(self.selector, pod.labels)

    def filter_matches(self, taints, requirements):
        return self.node_filter is None or self.node_filter.matches(taints, requirements)

    def next_domains(self, pod, pod_domains, node_domains):
        """The requirement that the group puts on the candidate; without values it refuses."""
        own = 1 if self.selects(pod) else 0
        hostname = None
        if self.key == HOSTNAME and len(node_domains.values) == 1:
            hostname = next(iter(node_domains.values))
        if self.kind == SPREAD:
            return self.next_spread_domain(own, hostname, pod_domains, node_domains)
        if self.kind == AFFINITY:
            return self.next_affinity_domains(own, hostname, pod_domains, node_domains)
        return self.next_anti_affinity_domains(hostname, pod_domains, node_domains)

    def allow_if(self, allowed, hostname):
        return one_of(self.key, [hostname]) if allowed else does_not_exist(self.key)

    def next_spread_domain(self, own, hostname, pod_domains, node_domains):
        """The allowed domain with the smallest count; ties lexicographic."""
        if hostname is not None:
            return self.allow_if(self.counts.get(hostname, 0) + own <= self.max_skew, hostname)
        minimum = self.minimum_count(pod_domains)
        allowed = [
            (count + own, domain)
            for domain, count in self.counts.items()
            if node_domains.has(domain) and count + own - minimum <= self.max_skew
        ]
        return one_of(self.key, [min(allowed)[1]]) if allowed else does_not_exist(self.key)

    def minimum_count(self, pod_domains):
        if self.key == HOSTNAME:
            return 0
        counts = [count for domain, count in self.counts.items() if pod_domains.has(domain)]
        if self.min_domains is not None and len(counts) < self.min_domains:
            return 0
        return min(counts, default=MAX_INT64)

    def next_affinity_domains(self, own, hostname, pod_domains, node_domains):
        occupied = [
            domain for domain, count in self.counts.items() if count > 0 and pod_domains.has(domain)
        ]
        may_start = bool(own) and (len(self.counts) == len(self.empty_domains) or not occupied)
        if hostname is not None:
            if not pod_domains.has(hostname):
                return does_not_exist(self.key)
            return self.allow_if(self.counts.get(hostname, 0) > 0 or may_start, hostname)
        reachable = [domain for domain in occupied if node_domains.has(domain)]
        if not reachable and may_start:
            # One domain of pod and node and one of the pod alone; intersecting with the node
            # decides.
            both = pod_domains.intersection(node_domains)
            reachable = self.first_domain(both) + self.first_domain(pod_domains)
        return one_of(self.key, reachable)

    def first_domain(self, allowed):
        return next(([domain] for domain in sorted(self.counts) if allowed.has(domain)), [])

    def next_anti_affinity_domains(self, hostname, pod_domains, node_domains):
        if hostname is not None:
            return self.allow_if(self.counts.get(hostname, 0) == 0, hostname)
        return one_of(
            self.key,
            [
                domain
                for domain in self.empty_domains
                if pod_domains.has(domain) and node_domains.has(domain)
            ],
        )
