"""What Karpenter reads of a pod's spec: requests, requirements, tolerations, selectors, ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from pyscale.model.pods import PodSpec, PodTemplate
from pyscale.model.requests import effective_request
from pyscale.model.requirements import LabelSelector
from pyscale.model.resources import NANO, PODS
from pyscale.model.taints import PREFER_NO_SCHEDULE, Taint, Toleration

from .requirements import Requirements, from_labels, from_written, parse_integer

#: (address, port, protocol) of a host port.
HostPort: TypeAlias = tuple[str, int, str]

TOLERATE_PREFER_NO_SCHEDULE = Toleration(operator="Exists", effect=PREFER_NO_SCHEDULE)
_ANY_ADDRESS = ("0.0.0.0", "::")


def pod_requests(spec: PodSpec) -> dict[str, int]:
    """Return the pod's request in nano-units, with one unit of ``pods``."""
    total = effective_request(spec)
    total[PODS] = NANO
    return total


def pod_requirements(spec: PodSpec, *, strict: bool) -> Requirements:
    """Return nodeSelector, heaviest preferred term (unless strict) and first required term.

    Notes
    -----
    Follows Karpenter core ``pkg/scheduling/requirements.go:NewPodRequirements``: of the required
    OR-terms only the first counts until relaxation drops it.
    """
    requirements = from_labels(spec.node_selector)
    if spec.preferred_node_affinity and not strict:
        heaviest = max(spec.preferred_node_affinity, key=lambda term: term.weight)
        requirements = requirements.merged(from_written(heaviest.preference.match_expressions))
    if spec.required_node_affinity:
        first = spec.required_node_affinity[0]
        requirements = requirements.merged(from_written(first.match_expressions))
    return requirements


def tolerates_taint(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    """Say whether some toleration covers the taint."""
    return any(_covers(toleration, taint) for toleration in tolerations)


def _covers(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    operator = toleration.operator or "Equal"
    if operator == "Exists":
        return True
    if operator == "Equal":
        return bool(toleration.key) and toleration.value == taint.value
    if operator in ("Lt", "Gt"):
        held, bound = parse_integer(taint.value), parse_integer(toleration.value)
        if held is None or bound is None:
            return False
        return held < bound if operator == "Lt" else held > bound
    return False


def untolerated(taints: Iterable[Taint], tolerations: Sequence[Toleration]) -> list[Taint]:
    """Return the taints that keep the pod away; every effect counts, PreferNoSchedule too."""
    return [taint for taint in taints if not tolerates_taint(taint, tolerations)]


def selector_matches(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Say whether a label selector selects; one that is absent or invalid selects nothing."""
    if selector is None:
        return False
    for key, value in selector.match_labels.items():
        if labels.get(key) != value:
            return False
    for item in selector.match_expressions:
        present = item.key in labels
        if item.operator == "In":
            matches = present and labels[item.key] in item.values
        elif item.operator == "NotIn":
            matches = not present or labels[item.key] not in item.values
        elif item.operator == "Exists":
            matches = present
        elif item.operator == "DoesNotExist":
            matches = not present
        else:
            matches = False
        if not matches:
            return False
    return True


def host_ports(spec: PodSpec) -> tuple[HostPort, ...]:
    """Return the host ports of the app containers."""
    return tuple(
        (port.host_ip or "0.0.0.0", port.host_port, port.protocol)
        for container in spec.containers
        for port in container.ports
        if port.host_port
    )


def ports_conflict(ours: Iterable[HostPort], theirs: Sequence[HostPort]) -> bool:
    """Say whether two pods with these host ports can't share a node."""
    for address, port, protocol in ours:
        for other_address, other_port, other_protocol in theirs:
            if (port, protocol) != (other_port, other_protocol):
                continue
            if address == other_address or address in _ANY_ADDRESS or other_address in _ANY_ADDRESS:
                return True
    return False


def owner_kinds(template: PodTemplate) -> frozenset[str]:
    """Return the kinds of the pod's owners."""
    return frozenset(owner.kind for owner in template.owners)
