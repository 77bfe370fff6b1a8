"""Topology groups: who belongs to a group, what identifies it, which domains it knows.

Follows Karpenter core ``pkg/controllers/provisioning/scheduling/topology.go``,
``topologygroup.go``, ``topologydomaingroup.go`` and ``topologynodefilter.go``.  Counting and
choosing is the kernel's.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyscale.model.groups import NodePool
from pyscale.model.nodes import HOSTNAME_LABEL
from pyscale.model.pods import PodSpec
from pyscale.model.requirements import LabelSelector
from pyscale.model.requirements import Requirement as WrittenRequirement
from pyscale.model.taints import Taint, Toleration
from pyscale.model.topology import PodAffinityTerm, TopologySpreadConstraint

from .instance_types import CompiledType
from .parity import EXCLUDED_DOMAINS, MIN_DOMAINS, NIL_SELECTOR, NODE_FILTER
from .podspec import selector_matches, untolerated
from .requirements import Requirements, from_labels, from_written
from .templates import own_requirements

SPREAD, AFFINITY, ANTI_AFFINITY = 0, 1, 2
HONOR, IGNORE = "Honor", "Ignore"


@dataclass(frozen=True, eq=False)
class NodeFilter:
    """Which nodes and claims take part in a spread constraint."""

    terms: tuple[Requirements, ...]
    tolerations: tuple[Toleration, ...]
    taints_policy: str
    affinity_policy: str

    @staticmethod
    def of(spec: PodSpec, constraint: TopologySpreadConstraint) -> NodeFilter:
        """Return the filter of a pod's constraint."""
        selector = from_labels(spec.node_selector)
        terms = tuple(
            selector.merged(from_written(term.match_expressions))
            for term in spec.required_node_affinity or ()
        )
        return NodeFilter(
            terms or (selector,),
            spec.tolerations,
            constraint.node_taints_policy or IGNORE,
            constraint.node_affinity_policy or HONOR,
        )

    def passes(self, taints: Sequence[Taint], requirements: Requirements) -> bool:
        """Say whether a candidate takes part; strict compatibility, even for claims."""
        if self.affinity_policy == HONOR and not any(
            requirements.compatible(term) for term in self.terms
        ):
            return False
        return self.taints_policy != HONOR or not untolerated(taints, self.tolerations)

    @property
    def passes_everything(self) -> bool:
        """Whether no candidate is ever left out."""
        honors_terms = self.affinity_policy == HONOR and all(len(term) for term in self.terms)
        return not honors_terms and self.taints_policy != HONOR

    @property
    def names_hostname(self) -> bool:
        """Whether some term depends on the hostname."""
        return any(HOSTNAME_LABEL in term for term in self.terms)

    @property
    def content(self) -> Hashable:
        """Equal for filters that pass the same candidates."""
        return (self.terms, self.tolerations, self.taints_policy, self.affinity_policy)

    @property
    def identity(self) -> Hashable:
        """What upstream hashes: of the terms only keys and minValues, equal ones cancel."""
        terms: set[Hashable] = set()
        for term in self.terms:
            terms ^= {frozenset((held.key, held.min_values) for held in term)}
        tolerations: set[Hashable] = set()
        for toleration in self.tolerations:
            tolerations ^= {toleration}
        return (
            frozenset(terms),
            frozenset(tolerations),
            self.taints_policy,
            self.affinity_policy,
        )


