"""Sum a workload's pods and their samples into one metric row.

Follows kubernetes ``pkg/controller/podautoscaler/replica_calculator.go`` (``groupPods``,
``calculatePodRequests``) and ``metrics/utilization.go``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.autoscaling import (
    CONTAINER_RESOURCE,
    OBJECT,
    PODS_METRIC,
    UTILIZATION,
    VALUE,
    MetricSpec,
)
from ...model.pods import Container, Pod, PodCondition, PodSpec
from ...model.requests import effective_request, is_sidecar
from ...model.resources import CPU
from .replica_tables import HorizontalPodAutoscalerOptions

_NANO_PER_MILLI = 1_000_000
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ResourceSample:
    """A pod's usage per listed container, in milli-units per resource, at a time over a window."""

    time_ns: int
    window_ns: int
    containers: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the metrics APIs answer; amounts in milli-units.

    ``resource`` maps a pod's name to its sample; ``pods`` a metric's name to values per pod;
    ``object`` and ``external`` a metric's name to its value or values.  A metric that is not listed
    is an error of its API.
    """

    resource: Mapping[str, ResourceSample]
    pods: Mapping[str, Mapping[str, int]]
    object: Mapping[str, int]
    external: Mapping[str, Sequence[int]]


class InvalidMetricError(Exception):
    """The metric yields no proposal in this sync."""


def observe(
    row: NDArray[np.void],
    metric: MetricSpec,
    pods: Sequence[Pod],
    metrics: Metrics,
    now_ns: int,
    options: HorizontalPodAutoscalerOptions,
) -> None:
    """Fill one metric row from pods and metrics; ``valid`` stays 0 where there is no answer."""
    try:
        if metric.of_workload:
            _observe_workload(row, metric, pods, metrics)
        else:
            _observe_pods(row, metric, pods, metrics, now_ns, options)
    except InvalidMetricError:
        row["valid"] = 0
    else:
        row["valid"] = 1


def _observe_workload(
    row: NDArray[np.void], metric: MetricSpec, pods: Sequence[Pod], metrics: Metrics
) -> None:
    if metric.source == OBJECT:
        if metric.name not in metrics.object:
            raise InvalidMetricError
        row["usage"] = metrics.object[metric.name]
    else:
        values = metrics.external.get(metric.name)
        if not values:
            raise InvalidMetricError
        row["usage"] = _saturating_sum(values)
    if metric.target_type == VALUE:
        row["n_ready"] = sum(map(_is_running_and_ready, pods)) if pods else -1


def _saturating_sum(values: Sequence[int]) -> int:
    return max(-_INT64_MAX - 1, min(_INT64_MAX, sum(values)))


def _observe_pods(
    row: NDArray[np.void],
    metric: MetricSpec,
    pods: Sequence[Pod],
    metrics: Metrics,
    now_ns: int,
    options: HorizontalPodAutoscalerOptions,
) -> None:
    samples, times = _samples(metric, metrics)
    if not pods:
        raise InvalidMetricError
    distrusted_resource = metric.name if metric.source != PODS_METRIC else ""
    unready: list[str] = []
    missing: list[str] = []
    n_ready = 0
    for pod in pods:
        if pod.deletion_ns is not None or pod.phase == "Failed":
            samples.pop(pod.name, None)
        elif pod.phase == "Pending":
            unready.append(pod.name)
        elif pod.name not in samples:
            missing.append(pod.name)
        elif distrusted_resource == CPU and _is_distrusted(pod, times[pod.name], now_ns, options):
            unready.append(pod.name)
        else:
            n_ready += 1
    for name in unready:
        samples.pop(name, None)
    if not samples:
        raise InvalidMetricError
    row["n_metrics"] = len(samples)
    row["n_ready"] = n_ready
    row["n_unready"] = len(unready)
    row["n_missing"] = len(missing)
    if metric.target_type != UTILIZATION:
        row["usage"] = sum(samples.values())
        row["missing_fill"] = len(missing) * metric.target
        return
    requests = {pod.name: request_of(pod.template.spec, metric) for pod in pods}
    counted = [name for name in samples if name in requests]
    row["usage"] = sum(samples[name] for name in counted)
    row["request"] = sum(requests[name] for name in counted)
    row["unready_request"] = sum(requests[name] for name in unready)
    row["missing_request"] = sum(requests[name] for name in missing)
    # A target above 100 % must not be mistaken for spare room of a pod that was not measured.
    percent = max(100, metric.target)
    row["missing_fill"] = sum(_truncated(requests[name] * percent, 100) for name in missing)


def _samples(
    metric: MetricSpec, metrics: Metrics
) -> tuple[dict[str, int], Mapping[str, ResourceSample]]:
    """Return usage per pod; a listed container without the resource drops its pod."""
    if metric.source == PODS_METRIC:
        values = metrics.pods.get(metric.name)
        if not values:
            raise InvalidMetricError
        return dict(values), {}
    if not metrics.resource:
        raise InvalidMetricError
    usage = {}
    for name, sample in metrics.resource.items():
        if metric.source == CONTAINER_RESOURCE:
            container = sample.containers.get(metric.container, {})
            if metric.name in container:
                usage[name] = container[metric.name]
        elif sample.containers and all(metric.name in c for c in sample.containers.values()):
            usage[name] = sum(container[metric.name] for container in sample.containers.values())
    return usage, metrics.resource


def _is_distrusted(
    pod: Pod, sample: ResourceSample, now_ns: int, options: HorizontalPodAutoscalerOptions
) -> bool:
    """Whether a CPU sample may still show the pod's start instead of its load."""
    ready = _ready_condition(pod)
    if ready is None or pod.start_ns is None:
        return True
    transition = ready.last_transition_ns or 0
    is_unready = ready.status == "False"
    if pod.start_ns + options.horizontal_pod_autoscaler_cpu_initialization_period > now_ns:
        # Young: a full window since the last transition must have been measured.
        return is_unready or sample.time_ns < transition + sample.window_ns
    delay = options.horizontal_pod_autoscaler_initial_readiness_delay
    return is_unready and pod.start_ns + delay > transition


def _ready_condition(pod: Pod) -> PodCondition | None:
    return next((each for each in pod.conditions if each.type == "Ready"), None)


def _is_running_and_ready(pod: Pod) -> bool:
    ready = _ready_condition(pod)
    return pod.phase == "Running" and ready is not None and ready.status == "True"


def request_of(spec: PodSpec, metric: MetricSpec) -> int:
    """Return a pod's request in milli-units.

    Raises
    ------
    InvalidMetricError
        If a container has none.
    """
    sidecars = tuple(filter(is_sidecar, spec.init_containers))
    containers: Sequence[Container] = (*spec.containers, *sidecars)
    if metric.source == CONTAINER_RESOURCE:
        containers = [each for each in containers if each.name == metric.container][:1]
        if not containers:
            raise InvalidMetricError
    elif spec.resources:
        return _pod_level_request(spec, metric.name)
    total = 0
    for container in containers:
        if metric.name not in container.requests:
            raise InvalidMetricError
        total += _milli(container.requests[metric.name])
    return total


def _milli(nano: int) -> int:
    return -(-nano // _NANO_PER_MILLI)


def _truncated(dividend: int, divisor: int) -> int:
    quotient = abs(dividend) // divisor
    return quotient if dividend >= 0 else -quotient


def _pod_level_request(spec: PodSpec, resource: str) -> int:
    request = effective_request(spec)
    if resource not in request:
        raise InvalidMetricError
    return _milli(request[resource])
