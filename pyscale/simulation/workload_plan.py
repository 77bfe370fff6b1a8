"""From load signals and autoscalers to the tables that a run with pod autoscaling reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pyscale.errors import InvalidObjectError
from pyscale.model.autoscaling import (
    RESOURCE,
    UTILIZATION,
    HorizontalPodAutoscaler,
    MetricSpec,
    ScaledObject,
)
from pyscale.model.content import content_key
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU
from pyscale.model.vertical import VerticalPodAutoscaler
from pyscale.policies.base import Int32s, Int64s
from pyscale.policies.pod_autoscaler.pod_samples import InvalidMetricError, request_of

from .inputs import loads_of
from .pod_autoscaling import NONE, PodAutoscaling
from .vertical import check_vertical, ladder_of
from .workload_metrics import check_scaled_object, made_for, measure_of
from .workloads import LoadedWorkload, LoadSignals, WorkloadPlan

_MOST = 1 << 62
_CPU_METRIC = MetricSpec(RESOURCE, CPU, UTILIZATION, 100)
_NANO_PER_MILLI = 1_000_000
_MICRO = 1_000_000


def plan_of(
    trace: Any, pods: PodTable, options: PodAutoscaling, end_ns: int
) -> tuple[PodTable, WorkloadPlan]:
    """Return the pods that nobody scales, with the classes of all, and the workloads.

    Parameters
    ----------
    trace : object
        With ``loads``; ``owners`` and ``owner_id`` tell which rows of ``pods`` the workloads own:
        these are dropped.
    pods : PodTable
        Of the trace, rows in its order.
    options : PodAutoscaling
    end_ns : int

    Raises
    ------
    ValueError
        If the trace has no load, or one that no autoscaler scales.
    InvalidObjectError
        If an autoscaler has no workload or asks for a metric that the load does not give.
    UnsupportedError
        If it asks for something that a simulation does not know.
    """
    loads = loads_of(trace)
    assigned, vertical_of = _assign(options, loads)
    chosen = [i for i in range(len(loads.workloads)) if i in assigned]
    if not chosen:
        raise ValueError(f"trace {trace.name}: expected an autoscaler for a workload, found none")
    workloads = [loads.workloads[index] for index in chosen]
    _check_vertical(vertical_of, assigned, loads)
    pods = _without(trace, pods, {workload.name for workload in workloads})
    templates = [_template_of(workload, options) for workload in workloads]
    pods, class_id = _classes(pods, templates)
    requests = [_cpu_request(template) for template in templates]
    vertical = {chosen.index(index): vpa for index, vpa in vertical_of.items()}
    pods, ladders = _ladders(pods, templates, vertical, options)
    class_workload = np.full(len(pods.templates), -1, np.int32)
    cpu_request = np.zeros(len(pods.templates), np.int64)
    for number, first in enumerate(class_id.tolist()):
        for mine in {first, *ladders.get(number, {}).values()}:
            class_workload[mine] = number
            cpu_request[mine] = _cpu_request(pods.templates[mine]) or 0
    capacity = [
        _capacity(workload, template, options)
        for workload, template in zip(workloads, templates, strict=True)
    ]
    horizontal: list[HorizontalPodAutoscaler] = []
    scaled_objects: dict[int, ScaledObject] = {}
    for number, (index, workload) in enumerate(zip(chosen, workloads, strict=True)):
        owner = assigned[index]
        if isinstance(owner, str):
            owner = made_for(owner, workload, requests[number], capacity[number], options)
        if isinstance(owner, ScaledObject):
            check_scaled_object(owner)
            scaled_objects[number] = owner
            owner = owner.horizontal()
        horizontal.append(owner)
    metric_workload: list[int] = []
    measure: list[int] = []
    for number, autoscaler in enumerate(horizontal):
        where = f"{autoscaler.namespace}/{autoscaler.name}"
        known = None if number in scaled_objects else str(loads.metric)
        for place, spec in enumerate(autoscaler.metrics):
            path = f"$.spec.metrics[{place}]"
            metric_workload.append(number)
            measure.append(
                measure_of(spec, (where, path), known, templates[number], requests[number])
            )
    offset, times, values = _steps(loads, chosen)
    expected = np.zeros(len(pods.templates))
    for number, (workload, autoscaler) in enumerate(zip(workloads, horizontal, strict=True)):
        span = slice(int(offset[number]), int(offset[number + 1]))
        _check_load(workload, str(loads.metric), int(values[span].max(initial=0)), options)
        per_pod = capacity[number] * options.target_percent / 100
        expected[class_id[number]] = _mean_pods(
            times[span], values[span], per_pod, autoscaler, end_ns
        )
    plan = WorkloadPlan(
        names=tuple(workload.name for workload in workloads),
        metric=str(loads.metric),
        class_id=class_id,
        capacity=np.array(capacity, np.int64),
        idle=np.array([workload.idle_cpu_milli for workload in workloads], np.int64),
        cost=np.array([workload.cpu_us_per_request for workload in workloads], np.int64),
        offset=offset,
        step_time=times,
        step_value=values,
        cpu_request=cpu_request,
        initial=np.array([workload.initial_replicas for workload in workloads], np.int32),
        horizontal=tuple(horizontal),
        scaled_objects=scaled_objects,
        class_workload=class_workload,
        vertical=vertical,
        ladders=ladders,
        containers={
            number: templates[number].spec.containers[0].name for number in sorted(vertical)
        },
        metric_workload=np.array(metric_workload, np.int32),
        measure=np.array(measure, np.int32),
        expected_running=expected,
    )
    return pods, plan


def _assign(
    options: PodAutoscaling, loads: LoadSignals
) -> tuple[
    dict[int, HorizontalPodAutoscaler | ScaledObject | str], dict[int, VerticalPodAutoscaler]
]:
    by_target = {
        (workload.name, workload.kind): index for index, workload in enumerate(loads.workloads)
    }
    assigned: dict[int, HorizontalPodAutoscaler | ScaledObject | str] = {}
    vertical: dict[int, VerticalPodAutoscaler] = {}
    for given in options.objects:
        kind, _, target = given.target.partition("/")
        where = f"{type(given).__name__} {given.namespace}/{given.name}"
        index = by_target.get((f"{given.namespace}/{target}", kind))
        if index is None:
            problem = f"expected a workload of the trace, found {given.target!r}"
            raise InvalidObjectError(where, f"target: {problem}")
        table: dict[int, Any] = vertical if isinstance(given, VerticalPodAutoscaler) else assigned
        if index in table:
            other = table[index]
            raise InvalidObjectError(
                where, f"target: {given.target!r} is scaled by {other.namespace}/{other.name} too"
            )
        table[index] = given
    if options.others != NONE:
        for index in range(len(loads.workloads)):
            assigned.setdefault(index, options.others)
    return assigned, vertical


def _check_vertical(
    vertical: dict[int, VerticalPodAutoscaler], assigned: dict[int, Any], loads: LoadSignals
) -> None:
    for index, vpa in vertical.items():
        if index not in assigned:
            raise InvalidObjectError(
                f"VerticalPodAutoscaler {vpa.namespace}/{vpa.name}",
                f"target: expected a workload with a horizontal autoscaler too, found "
                f"{loads.workloads[index].name!r}",
            )


def _without(trace: Any, pods: PodTable, names: set[str]) -> PodTable:
    owner_id = getattr(trace, "owner_id", None)
    if owner_id is None:
        return pods
    is_scaled = np.array([owner in names for owner in trace.owners] + [False], np.bool_)
    return pods.select(~is_scaled[owner_id])


def _template_of(workload: LoadedWorkload, options: PodAutoscaling) -> PodTemplate:
    template = workload.template or options.template
    if template is None:
        raise ValueError(
            f"workload {workload.name}: expected a pod template, found none; "
            "give one to PodAutoscaling"
        )
    return template


def _classes(pods: PodTable, templates: Sequence[PodTemplate]) -> tuple[PodTable, Int32s]:
    """Give every workload a class of its own; one of the trace's if nobody has it now."""
    taken = set(pods.class_id.tolist())
    free = {
        content_key(template): index
        for index, template in reversed(list(enumerate(pods.templates)))
        if index not in taken
    }
    everything = list(pods.templates)
    class_id = []
    for template in templates:
        index = free.pop(content_key(template), None)
        if index is None:
            index = len(everything)
            everything.append(template)
        class_id.append(index)
    return replace(pods, templates=tuple(everything)), np.array(class_id, np.int32)


