"""Workloads, disruption budgets, services and namespaces from manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.pods import OwnerReference, PodTemplate
from pyscale.model.requirements import LabelSelector
from pyscale.model.validation import (
    validate_namespace,
    validate_pod_disruption_budget,
    validate_service,
    validate_workload,
)
from pyscale.model.workloads import Namespace, Service, Workload

from . import _wire as base
from . import _wire_groups as budgets
from . import _wire_workloads as wire
from ._convert import label_selector, owner_references, read
from .pods import DEFAULT_NAMESPACE, template_of

API_VERSIONS = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "ReplicationController": "v1",
}


def workload_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True, kind: str = ""
) -> Workload:
    """Read a Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob or RC.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.
    kind : str, optional
        The kind, where the object does not say it.

    Returns
    -------
    Workload
        The template lives in the workload's namespace and is owned by it, as its pods are (the
        ReplicaSet between a Deployment and its pods is left out).

    Raises
    ------
    InvalidObjectError
        With object and field path, or for another kind.
    """
    kind = str(obj.get("kind") or kind)
    check = validate and validate_workload
    if kind == "CronJob":
        return read(kind, obj, wire.CronJob, lambda given: _cron_job(given, obj), where, check)
    if kind == "ReplicationController":
        return read(kind, obj, wire.Selecting, lambda given: _controller(given, obj), where, check)
    return read(kind, obj, wire.Workload, lambda given: _workload(kind, given, obj), where, check)


def _workload(kind: str, given: wire.Workload, obj: Mapping[str, Any]) -> Workload:
    metadata = given.metadata or base.ObjectMeta()
    spec = given.spec or wire.WorkloadSpec()
    raw = (obj.get("spec") or {}).get("template") or {}
    return Workload(
        kind=kind,
        name=metadata.name or "",
        template=_template(kind, metadata, spec.template, raw, "$.spec.template"),
        count=_count(kind, spec),
        namespace=metadata.namespace or DEFAULT_NAMESPACE,
        uid=metadata.uid or "",
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        owners=owner_references(metadata.owner_references),
        selector=label_selector(spec.selector),
        suspended=bool(spec.suspend),
    )


def _count(kind: str, spec: wire.WorkloadSpec) -> int | None:
    if kind == "DaemonSet":
        return None
    if kind == "Job":
        parallelism = 1 if spec.parallelism is None else spec.parallelism
        return parallelism if spec.completions is None else min(parallelism, spec.completions)
    return 1 if spec.replicas is None else spec.replicas


def _cron_job(given: wire.CronJob, obj: Mapping[str, Any]) -> Workload:
    metadata = given.metadata or base.ObjectMeta()
    spec = given.spec or wire.CronJobSpec()
    job = (spec.job_template or wire.JobTemplate()).spec or wire.WorkloadSpec()
    raw: Any = obj
    for field in ("spec", "jobTemplate", "spec", "template"):
        raw = raw.get(field) or {}
    path = "$.spec.jobTemplate.spec.template"
    return Workload(
        kind="CronJob",
        name=metadata.name or "",
        template=_template("CronJob", metadata, job.template, raw, path),
        count=_count("Job", job),
        namespace=metadata.namespace or DEFAULT_NAMESPACE,
        uid=metadata.uid or "",
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        owners=owner_references(metadata.owner_references),
        selector=label_selector(job.selector),
        suspended=bool(spec.suspend),
        schedule=spec.schedule or "",
    )


def _controller(given: wire.Selecting, obj: Mapping[str, Any]) -> Workload:
    metadata = given.metadata or base.ObjectMeta()
    spec = given.spec or wire.SelectingSpec()
    raw = (obj.get("spec") or {}).get("template") or {}
    kind = "ReplicationController"
    return Workload(
        kind=kind,
        name=metadata.name or "",
        template=_template(kind, metadata, spec.template, raw, "$.spec.template"),
        count=1 if spec.replicas is None else spec.replicas,
        namespace=metadata.namespace or DEFAULT_NAMESPACE,
        uid=metadata.uid or "",
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        owners=owner_references(metadata.owner_references),
        selector=LabelSelector(spec.selector) if spec.selector else None,
    )


def _template(
    kind: str,
    metadata: base.ObjectMeta,
    given: base.PodTemplate | None,
    raw: Mapping[str, Any],
    path: str,
) -> PodTemplate:
    """The workload's pods: in its namespace, owned by it."""
    template = template_of(given or base.PodTemplate(), raw, path)
    owner = OwnerReference(
        kind, metadata.name or "", metadata.uid or "", API_VERSIONS.get(kind, ""), controller=True
    )
    return PodTemplate(
        spec=template.spec,
        namespace=metadata.namespace or DEFAULT_NAMESPACE,
        labels=template.labels,
        annotations=template.annotations,
        owners=(owner,),
    )


def pod_disruption_budget_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True
) -> PodDisruptionBudget:
    """Read a ``policy/v1`` PodDisruptionBudget.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """

    def build(given: budgets.PodDisruptionBudget) -> PodDisruptionBudget:
        metadata = given.metadata or base.ObjectMeta()
        spec = given.spec or budgets.PodDisruptionBudgetSpec()
        status = given.status or budgets.PodDisruptionBudgetStatus()
        return PodDisruptionBudget(
            name=metadata.name or "",
            namespace=metadata.namespace or DEFAULT_NAMESPACE,
            selector=label_selector(spec.selector),
            min_available=spec.min_available,
            max_unavailable=spec.max_unavailable,
            unhealthy_pod_eviction_policy=spec.unhealthy_pod_eviction_policy,
            disruptions_allowed=status.disruptions_allowed or 0,
            current_healthy=status.current_healthy or 0,
            desired_healthy=status.desired_healthy or 0,
            expected_pods=status.expected_pods or 0,
            disrupted_pods=status.disrupted_pods or {},
        )

    return read(
        "pod disruption budget",
        obj,
        budgets.PodDisruptionBudget,
        build,
        where,
        validate and validate_pod_disruption_budget,
    )


def service_from_dict(obj: Mapping[str, Any], where: str = "", validate: bool = True) -> Service:
    """Read a ``v1`` Service.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """

    def build(given: wire.Selecting) -> Service:
        metadata = given.metadata or base.ObjectMeta()
        return Service(
            name=metadata.name or "",
            namespace=metadata.namespace or DEFAULT_NAMESPACE,
            labels=metadata.labels or {},
            selector=(given.spec.selector or {}) if given.spec else {},
        )

    return read("service", obj, wire.Selecting, build, where, validate and validate_service)


def namespace_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True
) -> Namespace:
    """Read a ``v1`` Namespace.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """

    def build(given: wire.Namespace) -> Namespace:
        metadata = given.metadata or base.ObjectMeta()
        return Namespace(metadata.name or "", metadata.labels or {}, metadata.annotations or {})

    return read("namespace", obj, wire.Namespace, build, where, validate and validate_namespace)
