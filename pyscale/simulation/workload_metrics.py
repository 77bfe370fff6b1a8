"""Autoscalers made for workloads that no object names, and what their metrics measure."""

from __future__ import annotations

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
from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU

from .pod_autoscaling import HPA, KEDA, PodAutoscaling
from .workloads import LoadedWorkload

CPU_USE, POD_LOAD, WHOLE_LOAD = 0, 1, 2


def made_for(
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


def check_scaled_object(scaled: ScaledObject) -> None:
    """Refuse a ScaledObject that could never scale."""
    where = f"ScaledObject {scaled.namespace}/{scaled.name}"
    if not scaled.triggers:
        raise InvalidObjectError(where, "$.spec.triggers: expected at least one, found none")
    if scaled.min_replica_count == 0 and not any(it.activates for it in scaled.triggers):
        raise InvalidObjectError(
            where,
            "$.spec.minReplicaCount: expected >= 1 with only cpu and memory triggers, found 0",
        )


def measure_of(
    spec: MetricSpec,
    place: tuple[str, str],
    metric: str | None,
    template: PodTemplate,
    request: int | None,
) -> int:
    """Return what of the load a metric measures.

    Parameters
    ----------
    spec : MetricSpec
    place : tuple of str
        Name of the autoscaler and path of the metric.
    metric : str or None
        The metric that the load counts; None if any name will do.
    template : PodTemplate
    request : int or None
        CPU request of the pods in thousandths, None where a container has none.

    Raises
    ------
    InvalidObjectError
        If the load does not give the metric.
    UnsupportedError
        If no load could.
    """
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
    if metric is not None and spec.name.replace("-", "_") not in (metric, "load"):
        problem = f"expected the trace's metric {metric}, found {spec.name!r}"
        raise InvalidObjectError(where, f"{path}: {problem}")
    return WHOLE_LOAD if spec.of_workload else POD_LOAD
