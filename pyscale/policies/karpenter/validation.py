"""Which pending pods provisioning ignores."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyscale.model.nodes import CAPACITY_TYPE_LABEL, NODEPOOL_LABEL
from pyscale.model.pods import PodSpec
from pyscale.model.requirements import Requirement as WrittenRequirement

from .labels import RESTRICTED_DOMAINS, is_restricted, normalize_key
from .podspec import pod_requirements
from .requirements import parse_integer

OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"})
CAPACITY_TYPES = ("reserved", "spot", "on-demand")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def ignored_reason(
    spec: PodSpec,
    well_known: frozenset[str],
    restricted_domains: tuple[str, ...] = RESTRICTED_DOMAINS,
) -> str:
    """Say why provisioning ignores a pod with this spec; empty if it does not.

    Notes
    -----
    Follows Karpenter core ``pkg/controllers/provisioning/provisioner.go:Validate``.  Volumes are
    judged apart (:meth:`.volumes.Volumes.invalid_reason`).
    """
    for key, value in spec.node_selector.items():
        selected = WrittenRequirement(key, "In", (value,))
        reason = invalid_expression(selected, well_known, restricted_domains)
        if reason:
            return reason
    for term in spec.required_node_affinity or ():
        if term.match_fields:
            return "a required node affinity term uses matchFields"
        for expression in term.match_expressions:
            reason = invalid_expression(expression, well_known, restricted_domains)
            if reason:
                return reason
    pool = pod_requirements(spec, strict=False).get(NODEPOOL_LABEL)
    if pool is not None and pool.operator == "DoesNotExist":
        return f"it excludes every node with the label {NODEPOOL_LABEL}"
    return ""


def invalid_expression(
    expression: WrittenRequirement,
    well_known: frozenset[str],
    restricted_domains: tuple[str, ...] = RESTRICTED_DOMAINS,
) -> str:
    """Say what is wrong with a requirement that a pod or a pool uses; empty if nothing is."""
    key, operator, values = normalize_key(expression.key), expression.operator, expression.values
    if is_restricted(key, well_known, restricted_domains):
        return f"the label {key} is restricted"
    if operator not in OPERATORS:
        return f"the operator {operator!r} is unknown"
    if not _valid_key(key):
        return f"{key!r} is no valid label name"
    wrong = _invalid_value(values)
    if wrong is not None:
        return f"{wrong!r} is no valid label value for {key}"
    if operator == "In" and not values:
        return f"In without values for {key}"
    if operator in ("Gt", "Lt", "Gte", "Lte"):
        number = parse_integer(values[0]) if len(values) == 1 else None
        if number is None or number < 0:
            return f"{operator} for {key} needs exactly one non-negative integer"
    if key == CAPACITY_TYPE_LABEL and operator == "In" and not set(values) & set(CAPACITY_TYPES):
        return f"no known capacity type among {', '.join(values)}"
    return ""


def _invalid_value(values: Iterable[str]) -> str | None:
    return next((value for value in values if value and not _NAME.fullmatch(value)), None)


def _valid_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not _DNS_SUBDOMAIN.fullmatch(prefix)):
        return False
    return bool(_NAME.fullmatch(name))
