"""From load signals and autoscalers to the tables that a run with pod autoscaling reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.model.autoscaling import (
    AVERAGE_VALUE,
    CONTAINER_RESOURCE,
    EXTERNAL,
    RESOURCE,
    UTILIZATION,
    HorizontalPodAutoscaler,
    MetricSpec,
    ScaledObject,
    ScaledTrigger,
)
from pyscale.model.content import content_key
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU
from pyscale.model.vertical import VerticalPodAutoscaler
from pyscale.policies.base import Int32s, Int64s
from pyscale.policies.pod_autoscaler.pod_samples import InvalidMetricError, request_of

from .inputs import loads_of
from .pod_autoscaling import HPA, KEDA, NONE, PodAutoscaling
from .vertical import check_vertical, ladder_of

CPU_USE, POD_LOAD, WHOLE_LOAD = 0, 1, 2
_MOST = 1 << 62
_CPU_METRIC = MetricSpec(RESOURCE, CPU, UTILIZATION, 100)
_NANO_PER_MILLI = 1_000_000
_MICRO = 1_000_000


class LoadedWorkload(Protocol):
    """A workload, as far as a run reads it; the traces' ``Workload`` is one."""

    @property
    def name(self) -> str:
        """``namespace/name``."""

    @property
    def template(self) -> PodTemplate | None:
        """Template of its pods."""

    @property
    def kind(self) -> str:
        """Kind of the object with the replicas."""

    @property
    def initial_replicas(self) -> int:
        """Replicas at time 0."""

    @property
    def min_replicas(self) -> int:
        """Least replicas."""

    @property
    def max_replicas(self) -> int:
        """Most replicas."""

    @property
    def idle_cpu_milli(self) -> int:
        """Thousandths of a core that a pod uses without load."""

    @property
    def cpu_us_per_request(self) -> int:
        """Microseconds of a core per unit of load."""


class LoadSignals(Protocol):
    """Load signals, as far as a run reads them; the traces' ``Loads`` are such."""

    @property
    def workloads(self) -> tuple[LoadedWorkload, ...]:
        """What serves."""

    @property
    def metric(self) -> Any:
        """What is counted."""

    @property
    def offset(self) -> NDArray[np.int64]:
        """Steps of workload w are offset[w] up to offset[w + 1]."""

    @property
    def time_ns(self) -> NDArray[np.int64]:
        """When each value begins to hold."""

    @property
    def value_milli(self) -> NDArray[np.int64]:
        """Load from then on, in thousandths."""


