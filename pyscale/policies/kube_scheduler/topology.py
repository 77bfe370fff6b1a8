"""From spread constraints and (anti-)affinity terms to topology counters.

A counter asks one question about the pods that are placed; a class of pods answers it with a
weight.  The questions of a class and the answers of all classes are linked when either is new:
spread constraints, the class's own affinity and preferences ask about the labels of placed pods;
the terms of placed pods ask about the labels of the incoming pod, so one counter per distinct
(namespace, labels) and topology key collects what all placed pods' terms say about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pyscale.kernel._bind import ClusterState
from pyscale.model.nodes import HOSTNAME_LABEL
from pyscale.model.pods import PodTemplate
from pyscale.model.requirements import Requirement
from pyscale.model.topology import (
    PodAffinityTerm,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)

from .interning import Interner
from .objects import ClusterObjects
from .pod_selectors import (
    Identity,
    Matcher,
    Selector,
    Term,
    bound_term,
    identity_of,
    merged_selector,
)
from .profile import DO_NOT_SCHEDULE, SCHEDULE_ANYWAY, Profile

NODE_DOMAIN = -1
WeightedTerm: TypeAlias = tuple[int, Term]


@dataclass(frozen=True)
class _Answer:
    """What a placed pod adds to a counter: in general, in a trial, and how many entries."""

    weight: int
    trial: int
    entries: int = 0


@dataclass
class PodRules:
    """The topology rules of one pod class."""

    class_id: int
    identity: Identity
    terminating: bool
    affinity: list[Term]
    anti_affinity: list[Term]
    preferred: list[WeightedTerm]  # anti-affinity with negative weights
    scored_terms: list[WeightedTerm] = field(default_factory=list)
    n_spread_filters: int = 0
    n_spread_scores: int = 0


Question: TypeAlias = Callable[[PodRules], _Answer | None]
"""What a pod class of placed pods adds to a counter, None for nothing."""


class TopologyRules:
    """Links the rules of pod classes to the counters of a cluster state."""

    def __init__(
        self,
        state: ClusterState,
        interner: Interner,
        profile: Profile,
        objects: ClusterObjects,
    ) -> None:
        self.state = state
        self.interner = interner
        self.profile = profile
        self.objects = objects
        self.matcher = Matcher({n.name: n.labels for n in objects.namespaces})
        self.rules: list[PodRules] = []
        self._counters: dict[object, int] = {}
        self._questions: list[tuple[int, Question]] = []
        self._identities: dict[Identity, list[int]] = {}
        self._existing: dict[tuple[str, Identity, str], int] = {}
        self._with_terms: list[PodRules] = []  # what placed pods of a class say about others

    def add_class(
        self, class_id: int, template: PodTemplate, static: int, terminating: bool
    ) -> PodRules:
        """Link a new class."""
        rules = self._read(class_id, template, terminating)
        self.rules.append(rules)
        for counter, question in self._questions:
            self._answer(rules, counter, question(rules))
        if rules.identity not in self._identities:
            self._identities[rules.identity] = []
            for placed in self._with_terms:
                self._tell(placed, rules.identity)
        self._identities[rules.identity].append(class_id)
        for (role, identity, key), counter in self._existing.items():
            if identity == rules.identity:
                self.state.add_domain(class_id, role, counter, self.interner.column(key))
        if rules.anti_affinity or rules.scored_terms:
            self._with_terms.append(rules)
            for identity in list(self._identities):
                self._tell(rules, identity)
        self._ask_affinity(rules)
        self._ask_spread(rules, template, static)
        return rules

    def _read(self, class_id: int, template: PodTemplate, terminating: bool) -> PodRules:
        spec, namespace, labels = template.spec, template.namespace, template.labels

        def bound(terms: Iterable[PodAffinityTerm]) -> list[Term]:
            return [bound_term(term, namespace, labels) for term in terms]

        def weighted(terms: Iterable[WeightedPodAffinityTerm], sign: int) -> list[WeightedTerm]:
            return [
                (sign * entry.weight, bound_term(entry.term, namespace, labels)) for entry in terms
            ]

        rules = PodRules(
            class_id,
            identity_of(namespace, labels),
            terminating,
            bound(spec.required_pod_affinity),
            bound(spec.required_pod_anti_affinity),
            weighted(spec.preferred_pod_affinity, 1)
            + weighted(spec.preferred_pod_anti_affinity, -1),
        )
        hard = self.profile.hard_pod_affinity_weight
        if hard > 0:
            rules.scored_terms = [(hard, term) for term in rules.affinity]
        rules.scored_terms += rules.preferred
        return rules

    # --- questions about placed pods ---

    def _answer(self, rules: PodRules, counter: int, answer: _Answer | None) -> None:
        if answer is not None and (answer.weight or answer.trial or answer.entries):
            self.state.subscribe(
                rules.class_id, counter, answer.weight, answer.trial, answer.entries
            )

    def _ask(self, key: object, column: int, question: Question, **limits: Any) -> int:
        """Return the counter of a question; a new one is put to all classes."""
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = self.state.add_counter(column, **limits)
            self._questions.append((counter, question))
            for rules in self.rules:
                self._answer(rules, counter, question(rules))
        return counter

    def _ask_affinity(self, rules: PodRules) -> None:
        matches = self.matcher.of_incoming
        for key in _keys(rules.affinity):
            terms = tuple(rules.affinity)
            n = sum(term.topology_key == key for term in terms)

            def all_match(
                placed: PodRules, terms: tuple[Term, ...] = terms, n: int = n
            ) -> _Answer | None:
                if all(matches(term, placed.identity) for term in terms):
                    return _Answer(n, n)
                return None

            self._add_domain(rules, "affinity", ("affinity", terms, key), key, all_match)
        for key in _keys(rules.anti_affinity):
            terms = tuple(term for term in rules.anti_affinity if term.topology_key == key)

            def some_match(placed: PodRules, terms: tuple[Term, ...] = terms) -> _Answer | None:
                n = sum(matches(term, placed.identity) for term in terms)
                return _Answer(n, n)

            self._add_domain(rules, "anti_affinity", ("anti", terms, key), key, some_match)
        for key in _keys([term for _, term in rules.preferred]):
            weighted = tuple(entry for entry in rules.preferred if entry[1].topology_key == key)

            def preference(
                placed: PodRules, weighted: tuple[WeightedTerm, ...] = weighted
            ) -> _Answer | None:
                found = [weight for weight, term in weighted if matches(term, placed.identity)]
                return _Answer(sum(found), 0, len(found))

            self._add_domain(rules, "preferred", ("preferred", weighted, key), key, preference)
        self.state.set_affinity_rules(
            rules.class_id,
            all(matches(term, rules.identity) for term in rules.affinity),
            self.profile.ignore_preferred_terms_of_existing_pods and not rules.preferred,
        )

    def _add_domain(
        self, rules: PodRules, role: str, key: object, topology_key: str, question: Question
    ) -> None:
        column = self.interner.column(topology_key)
        self.state.add_domain(rules.class_id, role, self._ask(key, column, question), column)

    # --- what the terms of placed pods say about an incoming pod ---

    def _tell(self, placed: PodRules, identity: Identity) -> None:
        matches = self.matcher.of_existing
        for key in _keys(placed.anti_affinity):
            n = sum(
                term.topology_key == key and matches(term, identity)
                for term in placed.anti_affinity
            )
            if n:
                counter = self._about("existing", identity, key)
                self.state.subscribe(placed.class_id, counter, n, n, 0)
        for key in _keys([term for _, term in placed.scored_terms]):
            found = [
                weight
                for weight, term in placed.scored_terms
                if term.topology_key == key and matches(term, identity)
            ]
            if found:
                counter = self._about("preferred", identity, key)
                self.state.subscribe(placed.class_id, counter, sum(found), 0, len(found))

    def _about(self, role: str, identity: Identity, key: str) -> int:
        counter = self._existing.get((role, identity, key))
        if counter is None:
            column = self.interner.column(key)
            counter = self.state.add_counter(column)
            self._existing[role, identity, key] = counter
            for class_id in self._identities[identity]:
                self.state.add_domain(class_id, role, counter, column)
        return counter

    # --- spread constraints ---

    def _ask_spread(self, rules: PodRules, template: PodTemplate, static: int) -> None:
        filters, _ = self._constraints(template, DO_NOT_SCHEDULE)
        scores, keys_required = self._constraints(template, SCHEDULE_ANYWAY)
        self.state.require_spread_keys(rules.class_id, keys_required)
        rules.n_spread_filters, rules.n_spread_scores = len(filters), len(scores)
        keys = tuple(sorted({self.interner.column(c.topology_key) for c, _ in filters}))
        for constraint, selector in filters:
            column = self.interner.column(constraint.topology_key)
            self.state.add_spread(
                rules.class_id,
                True,
                self._spread_counter(rules, constraint, selector, static, column, keys, True),
                column,
                constraint.max_skew,
                1 if constraint.min_domains is None else constraint.min_domains,
                int(self.matcher.matches(selector, rules.identity.labels)),
            )
        keys = tuple(sorted({self.interner.column(c.topology_key) for c, _ in scores}))
        for constraint, selector in scores:
            column = self.interner.column(constraint.topology_key)
            hostname = constraint.topology_key == HOSTNAME_LABEL
            if hostname:
                counter = self._ask(
                    ("host", selector, rules.identity.namespace),
                    NODE_DOMAIN,
                    self._spread_question(selector, rules.identity.namespace, False),
                )
            else:
                counter = self._spread_counter(
                    rules, constraint, selector, static, column,
                    keys if keys_required else (), False,
                )  # fmt: skip
            self.state.add_spread(
                rules.class_id, False, counter, column, constraint.max_skew, hostname=hostname
            )

    def _spread_counter(
        self,
        rules: PodRules,
        constraint: TopologySpreadConstraint,
        selector: Selector | None,
        static: int,
        column: int,
        keys: tuple[int, ...],
        is_filter: bool,
    ) -> int:
        honors_affinity = (constraint.node_affinity_policy or "Honor") == "Honor"
        honors_taints = constraint.node_taints_policy == "Honor"
        limits: dict[str, Any] = {
            "keys": keys,
            "affinity_static": static if honors_affinity else -1,
            "taints_static": static if honors_taints else -1,
            "tracked": is_filter,
        }
        namespace = rules.identity.namespace
        return self._ask(
            ("spread", column, selector, namespace, *limits.values()),
            column,
            self._spread_question(selector, namespace, is_filter),
            **limits,
        )

    def _spread_question(
        self, selector: Selector | None, namespace: str, is_filter: bool
    ) -> Question:
        def question(placed: PodRules) -> _Answer | None:
            if placed.identity.namespace != namespace:
                return None
            if selector is None or not self.matcher.matches(selector, placed.identity.labels):
                return None
            # An empty selector counts nothing, a terminating pod is not counted; but both are when
            # a pod is added or removed in a trial (AddPod, RemovePod).
            counted = not selector.is_empty and not placed.terminating
            return _Answer(int(counted), int(is_filter))

        return question

    def _constraints(
        self, template: PodTemplate, action: str
    ) -> tuple[list[tuple[TopologySpreadConstraint, Selector | None]], bool]:
        """Return the constraints with that action, and whether nodes need all their keys."""
        own = template.spec.topology_spread_constraints
        if own:
            return [
                (c, merged_selector(c.label_selector, template.labels, c.match_label_keys))
                for c in own
                if c.when_unsatisfiable == action
            ], True
        required = not self.profile.default_spread_is_system
        defaults = [
            c for c in self.profile.default_spread_constraints if c.when_unsatisfiable == action
        ]
        selector = self._default_selector(template) if defaults else None
        if selector is None:
            return [], required
        return [(c, selector) for c in defaults], required

    def _default_selector(self, template: PodTemplate) -> Selector | None:
        """AND of the selectors of the pod's Services and of its controller; None if empty."""
        labels: dict[str, str] = {}
        expressions: list[Requirement] = []
        for service in self.objects.services:
            selects = (
                service.selector
                and service.namespace == template.namespace
                and all(template.labels.get(k) == v for k, v in service.selector.items())
            )
            if selects:
                labels.update(service.selector)
        owner = template.controller
        if owner is not None:
            for controller in self.objects.controllers:
                if (controller.kind, controller.name, controller.namespace) != (
                    owner.kind, owner.name, template.namespace,
                ):  # fmt: skip
                    continue
                selector = merged_selector(controller.selector, {})
                if selector is not None:
                    expressions += [
                        Requirement(key, "In", (value,)) for key, value in selector.labels
                    ]
                    expressions += selector.expressions
        if not labels and not expressions:
            return None
        return Selector(tuple(sorted(labels.items())), tuple(expressions))


def _keys(terms: list[Term]) -> list[str]:
    return list(dict.fromkeys(term.topology_key for term in terms))
