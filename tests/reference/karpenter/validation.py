"""Which pending pods provisioning ignores."""

import re

from .labels import CAPACITY_TYPE, CAPACITY_TYPES, NODE_POOL, is_restricted, normalize_key
from .pods import pod_requirements, required_node_terms
from .requirements import parse_integer

OPERATORS = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"}
NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def ignored_reason(pod, volumes, well_known):
    """Why the pending pod takes no part in the round, or None."""
    for key, value in (pod.spec.get("nodeSelector") or {}).items():
        reason = invalid_expression_reason(
            {"key": key, "operator": "In", "values": [value]}, well_known
        )
        if reason:
            return reason
    for term in required_node_terms(pod.spec):
        if term.get("matchFields"):
            return "a required node affinity term uses matchFields"
        for expression in term.get("matchExpressions") or ():
            reason = invalid_expression_reason(expression, well_known)
            if reason:
                return reason
    requirements = pod_requirements(pod.spec)
    if NODE_POOL in requirements and requirements[NODE_POOL].operator == "DoesNotExist":
        return f"it excludes every node with the label {NODE_POOL}"
    return volumes.invalid_reason(pod)


def invalid_expression_reason(expression, well_known):
    key, operator, values = (
        normalize_key(expression["key"]),
        expression["operator"],
        expression.get("values") or [],
    )
    if is_restricted(key, well_known):
        return f"the label {key} is restricted"
    if operator not in OPERATORS:
        return f"the operator {operator} is unknown"
    if not valid_label_name(key):
        return f"{key} is no valid label name"
    for value in values:
        if value and not NAME.fullmatch(value):
            return f"{value!r} is no valid label value for {key}"
    if operator == "In" and not values:
        return f"In without values for {key}"
    if operator in ("Gt", "Lt", "Gte", "Lte"):
        number = parse_integer(values[0]) if len(values) == 1 else None
        if number is None or number < 0:
            return f"{operator} for {key} needs exactly one non-negative integer"
    if key == CAPACITY_TYPE and operator == "In" and not set(values) & set(CAPACITY_TYPES):
        return f"no known capacity type among {values}"
    return None


def valid_label_name(key):
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or not DNS_SUBDOMAIN.fullmatch(prefix)):
        return False
    return bool(NAME.fullmatch(name))
