"""Node selector terms and tolerations, as written.

Follows ``component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go`` and
``k8s.io/api/core/v1/toleration.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyscale.model.requirements import NodeSelectorTerm
from pyscale.model.taints import (
    NO_EXECUTE,
    NO_SCHEDULE,
    PREFER_NO_SCHEDULE,
    Taint,
    Toleration,
)

from .label_rules import (
    NODE_SELECTOR_OPERATORS,
    expression_holds,
    must_have_one_element,
    requirement_errors,
    unsupported,
)

NAME_FIELD = "metadata.name"
CORDON_TAINT = Taint("node.kubernetes.io/unschedulable", NO_SCHEDULE)
"""What a toleration has to tolerate for its pod to be placed on a cordoned node."""
_FIELD_OPERATORS = ("In", "NotIn")


def is_empty_term(term: NodeSelectorTerm) -> bool:
    """Whether a term has no condition; such a term matches nothing."""
    return not term.match_expressions and not term.match_fields


def term_errors(term: NodeSelectorTerm, path: str = "") -> list[str]:
    """Return why a term cannot be parsed; empty if it can.  An empty term is fine."""
    errors = []
    for i, expression in enumerate(term.match_expressions):
        at = f"{path}.matchExpressions[{i}]"
        if expression.operator not in NODE_SELECTOR_OPERATORS:
            errors.append(
                unsupported(f"{at}.operator", expression.operator, NODE_SELECTOR_OPERATORS)
            )
        else:
            errors += requirement_errors(
                expression.key, expression.operator, expression.values, f"{at}."
            )
    for i, field in enumerate(term.match_fields):
        at = f"{path}.matchFields[{i}]"
        if field.operator not in _FIELD_OPERATORS:
            errors.append(unsupported(f"{at}.operator", field.operator, _FIELD_OPERATORS))
        elif len(field.values) != 1:
            errors.append(must_have_one_element(f"{at}.values", field.values))
    return errors


def node_selector_errors(terms: Iterable[NodeSelectorTerm]) -> list[str]:
    """Return the errors of all terms of a node selector."""
    return [
        error
        for i, term in enumerate(terms)
        for error in term_errors(term, f"nodeSelectorTerms[{i}]")
    ]


def term_matches(term: NodeSelectorTerm, labels: Mapping[str, str], name: str) -> bool:
    """Whether a valid term matches a node; an empty one matches nothing."""
    if is_empty_term(term):
        return False
    for expression in term.match_expressions:
        if not expression_holds(expression, labels.get(expression.key)):
            return False
    for field in term.match_fields:
        value = name if field.key == NAME_FIELD else ""
        if (value == field.values[0]) != (field.operator == "In"):
            return False
    return True


def any_term_matches(
    terms: Iterable[NodeSelectorTerm], labels: Mapping[str, str], name: str
) -> bool:
    """Whether some term matches a node; terms that cannot be parsed match nothing."""
    return any(not term_errors(term) and term_matches(term, labels, name) for term in terms)


def named_nodes(terms: Sequence[NodeSelectorTerm] | None) -> set[str] | None:
    """Return the nodes named, if every term has a ``metadata.name In`` field, else None.

    The union over the terms of each term's intersection (``NodeAffinity.PreFilter``).
    """
    if not terms:
        return None
    union: set[str] = set()
    for term in terms:
        named: set[str] | None = None
        for field in term.match_fields:
            if field.key == NAME_FIELD and field.operator == "In":
                values = set(field.values)
                named = values if named is None else named & values
        if named is None:
            return None
        union |= named
    return union


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration tolerates a taint; the comparing operators tolerate nothing here."""
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator in ("", "Equal"):
        return toleration.value == taint.value
    return toleration.operator == "Exists"


def tolerates_hard_taints(tolerations: Iterable[Toleration], taints: Iterable[Taint]) -> bool:
    """Whether every NoSchedule and NoExecute taint is tolerated."""
    tolerations = tuple(tolerations)
    return all(
        any(tolerates(toleration, taint) for toleration in tolerations)
        for taint in taints
        if taint.effect in (NO_SCHEDULE, NO_EXECUTE)
    )


def untolerated_soft_taints(tolerations: Iterable[Toleration], taints: Iterable[Taint]) -> int:
    """Return how many PreferNoSchedule taints no toleration of that effect (or any) tolerates."""
    soft = [t for t in tolerations if t.effect in ("", PREFER_NO_SCHEDULE)]
    return sum(
        taint.effect == PREFER_NO_SCHEDULE and not any(tolerates(t, taint) for t in soft)
        for taint in taints
    )
