"""The input of one recorded kube-scheduler case, as the policy's objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pyscale.manifests import (
    csi_node_from_dict,
    namespace_from_dict,
    node_from_dict,
    persistent_volume_claim_from_dict,
    persistent_volume_from_dict,
    pod_disruption_budget_from_dict,
    pod_from_dict,
    service_from_dict,
    storage_class_from_dict,
    workload_from_dict,
)
from pyscale.model.nodes import Node
from pyscale.model.pods import Pod, PodTemplate
from pyscale.model.times import parse_timestamp
from pyscale.policies.kube_scheduler.configuration import profile_from_configuration
from pyscale.policies.kube_scheduler.objects import ClusterObjects
from pyscale.policies.kube_scheduler.scheduler import Scheduler

T = TypeVar("T")


class CaseInput:
    """The cluster before the first decision."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self._node_templates: list[Node] = [
            node_from_dict(template, validate=False) for template in raw.get("nodeTemplates", [])
        ]
        self._pod_templates: list[Pod] = [
            pod_from_dict(template, validate=False) for template in raw.get("podTemplates", [])
        ]
        self._templates: dict[object, PodTemplate] = {}
        self.nodes = [self.node(reference) for reference in raw.get("nodes", [])]
        self.node_names = [node.name for node in self.nodes]
        self.pods: list[dict[str, Any]] = raw.get("pods", [])
        profile = profile_from_configuration(raw.get("config"), validate=False)
        self.scheduler = Scheduler(profile, _objects(raw))
        for reference, node in zip(raw.get("nodes", []), self.nodes, strict=True):
            if not reference.get("later"):
                self.scheduler.add_node(node)
        for reference in raw.get("boundPods", []):
            if reference["nodeName"] in self.scheduler.pods_on:
                self.scheduler.place(self.pod(reference), reference["nodeName"])
        for reference in raw.get("nominatedPods", []):
            self.scheduler.nominate(self.pod(reference), reference["nominatedNodeName"])

    def node(self, reference: Mapping[str, Any]) -> Node:
        """Return the node that a reference stands for."""
        template = self._node_templates[int(reference["template"])]
        return replace(
            template,
            name=reference["name"],
            labels={**template.labels, **reference.get("labels", {})},
        )

    def pod(self, reference: Mapping[str, Any]) -> Pod:
        """Return the pod that a reference stands for."""
        written = self._pod_templates[reference["template"]]
        labels = reference.get("labels") or {}
        priority = reference.get("priority")
        key = (
            reference["template"],
            reference.get("namespace"),
            tuple(sorted(labels.items())),
            priority,
        )
        template = self._templates.get(key)
        if template is None:
            template = written.template
            spec = template.spec
            if written.node_name:
                spec = replace(spec, node_name=written.node_name)
            if priority is not None:
                spec = replace(spec, priority=priority)
            template = self._templates[key] = replace(
                template,
                spec=spec,
                namespace=reference.get("namespace") or template.namespace,
                labels={**template.labels, **labels},
            )
        return Pod(
            name=reference["name"],
            template=template,
            deletion_ns=_time(reference.get("deletionTimestamp"), written.deletion_ns),
            start_ns=_time(reference.get("startTime"), written.start_ns),
            nominated_node_name=reference.get("nominatedNodeName") or written.nominated_node_name,
            conditions=written.conditions,
        )

    def priority(self, reference: Mapping[str, Any]) -> int:
        """Return the priority of a pod to be scheduled."""
        if reference.get("priority") is not None:
            return int(reference["priority"])
        return self._pod_templates[reference["template"]].template.spec.priority or 0

    def queue_order(self) -> list[int]:
        """Return the pods by descending priority, list order among equals."""
        return sorted(range(len(self.pods)), key=lambda i: -self.priority(self.pods[i]))


def _time(text: str | None, otherwise: int | None) -> int | None:
    return parse_timestamp(text) if text else otherwise


def _objects(raw: Mapping[str, Any]) -> ClusterObjects:
    def read(field: str, reader: Callable[..., T], **options: str) -> tuple[T, ...]:
        return tuple(reader(entry, validate=False, **options) for entry in raw.get(field, []))

    return ClusterObjects(
        namespaces=read("namespaces", namespace_from_dict),
        services=read("services", service_from_dict),
        controllers=read("replicaSets", workload_from_dict, kind="ReplicaSet"),
        disruption_budgets=read("podDisruptionBudgets", pod_disruption_budget_from_dict),
        claims=read("persistentVolumeClaims", persistent_volume_claim_from_dict),
        volumes=read("persistentVolumes", persistent_volume_from_dict),
        storage_classes=read("storageClasses", storage_class_from_dict),
        csi_nodes=read("csiNodes", csi_node_from_dict),
    )