@dataclass(frozen=True, eq=False)
class WorkloadPlan:
    """The workloads under pod autoscaling, as columns.

    Attributes
    ----------
    names : tuple of str
    metric : str
        What the load counts.
    class_id : ndarray of int32, shape (n_workloads,)
        Pod class of each, as its template has it; nobody else's.
    capacity, idle, cost : ndarray of int64, shape (n_workloads,)
        As :class:`~pyscale.kernel._scaled.ScaledEngine` takes them.
    offset : ndarray of int64, shape (n_workloads + 1,)
    step_time, step_value : ndarray of int64, shape (n_steps,)
    cpu_request : ndarray of int64, shape (n_classes,)
        As HPA counts it, in thousandths of a core; 0 for other classes.
    initial : ndarray of int32, shape (n_workloads,)
    horizontal : tuple of HorizontalPodAutoscaler
        One per workload.
    scaled_objects : dict of int to ScaledObject
    class_workload : ndarray of int32, shape (n_classes,)
        Workload of each class's pods, -1 for none; vertical autoscalers make it several classes.
    vertical : dict of int to VerticalPodAutoscaler
    ladders : dict of int to dict of int to int
        Pod class of every recommendation, in thousandths of a core, under a vertical autoscaler.
    containers : dict of int to str
        Name of the container under it.
    metric_workload, measure : ndarray of int32, shape (n_metrics,)
        Of the metrics of all autoscalers, side by side.
    expected_running : ndarray of float64, shape (n_classes,)
        Pods that serve the mean load.
    """

    names: tuple[str, ...]
    metric: str
    class_id: Int32s
    capacity: Int64s
    idle: Int64s
    cost: Int64s
    offset: Int64s
    step_time: Int64s
    step_value: Int64s
    cpu_request: Int64s
    initial: Int32s
    horizontal: tuple[HorizontalPodAutoscaler, ...]
    scaled_objects: dict[int, ScaledObject]
    class_workload: Int32s
    vertical: dict[int, VerticalPodAutoscaler]
    ladders: dict[int, dict[int, int]]
    containers: dict[int, str]
    metric_workload: Int32s
    measure: Int32s
    expected_running: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)


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
    horizontal, scaled_objects = [], {}
    columns: list[tuple[int, int, int, int]] = []
    for number, (index, workload) in enumerate(zip(chosen, workloads, strict=True)):
        capacity = _capacity(workload, templates[number], options)
        columns.append(
            (
                capacity,
                workload.idle_cpu_milli,
                workload.cpu_us_per_request,
                workload.initial_replicas,
            )
        )
        owner = assigned[index]
        if isinstance(owner, str):
            owner = _made(owner, workload, requests[number], capacity, options)
        if isinstance(owner, ScaledObject):
            _check_scaled_object(owner)
            scaled_objects[number] = owner
            owner = owner.horizontal()
        horizontal.append(owner)
    capacity_array, idle, cost, initial = np.array(columns, np.int64).T
    metric_workload, measure = [], []
    for number, autoscaler in enumerate(horizontal):
        for place, spec in enumerate(autoscaler.metrics):
            where = f"{autoscaler.namespace}/{autoscaler.name}"
            measure.append(
                _measure(
                    spec,
                    (where, f"$.spec.metrics[{place}]"),
                    str(loads.metric),
                    templates[number],
                    requests[number],
                    number in scaled_objects,
                )
            )
            metric_workload.append(number)
    offset, times, values = _steps(loads, chosen)
    largest = np.array(
        [
            values[a:b].max(initial=0)
            for a, b in zip(offset[:-1].tolist(), offset[1:].tolist(), strict=True)
        ],
        np.int64,
    )
    for number, workload in enumerate(workloads):
        worth = max(workload.cpu_us_per_request, options.sample_ns)
        if int(largest[number]) * worth >= _MOST:
            raise ValueError(
                f"workload {workload.name}: expected loads below "
                f"{_MOST // worth // 1000} {loads.metric}, found {int(largest[number]) // 1000}"
            )
    expected = np.zeros(len(pods.templates))
    for number, autoscaler in enumerate(horizontal):
        expected[class_id[number]] = _mean_pods(
            times[offset[number] : offset[number + 1]],
            values[offset[number] : offset[number + 1]],
            int(capacity_array[number]) * options.target_percent / 100,
            autoscaler,
            end_ns,
        )
    plan = WorkloadPlan(
        names=tuple(workload.name for workload in workloads),
        metric=str(loads.metric),
        class_id=class_id,
        capacity=np.ascontiguousarray(capacity_array),
        idle=np.ascontiguousarray(idle),
        cost=np.ascontiguousarray(cost),
        offset=offset,
        step_time=times,
        step_value=values,
        cpu_request=cpu_request,
        initial=initial.astype(np.int32),
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


def _made(
    what: str, workload: LoadedWorkload, request: int | None, capacity: int, options: PodAutoscaling
) -> HorizontalPodAutoscaler | ScaledObject:
    """Return an autoscaler for a workload that no object names."""
    namespace, _, name = workload.name.rpartition("/")
    target = f"{workload.kind}/{name}"
    namespace = namespace or "default"
    has_cost = workload.cpu_us_per_request > 0
    if capacity <= 0 or (has_cost and what == HPA and not request):
        raise ValueError(
            f"workload {workload.name}: expected a CPU request and a CPU cost of its load, or "
            "pod_load, to make an autoscaler for it"
        )
    per_pod = max(capacity * options.target_percent // 100, 1)
    if what == KEDA:
        metric = MetricSpec(EXTERNAL, "load", AVERAGE_VALUE, per_pod)
        return ScaledObject(
            name=name,
            creation_ns=0,
            namespace=namespace,
            max_replica_count=workload.max_replicas,
            target=target,
            triggers=(ScaledTrigger("external", metric),),
        )
    if has_cost:
        metric = MetricSpec(RESOURCE, CPU, UTILIZATION, options.target_percent)
    else:
        metric = MetricSpec(EXTERNAL, "load", AVERAGE_VALUE, per_pod)
    return HorizontalPodAutoscaler(
        name=name,
        namespace=namespace,
        target=target,
        min_replicas=max(workload.min_replicas, 1),
        max_replicas=max(workload.max_replicas, workload.min_replicas, 1),
        metrics=(metric,),
    )


def _check_scaled_object(scaled: ScaledObject) -> None:
    where = f"ScaledObject {scaled.namespace}/{scaled.name}"
    if not scaled.triggers:
        raise InvalidObjectError(where, "$.spec.triggers: expected at least one, found none")
    if scaled.min_replica_count == 0 and not any(it.activates for it in scaled.triggers):
        raise InvalidObjectError(
            where,
            "$.spec.minReplicaCount: expected >= 1 with only cpu and memory triggers, found 0",
        )


def _measure(
    spec: MetricSpec,
    place: tuple[str, str],
    metric: str,
    template: PodTemplate,
    request: int | None,
    is_keda: bool,
) -> int:
    """Return what of the load a metric measures."""
    where, path = place
    where = f"HorizontalPodAutoscaler {where}"
    if spec.source in (RESOURCE, CONTAINER_RESOURCE):
        if spec.name != CPU:
            raise UnsupportedError(f"{path}: use of {spec.name} in a simulation", where)
        if spec.source == CONTAINER_RESOURCE:
            names = [container.name for container in template.spec.containers]
            if names != [spec.container]:
                raise UnsupportedError(f"{path}: use of one container of {len(names)}", where)
        if spec.target_type == UTILIZATION and not request:
            problem = "expected a cpu request in every container, found none"
            raise InvalidObjectError(where, f"{path}: {problem}")
        return CPU_USE
    known = (metric, "load")
    if not is_keda and spec.name.replace("-", "_") not in known:
        problem = f"expected the trace's metric {metric}, found {spec.name!r}"
        raise InvalidObjectError(where, f"{path}: {problem}")
    return WHOLE_LOAD if spec.of_workload else POD_LOAD


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