def _ladders(
    pods: PodTable,
    templates: Sequence[PodTemplate],
    vertical: dict[int, VerticalPodAutoscaler],
    options: PodAutoscaling,
) -> tuple[PodTable, dict[int, dict[int, int]]]:
    """Add a class for every request that a vertical autoscaler may ask for."""
    everything = list(pods.templates)
    ladders: dict[int, dict[int, int]] = {}
    for number, vpa in sorted(vertical.items()):
        check_vertical(vpa, templates[number])
        ladders[number] = {}
        for target, template in ladder_of(vpa, templates[number], options.recommender).items():
            ladders[number][target] = len(everything)
            everything.append(template)
    return replace(pods, templates=tuple(everything)), ladders


def _cpu_request(template: PodTemplate) -> int | None:
    try:
        return request_of(template.spec, _CPU_METRIC)
    except InvalidMetricError:
        return None


def _capacity(workload: LoadedWorkload, template: PodTemplate, options: PodAutoscaling) -> int:
    """Return what one pod serves, in thousandths; -1 for any load."""
    cost = workload.cpu_us_per_request
    if not cost:
        return -1 if options.pod_load is None else options.pod_load * 1000
    most = 0
    for container in template.spec.containers:
        if CPU in container.limits:
            most += container.limits[CPU] // _NANO_PER_MILLI
        else:
            request = container.requests.get(CPU, 0) // _NANO_PER_MILLI
            most += request * options.burst_percent // 100
    return max(most - workload.idle_cpu_milli, 0) * _MICRO // cost


