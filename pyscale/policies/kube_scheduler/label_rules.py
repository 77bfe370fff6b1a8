"""Label keys, label values and requirements as the API machinery checks them, with its words.

Follows ``k8s.io/apimachinery/pkg/labels/selector.go`` (``NewRequirement``, ``Requirement.String``)
and ``pkg/util/validation`` (``IsQualifiedName``, ``IsValidLabelValue``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from pyscale.model.requirements import LabelSelector, Requirement

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DECIMAL = re.compile(r"[+-]?[0-9]+")
_START_AND_END = "and must start and end with an alphanumeric character"
_NAME_RULE = (
    f"must consist of alphanumeric characters, '-', '_' or '.', {_START_AND_END} "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    f"{_START_AND_END} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    f"'.', {_START_AND_END} (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_SELECTOR_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
NODE_SELECTOR_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")


@lru_cache(maxsize=4096)
def label_key_problems(key: str) -> tuple[str, ...]:
    """Return what is wrong with a label key; empty if nothing is."""
    problems: list[str] = []
    parts = key.split("/")
    if len(parts) > 2:
        return (
            f"a qualified name {_NAME_RULE} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')",
        )
    if len(parts) == 2:
        if not parts[0]:
            problems.append("prefix part must be non-empty")
        else:
            if len(parts[0].encode()) > 253:
                problems.append("prefix part must be no more than 253 bytes")
            if not _SUBDOMAIN.fullmatch(parts[0]):
                problems.append(f"prefix part {_SUBDOMAIN_RULE}")
    name = parts[-1]
    if not name:
        problems.append("name part must be non-empty")
    elif len(name.encode()) > 63:
        problems.append("name part must be no more than 63 bytes")
    if not _NAME.fullmatch(name):
        problems.append(f"name part {_NAME_RULE}")
    return tuple(problems)


@lru_cache(maxsize=4096)
def label_value_problems(value: str) -> tuple[str, ...]:
    """Return what is wrong with a label value; empty if nothing is."""
    problems = []
    if len(value.encode()) > 63:
        problems.append("must be no more than 63 bytes")
    if value and not _NAME.fullmatch(value):
        problems.append(_VALUE_RULE)
    return tuple(problems)


def as_int64(text: str) -> int | None:
    """Return a decimal text as an integer if 64 bits hold it, else None."""
    if not _DECIMAL.fullmatch(text):
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def requirement_errors(key: str, operator: str, values: Sequence[str], path: str) -> list[str]:
    """Return the error texts of one requirement; ``path`` is the field's, empty or ending in a dot.

    ``operator`` may also be ``=``, which ``matchLabels`` stand for.
    """
    errors = []
    if problems := label_key_problems(key):
        errors.append(_invalid(f"{path}key", key, "; ".join(problems)))
    at = f"{path}values"
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(
                _invalid(at, values, "for 'in', 'notin' operators, values set can't be empty")
            )
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            errors.append(
                _invalid(at, values, "values set must be empty for exists and does not exist")
            )
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            errors.append(
                _invalid(at, values, "for 'Gt', 'Lt' operators, exactly one value is required")
            )
        errors += [
            _invalid(f"{at}[{i}]", value, "for 'Gt', 'Lt' operators, the value must be an integer")
            for i, value in enumerate(values)
            if as_int64(value) is None
        ]
    for i, value in enumerate(values):
        if problems := label_value_problems(value):
            errors.append(_invalid(f"{at}[{i}][{key}]", value, "; ".join(problems)))
    return errors


def unsupported(path: str, value: str, supported: Sequence[str]) -> str:
    """Return the text of a field whose value is none of those supported."""
    choices = ", ".join(f'"{choice}"' for choice in supported)
    return f"{path}: Unsupported value: {_quoted(value)}: supported values: {choices}"


def _invalid(path: str, value: str | Sequence[str], problem: str) -> str:
    if isinstance(value, str):
        shown = _quoted(value)
    elif not value and path == "values":
        shown = "null"  # of a label selector: Go's append makes nil out of an empty list
    else:
        shown = json.dumps(list(value), separators=(",", ":"))
    return f"{path}: Invalid value: {shown}: {problem}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def must_have_one_element(path: str, values: Sequence[str]) -> str:
    """Return the text of a field requirement with other than one value."""
    return _invalid(path, values, "must have one element")


def joined(errors: Sequence[str]) -> str:
    """Return several errors as upstream's aggregate prints them, each text once."""
    unique = list(dict.fromkeys(errors))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"


# --- label selectors ---


def label_selector_error(selector: LabelSelector) -> str | None:
    """Return why a label selector cannot be parsed, None if it can.

    With several bad ``matchLabels`` upstream names any one of them; this is the first in order.
    """
    for key, value in selector.match_labels.items():
        if errors := requirement_errors(key, "=", (value,), ""):
            return joined(errors)
    for expression in selector.match_expressions:
        if expression.operator not in LABEL_SELECTOR_OPERATORS:
            return f"{_quoted(expression.operator)} is not a valid label selector operator"
        errors = requirement_errors(expression.key, expression.operator, expression.values, "")
        if errors:
            return joined(errors)
    return None


def label_selector_text(selector: LabelSelector) -> str:
    """Return a label selector in its text form, sorted by key."""
    parts = [(key, f"{key}={value}") for key, value in selector.match_labels.items()]
    for expression in selector.match_expressions:
        if expression.operator == "Exists":
            text = expression.key
        elif expression.operator == "DoesNotExist":
            text = f"!{expression.key}"
        else:
            word = "in" if expression.operator == "In" else "notin"
            text = f"{expression.key} {word} ({','.join(sorted(expression.values))})"
        parts.append((expression.key, text))
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0]))


def is_empty(selector: LabelSelector | None) -> bool:
    """Whether a selector is given and selects everything."""
    return selector is not None and not selector.match_labels and not selector.match_expressions


def label_selector_matches(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector matches labels; None matches nothing, an empty one everything."""
    if selector is None:
        return False
    for key, value in selector.match_labels.items():
        if labels.get(key) != value:
            return False
    return all(expression_holds(e, labels.get(e.key)) for e in selector.match_expressions)


def expression_holds(expression: Requirement, value: str | None) -> bool:
    """Whether a valid requirement holds for a label's value, None if the label is absent."""
    operator = expression.operator
    if operator == "In":
        return value is not None and value in expression.values
    if operator == "NotIn":
        return value is None or value not in expression.values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    number = None if value is None else as_int64(value)
    bound = as_int64(expression.values[0])
    if number is None or bound is None:
        return False
    return number > bound if operator == "Gt" else number < bound
