"""Selectors over pods: hashable, evaluated once per distinct set of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyscale.model.requirements import LabelSelector, Requirement
from pyscale.model.topology import PodAffinityTerm

from .label_rules import label_selector_matches

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Identity:
    """What selectors read of a pod."""

    namespace: str
    labels: Labels


def identity_of(namespace: str, labels: Mapping[str, str]) -> Identity:
    """Return the identity of a pod."""
    return Identity(namespace, tuple(sorted(labels.items())))


@dataclass(frozen=True)
class Selector:
    """A label selector with ``matchLabelKeys`` and ``mismatchLabelKeys`` merged into it."""

    labels: Labels
    expressions: tuple[Requirement, ...]

    @property
    def is_empty(self) -> bool:
        """Whether it selects everything."""
        return not self.labels and not self.expressions


def merged_selector(
    selector: LabelSelector | None,
    labels: Mapping[str, str],
    match_label_keys: tuple[str, ...] = (),
    mismatch_label_keys: tuple[str, ...] = (),
) -> Selector | None:
    """Merge the pod's own labels into a selector, as the API server does; None stays None."""
    if selector is None:
        return None
    expressions = list(selector.match_expressions)
    for keys, operator in ((match_label_keys, "In"), (mismatch_label_keys, "NotIn")):
        expressions += [Requirement(key, operator, (labels[key],)) for key in keys if key in labels]
    return Selector(tuple(sorted(selector.match_labels.items())), tuple(expressions))


@dataclass(frozen=True)
class Term:
    """A pod (anti-)affinity term, bound to the pod that has it."""

    topology_key: str
    selector: Selector | None
    namespaces: frozenset[str]
    namespace_selector: Selector | None


def bound_term(term: PodAffinityTerm, namespace: str, labels: Mapping[str, str]) -> Term:
    """Bind a written term to its pod."""
    namespaces = frozenset(term.namespaces)
    if not namespaces and term.namespace_selector is None:
        namespaces = frozenset((namespace,))
    return Term(
        term.topology_key,
        merged_selector(
            term.label_selector, labels, term.match_label_keys, term.mismatch_label_keys
        ),
        namespaces,
        merged_selector(term.namespace_selector, {}),
    )


class Matcher:
    """Evaluates selectors and terms, each distinct pair once.

    Parameters
    ----------
    namespaces : mapping of str to mapping
        Labels of the namespaces that exist.
    """

    def __init__(self, namespaces: Mapping[str, Mapping[str, str]]) -> None:
        self.namespaces = namespaces
        self._matches: dict[tuple[Selector, Labels], bool] = {}

    def matches(self, selector: Selector | None, labels: Labels) -> bool:
        """Whether a selector matches labels; None matches nothing."""
        if selector is None:
            return False
        key = (selector, labels)
        found = self._matches.get(key)
        if found is None:
            written = LabelSelector(dict(selector.labels), selector.expressions)
            found = self._matches[key] = label_selector_matches(written, dict(labels))
        return found

    def _namespace_labels(self, namespace: str) -> Labels | None:
        labels = self.namespaces.get(namespace)
        return None if labels is None else tuple(sorted(labels.items()))

    def of_existing(self, term: Term, incoming: Identity) -> bool:
        """Whether the term of a pod that is placed matches the incoming pod."""
        selector = term.namespace_selector
        in_namespace = incoming.namespace in term.namespaces or (
            selector is not None
            and self.matches(selector, self._namespace_labels(incoming.namespace) or ())
        )
        return in_namespace and self.matches(term.selector, incoming.labels)

    def of_incoming(self, term: Term, existing: Identity) -> bool:
        """Whether the term of the incoming pod matches a pod that is placed.

        Its namespace selector was expanded to the names of the namespaces that exist; since 1.34
        upstream also evaluates it against an empty set of labels, so that one made of NotIn and
        DoesNotExist only matches every namespace.
        """
        selector = term.namespace_selector
        in_namespace = existing.namespace in term.namespaces
        if not in_namespace and selector is not None:
            known = self._namespace_labels(existing.namespace)
            in_namespace = (
                selector.is_empty
                or (known is not None and self.matches(selector, known))
                or self.matches(selector, ())
            )
        return in_namespace and self.matches(term.selector, existing.labels)
