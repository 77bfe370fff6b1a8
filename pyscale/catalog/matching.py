"""Which machines a condition on node labels allows."""

from __future__ import annotations

from collections.abc import Mapping

from pyscale.model.catalog import InstanceType
from pyscale.model.nodes import ARCH_LABEL, INSTANCE_TYPE_LABEL, OS_LABEL, ZONE_LABEL
from pyscale.model.requirements import Requirement

from .nodes import EBS_ZONE_LABEL

_STABLE = {
    "beta.kubernetes.io/arch": ARCH_LABEL,
    "beta.kubernetes.io/os": OS_LABEL,
    "beta.kubernetes.io/instance-type": INSTANCE_TYPE_LABEL,
    "failure-domain.beta.kubernetes.io/zone": ZONE_LABEL,
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    EBS_ZONE_LABEL: ZONE_LABEL,
}


def stable_key(key: str) -> str:
    """Return the key that an old or a driver's own name of a label stands for."""
    return _STABLE.get(key, key)


def is_met(requirement: Requirement, value: str | None) -> bool:
    """Whether a node with this value of the label (None: without it) meets a requirement.

    Notes
    -----
    Follows ``k8s.io/component-helpers/scheduling/corev1/nodeaffinity``; Gte and Lte, which only
    Karpenter knows, compare as Gt and Lt do, with equality.
    """
    operator, values = requirement.operator, requirement.values
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    if operator == "Exists":
        return value is not None
    if operator == "DoesNotExist":
        return value is None
    bound = _integer(values[0]) if len(values) == 1 else None
    number = None if value is None else _integer(value)
    if number is None or bound is None:
        return False
    return {
        "Gt": number > bound,
        "Lt": number < bound,
        "Gte": number >= bound,
        "Lte": number <= bound,
    }.get(operator, False)


def type_labels(kind: InstanceType) -> Mapping[str, str]:
    """Return the labels that every node of a type has; of several values the first."""
    return {
        **{key: values[0] for key, values in kind.labels.items() if values},
        ARCH_LABEL: kind.architecture,
        INSTANCE_TYPE_LABEL: kind.name,
        OS_LABEL: "linux" if "linux" in kind.os else "".join(kind.os[:1]),
    }


def _integer(text: str) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
        return None
    return int(text)
