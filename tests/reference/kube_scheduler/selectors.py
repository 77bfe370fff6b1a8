"""Label selectors, node selector terms, tolerations."""

from __future__ import annotations

import re

# --- label selectors (metav1.LabelSelector) ---


def label_selector_matches(selector: dict | None, labels: dict[str, str]) -> bool:
    """A nil selector matches nothing, `{}` matches everything."""
    if selector is None:
        return False
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(
        _label_expression_matches(expression, labels)
        for expression in selector.get("matchExpressions") or []
    )


def _label_expression_matches(expression: dict, labels: dict[str, str]) -> bool:
    operator, key = expression["operator"], expression["key"]
    listed = key in labels and labels[key] in (expression.get("values") or [])
    if operator == "In":
        return listed
    if operator == "NotIn":
        return not listed
    if operator == "Exists":
        return key in labels
    return key not in labels  # DoesNotExist


def label_selector_is_empty(selector: dict | None) -> bool:
    return (
        selector is not None
        and not selector.get("matchLabels")
        and not selector.get("matchExpressions")
    )


def with_match_label_keys(
    selector: dict | None, source: dict, labels: dict[str, str]
) -> dict | None:
    """matchLabelKeys / mismatchLabelKeys of `source` merged into the selector, as the API
    server does."""
    if selector is None:
        return None
    expressions = list(selector.get("matchExpressions") or [])
    for field, operator in (("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")):
        for key in source.get(field, []):
            if key in labels:
                expressions.append({"key": key, "operator": operator, "values": [labels[key]]})
    return {**selector, "matchExpressions": expressions}


# --- node selector terms (v1.NodeSelectorTerm) ---

_NAME_PART = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
_DNS_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_DECIMAL = re.compile(r"^[+-]?[0-9]+$")


def is_label_value(text: str) -> bool:
    return text == "" or (len(text) <= 63 and bool(_NAME_PART.match(text)))


def is_qualified_name(text: str) -> bool:
    """A label key: an optional DNS prefix and `/`, then a name part of at most 63 characters."""
    prefix, slash, name = text.rpartition("/")
    if slash and not (len(prefix) <= 253 and _DNS_SUBDOMAIN.match(prefix)):
        return False
    return len(name) <= 63 and bool(_NAME_PART.match(name))


def as_int64(text: str) -> int | None:
    if not _DECIMAL.match(text):
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def _expression_is_valid(expression: dict) -> bool:
    operator, values = expression["operator"], expression.get("values") or []
    if operator in ("In", "NotIn"):
        sound = len(values) > 0
    elif operator in ("Exists", "DoesNotExist"):
        sound = not values
    elif operator in ("Gt", "Lt"):
        sound = len(values) == 1 and as_int64(values[0]) is not None
    else:
        sound = False
    # Every value must be a label value, so that `Gt "-5"` is invalid although -5 is an integer.
    return (
        sound
        and is_qualified_name(expression["key"])
        and all(is_label_value(value) for value in values)
    )


def _field_is_valid(field: dict) -> bool:
    return field["operator"] in ("In", "NotIn") and len(field.get("values") or []) == 1


def node_term_is_valid(term: dict) -> bool:
    """An invalid required term never matches; an invalid preferred one fails the cycle."""
    return all(map(_expression_is_valid, term.get("matchExpressions") or [])) and all(
        map(_field_is_valid, term.get("matchFields") or [])
    )


def node_term_is_empty(term: dict) -> bool:
    return not term.get("matchExpressions") and not term.get("matchFields")


def node_term_matches(term: dict, labels: dict[str, str], node_name: str) -> bool:
    """One NodeSelectorTerm.

    AND over expressions and fields; an empty or invalid term matches nothing.
    """
    if node_term_is_empty(term) or not node_term_is_valid(term):
        return False
    return all(
        _node_expression_matches(e, labels) for e in term.get("matchExpressions") or []
    ) and all(_node_field_matches(f, node_name) for f in term.get("matchFields") or [])


def _node_expression_matches(expression: dict, labels: dict[str, str]) -> bool:
    operator, key, values = (
        expression["operator"],
        expression["key"],
        expression.get("values") or [],
    )
    if operator not in ("Gt", "Lt"):
        return _label_expression_matches(expression, labels)
    if key not in labels:
        return False
    label, bound = as_int64(labels[key]), as_int64(values[0])
    if label is None:
        return False
    return label > bound if operator == "Gt" else label < bound


def _node_field_matches(field: dict, node_name: str) -> bool:
    value = node_name if field["key"] == "metadata.name" else ""
    return (value == field["values"][0]) == (field["operator"] == "In")


def any_node_term_matches(terms: list[dict] | None, labels: dict[str, str], node_name: str) -> bool:
    """A NodeSelector: OR over its terms; an empty list matches nothing."""
    return any(node_term_matches(term, labels, node_name) for term in terms or [])


# --- taints and tolerations ---


def tolerates(toleration: dict, taint: dict) -> bool:
    """the comparison operators Lt / Gt are off by default and tolerate nothing."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Equal":
        return toleration.get("value", "") == taint.get("value", "")
    return operator == "Exists"


def first_untolerated_taint(
    taints: list[dict], tolerations: list[dict], effects: tuple[str, ...]
) -> dict | None:
    for taint in taints:
        if taint["effect"] in effects and not any(
            tolerates(toleration, taint) for toleration in tolerations
        ):
            return taint
    return None
