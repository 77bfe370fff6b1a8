"""A recommendation applied to a pod: LimitRanges, policy, container limits, proportional limits.

Follows kubernetes/autoscaler ``vertical-pod-autoscaler/pkg/utils/vpa/capping.go`` and
``pkg/admission-controller/resource/pod/recommendation``.  Amounts are in milli-units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...model.pods import Container, Pod
from ...model.vertical import (
    ContainerPolicy,
    ContainerRecommendation,
    LimitRange,
    VerticalPodAutoscaler,
)
from .limit_ranges import (
    Amounts,
    combined,
    fit_container,
    fit_pod,
    milli_amounts,
    proportional_limit,
)
from .recommender import BOUNDS

REQUESTS_ONLY = "RequestsOnly"


@dataclass(slots=True)
class ProcessedContainer:
    """One container's bounds after capping, and what was capped in the target."""

    name: str
    bounds: dict[str, Amounts]
    capped: list[str] = field(default_factory=list)


@dataclass(slots=True)
class AdmittedContainer:
    """What the admission controller sets."""

    requests: Amounts = field(default_factory=dict)
    limits: Amounts = field(default_factory=dict)


def process(
    vpa: VerticalPodAutoscaler, pod: Pod, limit_ranges: Sequence[LimitRange]
) -> list[ProcessedContainer]:
    """Return the autoscaler's recommendations as they apply to a pod's containers.

    The order is: the pod's LimitRange, then per container its LimitRange, its policy and, with
    RequestsOnly, its limits.
    """
    containers = {container.name: container for container in pod.template.spec.containers}
    processed = [
        ProcessedContainer(entry.container, _bounds(entry))
        for entry in vpa.recommendation
        if entry.container in containers
    ]
    of_pod, of_container = combined(limit_ranges, "Pod"), combined(limit_ranges, "Container")
    if of_pod.minimum or of_pod.maximum:
        _add_unrecommended(processed, containers)
    for bound in BOUNDS:
        fit_pod({it.name: it.bounds[bound] for it in processed}, containers, of_pod)
        for it in processed:
            amounts, container = it.bounds[bound], containers[it.name]
            capped = fit_container(amounts, container, of_container)
            capped += _fit_policy(amounts, container, vpa.policy_of(it.name))
            if bound == "target":
                it.capped = sorted(capped)
    return processed


def _bounds(entry: ContainerRecommendation) -> dict[str, Amounts]:
    return {bound: milli_amounts(getattr(entry, bound)) for bound in (*BOUNDS, "uncapped_target")}


def _add_unrecommended(
    processed: list[ProcessedContainer], containers: dict[str, Container]
) -> None:
    """Under a pod LimitRange, a container without recommendation counts with its own requests."""
    known = {it.name for it in processed}
    for name, container in containers.items():
        if name not in known:
            own = milli_amounts(container.requests)
            bounds = {"target": own, "lower_bound": {}, "upper_bound": {}}
            processed.append(ProcessedContainer(name, bounds))


def _fit_policy(amounts: Amounts, container: Container, policy: ContainerPolicy) -> list[str]:
    limits: Amounts = {}
    if policy.controlled_values == REQUESTS_ONLY:
        limits = milli_amounts(container.limits)
    minimum, maximum = milli_amounts(policy.min_allowed), milli_amounts(policy.max_allowed)
    capped = []
    for resource in amounts:
        if resource in minimum and amounts[resource] < minimum[resource]:
            amounts[resource] = minimum[resource]
            capped.append(f"{resource} capped to minAllowed")
        if resource in maximum and amounts[resource] > maximum[resource]:
            amounts[resource] = maximum[resource]
            capped.append(f"{resource} capped to maxAllowed")
        if resource in limits and amounts[resource] > limits[resource]:
            amounts[resource] = limits[resource]
            capped.append(f"{resource} capped to container limit")
    return capped


def admit(
    vpa: VerticalPodAutoscaler,
    pod: Pod,
    processed: Sequence[ProcessedContainer],
    limit_ranges: Sequence[LimitRange],
) -> list[AdmittedContainer]:
    """Return what the admission controller sets, per container of the pod.

    Limits keep their original ratio to the request; where there is no recommendation nothing is
    set.
    """
    targets = {it.name: it.bounds["target"] for it in processed}
    defaults = combined(limit_ranges, "Container").default_limit
    admitted = []
    for container in pod.template.spec.containers:
        result = AdmittedContainer()
        admitted.append(result)
        if container.name not in targets:
            continue
        result.requests = dict(targets[container.name])
        if vpa.policy_of(container.name).controlled_values == REQUESTS_ONLY:
            continue
        for resource, request in result.requests.items():
            limit = proportional_limit(container, resource, request, defaults)
            if limit is not None:
                result.limits[resource] = limit
    return admitted