@dataclass(frozen=True, eq=False)
class GroupTerm:
    """One term of a pod: the group that it belongs to, and how it would create that group."""

    kind: int
    key: str
    namespaces: frozenset[str]
    selector: LabelSelector | None
    max_skew: int = 0
    min_domains: int | None = None
    node_filter: NodeFilter | None = None
    tolerations: tuple[Toleration, ...] | None = None
    repaired: frozenset[str] = frozenset()

    @property
    def identity(self) -> Hashable:
        """What makes two terms share a group; minDomains does not count (upstream's quirk)."""
        selector: Hashable = None
        if self.selector is not None:
            selector = (
                frozenset(self.selector.match_labels.items()),
                frozenset(
                    (item.key, item.operator, tuple(sorted(item.values)))
                    for item in self.selector.match_expressions
                ),
            )
        node_filter: Hashable = None
        if self.node_filter is not None:
            exact = NODE_FILTER in self.repaired
            node_filter = self.node_filter.content if exact else self.node_filter.identity
        min_domains = self.min_domains if MIN_DOMAINS in self.repaired else None
        return (
            self.kind,
            self.key,
            self.namespaces,
            self.max_skew,
            node_filter,
            selector,
            min_domains,
        )

    def selects(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Say whether a pod of the batch belongs to the group."""
        return namespace in self.namespaces and selector_matches(self.selector, labels)

    def counts(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Say whether a bound pod counts: without a selector every one of the namespace does.

        That is a quirk of upstream: of the batch such a term selects no pod.
        """
        if namespace not in self.namespaces:
            return False
        if self.selector is None:
            return NIL_SELECTOR not in self.repaired
        return selector_matches(self.selector, labels)


def spread_terms(
    spec: PodSpec,
    namespace: str,
    labels: Mapping[str, str],
    ignore_preferences: bool,
    repaired: frozenset[str] = frozenset(),
) -> list[GroupTerm]:
    """Return the terms of a pod's spread constraints."""
    terms = []
    for constraint in spec.topology_spread_constraints:
        if ignore_preferences and constraint.when_unsatisfiable != "DoNotSchedule":
            continue
        node_filter = NodeFilter.of(spec, constraint)
        honors_taints = node_filter.taints_policy == HONOR
        terms.append(
            GroupTerm(
                SPREAD,
                constraint.topology_key,
                frozenset((namespace,)),
                _spread_selector(constraint, labels),
                constraint.max_skew,
                constraint.min_domains,
                node_filter,
                spec.tolerations if honors_taints else None,
                repaired,
            )
        )
    return terms


def _spread_selector(
    constraint: TopologySpreadConstraint, labels: Mapping[str, str]
) -> LabelSelector | None:
    selector = constraint.label_selector
    if selector is None:
        return None
    added = tuple(
        WrittenRequirement(key, "In", (labels[key],))
        for key in constraint.match_label_keys
        if key in labels
    )
    if not added:
        return selector
    return LabelSelector(selector.match_labels, (*selector.match_expressions, *added))


def affinity_terms(
    spec: PodSpec,
    namespace: str,
    namespaces: Mapping[str, Mapping[str, str]],
    ignore_preferences: bool,
) -> list[GroupTerm]:
    """Return the terms of a pod's affinity and anti-affinity, preferred ones included."""
    terms = []
    for kind, required, preferred in (
        (AFFINITY, spec.required_pod_affinity, spec.preferred_pod_affinity),
        (ANTI_AFFINITY, spec.required_pod_anti_affinity, spec.preferred_pod_anti_affinity),
    ):
        written: list[PodAffinityTerm] = list(required)
        if not ignore_preferences:
            written += [weighted.term for weighted in preferred]
        terms += [_affinity_term(kind, term, spec, namespace, namespaces) for term in written]
    return terms


def inverse_terms(
    spec: PodSpec, namespace: str, namespaces: Mapping[str, Mapping[str, str]]
) -> list[GroupTerm]:
    """Return the terms that keep others away from the pod: required anti-affinity."""
    return [
        _affinity_term(ANTI_AFFINITY, term, spec, namespace, namespaces)
        for term in spec.required_pod_anti_affinity
    ]


def _affinity_term(
    kind: int,
    term: PodAffinityTerm,
    spec: PodSpec,
    namespace: str,
    namespaces: Mapping[str, Mapping[str, str]],
) -> GroupTerm:
    if not term.namespaces and term.namespace_selector is None:
        scope = frozenset((namespace,))
    else:
        selected = {
            name
            for name, labels in namespaces.items()
            if selector_matches(term.namespace_selector, labels)
        }
        scope = frozenset(selected.union(term.namespaces))
    # The domains are always filtered by the creator's tolerations.
    return GroupTerm(
        kind, term.topology_key, scope, term.label_selector, tolerations=spec.tolerations
    )


class DomainUniverse:
    """The domains that pools and their types offer, per topology key, with the taints in front.

    Values that a NotIn excludes count as domains, too (upstream's quirk), unless that is repaired.
    """

    def __init__(
        self,
        pools: Sequence[NodePool],
        types_of_pool: Mapping[str, Sequence[CompiledType]],
        repaired: frozenset[str] = frozenset(),
    ) -> None:
        self._excluded_too = EXCLUDED_DOMAINS not in repaired
        self._pools = pools
        self._types_of_pool = types_of_pool
        self._by_key: dict[str, dict[str, list[tuple[Taint, ...]]]] = {}

    def of(self, key: str) -> dict[str, list[tuple[Taint, ...]]]:
        """Return domain -> taint lists; an untainted pool makes all others irrelevant."""
        known = self._by_key.get(key)
        if known is None:
            known = self._by_key[key] = {}
            for pool in self._pools:
                own = own_requirements(pool).get(key)
                seen = set()
                for compiled in self._types_of_pool[pool.name]:
                    theirs = compiled.requirements.get(key)
                    if (own, theirs) in seen or (own is None and theirs is None):
                        continue
                    seen.add((own, theirs))
                    both = own if theirs is None else theirs
                    if own is not None and theirs is not None:
                        both = own.intersection(theirs)
                    if both is not None and (self._excluded_too or not both.complement):
                        _insert(known, sorted(both.values), pool.taints)
                if own is not None and own.operator == "In":
                    _insert(known, sorted(own.values), pool.taints)
        return known

    def tolerated(self, key: str, tolerations: tuple[Toleration, ...] | None) -> list[str]:
        """Return the domains behind taints that are tolerated; all of them for None."""
        return [
            domain
            for domain, taint_lists in self.of(key).items()
            if tolerations is None
            or any(not untolerated(taints, tolerations) for taints in taint_lists)
        ]


def _insert(
    known: dict[str, list[tuple[Taint, ...]]], domains: Iterable[str], taints: tuple[Taint, ...]
) -> None:
    for domain in domains:
        if domain not in known or not taints:
            known[domain] = [taints]
        elif known[domain][0]:
            known[domain].append(taints)
