"""Workloads, budgets, services and namespaces that an API server would refuse."""

from __future__ import annotations

from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.workloads import Namespace, Service, Workload

from . import _fields as check
from ._fields import Problems, raise_first
from .cron import schedule_problem
from .pods import template_problems

_COUNT_FIELDS = {"Job": "parallelism", "CronJob": "jobTemplate.spec.parallelism"}
_NEEDS_SELECTOR = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")


def validate_workload(workload: Workload, where: str = "") -> None:
    """Refuse a workload that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first(workload.kind, workload.key, where, _workload_problems(workload))


def _workload_problems(workload: Workload) -> Problems:
    yield from check.metadata(
        workload.name, workload.labels, workload.annotations, workload.namespace
    )
    if workload.count is not None:
        field = _COUNT_FIELDS.get(workload.kind, "replicas")
        yield from check.within(f"$.spec.{field}", workload.count, 0)
    if workload.kind in _NEEDS_SELECTOR:
        if workload.selector is None:
            yield "$.spec.selector", "expected a selector, found none"
        else:
            yield from check.label_selector("$.spec.selector", workload.selector)
            for key, value in workload.selector.match_labels.items():
                if workload.template.labels.get(key) != value:
                    here = check.entry("$.spec.template.metadata.labels", key)
                    found = workload.template.labels.get(key, "none")
                    yield here, f"expected {value!r} as the selector wants, found {found!r}"
    if workload.kind == "CronJob":
        problem = schedule_problem(workload.schedule)
        if problem:
            yield "$.spec.schedule", problem
    path = "$.spec.jobTemplate.spec" if workload.kind == "CronJob" else "$.spec"
    yield from template_problems(workload.template, f"{path}.template")


def validate_pod_disruption_budget(budget: PodDisruptionBudget, where: str = "") -> None:
    """Refuse a budget that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    name = f"{budget.namespace}/{budget.name}"
    raise_first("pod disruption budget", name, where, _budget_problems(budget))


def _budget_problems(budget: PodDisruptionBudget) -> Problems:
    yield from check.object_name("$.metadata.name", budget.name)
    yield from check.namespace("$.metadata.namespace", budget.namespace)
    yield from check.int_or_percent("$.spec.minAvailable", budget.min_available)
    yield from check.int_or_percent("$.spec.maxUnavailable", budget.max_unavailable)
    if budget.min_available is not None and budget.max_unavailable is not None:
        yield "$.spec", "expected minAvailable or maxUnavailable, found both"
    yield from check.label_selector("$.spec.selector", budget.selector)
    if budget.unhealthy_pod_eviction_policy is not None:
        yield from check.one_of(
            "$.spec.unhealthyPodEvictionPolicy",
            budget.unhealthy_pod_eviction_policy,
            ("IfHealthyBudget", "AlwaysAllow"),
        )


def validate_service(service: Service, where: str = "") -> None:
    """Refuse a service that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    name = f"{service.namespace}/{service.name}"
    raise_first("service", name, where, _service_problems(service))


def _service_problems(service: Service) -> Problems:
    yield from check.metadata(service.name, service.labels, {}, service.namespace)
    yield from check.labels("$.spec.selector", service.selector)


def validate_namespace(namespace: Namespace, where: str = "") -> None:
    """Refuse a namespace that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("namespace", namespace.name, where, _namespace_problems(namespace))


def _namespace_problems(namespace: Namespace) -> Problems:
    yield from check.namespace("$.metadata.name", namespace.name)
    yield from check.labels("$.metadata.labels", namespace.labels)
    yield from check.annotation_keys("$.metadata.annotations", namespace.annotations)