def _check_load(
    workload: LoadedWorkload, metric: str, largest: int, options: PodAutoscaling
) -> None:
    # What the kernel multiplies must stay within 62 bits.
    worth = max(workload.cpu_us_per_request, options.sample_ns)
    if largest * worth >= _MOST:
        raise ValueError(
            f"workload {workload.name}: expected loads below {_MOST // worth // 1000} {metric}, "
            f"found {largest // 1000}"
        )


def _steps(loads: LoadSignals, chosen: Sequence[int]) -> tuple[Int64s, Int64s, Int64s]:
    spans = [(int(loads.offset[index]), int(loads.offset[index + 1])) for index in chosen]
    offset = np.cumsum([0, *(last - first for first, last in spans)], dtype=np.int64)
    empty = np.empty(0, np.int64)
    times = np.concatenate([empty, *(loads.time_ns[first:last] for first, last in spans)])
    values = np.concatenate([empty, *(loads.value_milli[first:last] for first, last in spans)])
    return offset, times, values


def _mean_pods(
    times: Int64s,
    values: Int64s,
    per_pod: float,
    autoscaler: HorizontalPodAutoscaler,
    end_ns: int,
) -> float:
    if per_pod <= 0 or not len(times):
        return float(autoscaler.min_replicas)
    lengths = np.diff(np.minimum(np.append(times, end_ns), end_ns))
    mean = float((values * lengths.astype(np.float64)).sum()) / max(end_ns, 1) / per_pod
    return min(max(mean, float(autoscaler.min_replicas)), float(autoscaler.max_replicas))
