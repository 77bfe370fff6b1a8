"""Pods and pod templates that an API server would refuse."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from pyscale.model.pods import Container, Pod, PodSpec, PodTemplate
from pyscale.model.taints import Toleration
from pyscale.model.topology import (
    PodAffinityTerm,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)

from . import _fields as check
from ._fields import Problems, raise_first

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def validate_pod(pod: Pod, where: str = "", *, template_is_valid: bool = False) -> None:
    """Refuse a pod that an API server would refuse.

    Parameters
    ----------
    pod : Pod
        The pod.
    where : str, optional
        Named first in the error.
    template_is_valid : bool, default False
        Whether the template was validated before.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    problems: Iterable[tuple[str, str]] = check.object_name("$.metadata.name", pod.name)
    if not template_is_valid:
        problems = chain(problems, template_problems(pod.template))
    raise_first("pod", pod.key, where, problems)


def validate_pod_template(template: PodTemplate, where: str = "") -> None:
    """Refuse a pod template that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("pod template", "", where, template_problems(template))


def template_problems(template: PodTemplate, path: str = "$") -> Problems:
    """Yield what is wrong with a template as (path, problem) pairs."""
    yield from check.namespace(f"{path}.metadata.namespace", template.namespace)
    yield from check.labels(f"{path}.metadata.labels", template.labels)
    yield from check.annotation_keys(f"{path}.metadata.annotations", template.annotations)
    yield from _spec(template.spec, f"{path}.spec")


def _spec(spec: PodSpec, path: str) -> Problems:
    if not spec.containers:
        yield f"{path}.containers", "expected at least one container, found none"
    yield from _containers(spec, path)
    own = f"{path}.resources"
    yield from check.requests_and_limits(own, spec.resources, spec.resource_limits)
    yield from check.resources(f"{path}.overhead", spec.overhead)
    yield from check.labels(f"{path}.nodeSelector", spec.node_selector)
    yield from _affinity(spec, f"{path}.affinity")
    for index, toleration in enumerate(spec.tolerations):
        yield from _toleration(f"{path}.tolerations[{index}]", toleration)
    yield from _spread(f"{path}.topologySpreadConstraints", spec.topology_spread_constraints)
    yield from _volumes(spec, f"{path}.volumes")
    if spec.preemption_policy is not None:
        policies = ("PreemptLowerPriority", "Never")
        yield from check.one_of(f"{path}.preemptionPolicy", spec.preemption_policy, policies)
    restart_policies = ("", "Always", "OnFailure", "Never")
    yield from check.one_of(f"{path}.restartPolicy", spec.restart_policy, restart_policies)
    if spec.termination_grace_period_seconds is not None:
        here = f"{path}.terminationGracePeriodSeconds"
        yield from check.within(here, spec.termination_grace_period_seconds, 0)
    gates = spec.scheduling_gates
    for index, gate in enumerate(gates):
        yield from check.label_key(f"{path}.schedulingGates[{index}].name", gate)
    if len(set(gates)) != len(gates):
        yield f"{path}.schedulingGates", "expected each gate once, found one twice"


def _containers(spec: PodSpec, path: str) -> Problems:
    names = set()
    ports = set()
    fields = (("initContainers", spec.init_containers), ("containers", spec.containers))
    for field, containers in fields:
        for index, container in enumerate(containers):
            here = f"{path}.{field}[{index}]"
            yield from check.requests_and_limits(
                f"{here}.resources", container.requests, container.limits
            )
            yield from _ports(here, container, spec.host_network)
            if container.name and container.name in names:
                yield f"{here}.name", f"expected each name once, found {container.name!r} twice"
            names.add(container.name)
            if field == "initContainers" and container.restart_policy not in (None, "Always"):
                yield from check.one_of(
                    f"{here}.restartPolicy", container.restart_policy or "", ("Always",)
                )
            if field == "initContainers" and container.restart_policy != "Always":
                continue  # plain init containers have ended when the others claim their ports
            for position, port in enumerate(container.ports):
                if port.host_port:
                    key = (port.protocol or "TCP", port.host_ip, port.host_port)
                    if key in ports:
                        problem = f"expected each host port once, found {port.host_port} twice"
                        yield f"{here}.ports[{position}].hostPort", problem
                    ports.add(key)


def _ports(path: str, container: Container, host_network: bool) -> Problems:
    for index, port in enumerate(container.ports):
        here = f"{path}.ports[{index}]"
        yield from check.within(f"{here}.containerPort", port.container_port, 1, 65535)
        yield from check.within(f"{here}.hostPort", port.host_port, 0, 65535)
        yield from check.one_of(f"{here}.protocol", port.protocol, ("", "TCP", "UDP", "SCTP"))
        yield from check.ip_address(f"{here}.hostIP", port.host_ip)
        if host_network and port.host_port not in (0, port.container_port):
            problem = f"expected containerPort {port.container_port} as the pod uses the node's"
            yield f"{here}.hostPort", f"{problem} network, found {port.host_port}"


def _affinity(spec: PodSpec, path: str) -> Problems:
    if spec.required_node_affinity is not None:
        yield from check.node_selector(
            f"{path}.nodeAffinity.{_REQUIRED}", spec.required_node_affinity
        )
    for index, preferred in enumerate(spec.preferred_node_affinity):
        here = f"{path}.nodeAffinity.{_PREFERRED}[{index}]"
        yield from check.within(f"{here}.weight", preferred.weight, 1, 100)
        yield from check.node_selector_term(f"{here}.preference", preferred.preference)
    for field, required, weighted in (
        ("podAffinity", spec.required_pod_affinity, spec.preferred_pod_affinity),
        ("podAntiAffinity", spec.required_pod_anti_affinity, spec.preferred_pod_anti_affinity),
    ):
        yield from _affinity_terms(f"{path}.{field}", required, weighted)


def _affinity_terms(
    path: str,
    required: tuple[PodAffinityTerm, ...],
    weighted: tuple[WeightedPodAffinityTerm, ...],
) -> Problems:
    for index, term in enumerate(required):
        yield from _affinity_term(f"{path}.{_REQUIRED}[{index}]", term)
    for index, preferred in enumerate(weighted):
        here = f"{path}.{_PREFERRED}[{index}]"
        yield from check.within(f"{here}.weight", preferred.weight, 1, 100)
        yield from _affinity_term(f"{here}.podAffinityTerm", preferred.term)


def _affinity_term(path: str, term: PodAffinityTerm) -> Problems:
    yield from check.label_key(f"{path}.topologyKey", term.topology_key)
    yield from check.label_selector(f"{path}.labelSelector", term.label_selector)
    yield from check.label_selector(f"{path}.namespaceSelector", term.namespace_selector)
    for index, namespace in enumerate(term.namespaces):
        yield from check.namespace(f"{path}.namespaces[{index}]", namespace)
    has_selector = term.label_selector is not None
    yield from _label_keys(f"{path}.matchLabelKeys", term.match_label_keys, has_selector)
    yield from _label_keys(f"{path}.mismatchLabelKeys", term.mismatch_label_keys, has_selector)
    for index, key in enumerate(term.match_label_keys):
        if key in term.mismatch_label_keys:
            problem = f"expected a key that is not in mismatchLabelKeys, found {key!r}"
            yield f"{path}.matchLabelKeys[{index}]", problem


def _label_keys(path: str, keys: tuple[str, ...], has_selector: bool) -> Problems:
    if keys and not has_selector:
        yield path, "expected a labelSelector beside it, found none"
    for index, key in enumerate(keys):
        yield from check.label_key(f"{path}[{index}]", key)


def _toleration(path: str, toleration: Toleration) -> Problems:
    operator = toleration.operator or "Equal"
    yield from check.one_of(f"{path}.operator", operator, ("Equal", "Exists"))
    if toleration.key:
        yield from check.label_key(f"{path}.key", toleration.key)
    elif operator != "Exists":
        yield f"{path}.operator", f"expected Exists, as there is no key, found {operator}"
    if operator == "Exists" and toleration.value:
        yield f"{path}.value", f"expected none for Exists, found {toleration.value!r}"
    yield from check.label_value(f"{path}.value", toleration.value)
    yield from check.one_of(f"{path}.effect", toleration.effect, ("", *check.TAINT_EFFECTS))
    if toleration.toleration_seconds is not None and toleration.effect != "NoExecute":
        found = toleration.effect or "none"
        yield f"{path}.effect", f"expected NoExecute beside tolerationSeconds, found {found}"


def _spread(path: str, constraints: tuple[TopologySpreadConstraint, ...]) -> Problems:
    seen = set()
    for index, constraint in enumerate(constraints):
        here = f"{path}[{index}]"
        yield from check.within(f"{here}.maxSkew", constraint.max_skew, 1)
        yield from check.label_key(f"{here}.topologyKey", constraint.topology_key)
        action = constraint.when_unsatisfiable
        actions = ("DoNotSchedule", "ScheduleAnyway")
        yield from check.one_of(f"{here}.whenUnsatisfiable", action, actions)
        if constraint.min_domains is not None:
            yield from check.within(f"{here}.minDomains", constraint.min_domains, 1)
            if action != "DoNotSchedule":
                yield f"{here}.minDomains", f"expected none for {action}"
        for field, policy in (
            ("nodeAffinityPolicy", constraint.node_affinity_policy),
            ("nodeTaintsPolicy", constraint.node_taints_policy),
        ):
            if policy is not None:
                yield from check.one_of(f"{here}.{field}", policy, ("Honor", "Ignore"))
        yield from check.label_selector(f"{here}.labelSelector", constraint.label_selector)
        has_selector = constraint.label_selector is not None
        yield from _label_keys(f"{here}.matchLabelKeys", constraint.match_label_keys, has_selector)
        pair = (constraint.topology_key, action)
        if pair in seen:
            problem = f"expected each topologyKey and action once, found {' '.join(pair)} twice"
            yield here, problem
        seen.add(pair)


def _volumes(spec: PodSpec, path: str) -> Problems:
    names = set()
    for index, volume in enumerate(spec.volumes):
        here = f"{path}[{index}]"
        if not check.is_dns_label(volume.name):
            yield f"{here}.name", f"expected a lower-case DNS label, found {volume.name!r}"
        if volume.name in names:
            yield f"{here}.name", f"expected each name once, found {volume.name!r} twice"
        names.add(volume.name)
        if volume.kind == "persistentVolumeClaim" and not volume.claim_name:
            yield f"{here}.persistentVolumeClaim.claimName", "expected a name, found none"
