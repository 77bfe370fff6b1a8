"""Builds the objects of a recorded case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ...manifests import node_from_dict, pod_disruption_budget_from_dict, pod_template_from_dict
from ...model.disruption import PodDisruptionBudget
from ...model.nodes import HOSTNAME_LABEL, Node
from ...model.pods import OwnerReference, PodTemplate
from ...model.taints import Taint
from ...model.times import parse_timestamp
from ...policies.cluster_autoscaler.classes import ClassTable, PodClass
from ...policies.cluster_autoscaler.expander import PodPrice
from ...policies.cluster_autoscaler.kernel_placement import KernelPlacement
from ...policies.cluster_autoscaler.node_shapes import NodeShape
from ...policies.cluster_autoscaler.options import Options
from ...policies.cluster_autoscaler.templates import daemon_pod_template, should_run
from ...policies.cluster_autoscaler.world import (
    NO_PODS,
    Controller,
    DaemonSet,
    NodeGroupRow,
    NodeRow,
)

GPU_LABEL = "gpu-type"
START_NS = parse_timestamp("2000-01-01T00:00:00Z")
DEFAULT_CREATION = "1999-12-31T00:00:00Z"


class CaseReader:
    """Reads the common part of a case's input; equal templates become equal objects once."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.options = Options.from_flags(given.get("options") or {})
        self.table = ClassTable()
        self._nodes: dict[Any, Node] = {}
        self._shapes: dict[Any, NodeShape] = {}

    # --- pods ---

    def pod_class(self, reference: dict[str, Any]) -> PodClass:
        """Return the class of a pod: its template with the pod's own parts."""
        index = reference["template"]
        own_labels, own_annotations = reference.get("labels"), reference.get("annotations")
        terminating = bool(reference.get("deletionTimestamp"))
        terminal = reference.get("phase") in ("Succeeded", "Failed")
        namespace = reference.get("namespace")
        key = (
            index,
            namespace,
            terminating,
            terminal,
            tuple(sorted(own_labels.items())) if own_labels else None,
            tuple(sorted(own_annotations.items())) if own_annotations else None,
        )
        known = self.table.get(key)
        if known is not None:
            return known
        manifest = self.given["podTemplates"][index]
        metadata = dict(manifest.get("metadata") or {})
        if namespace:
            metadata["namespace"] = namespace
        if own_labels:
            metadata["labels"] = {**(metadata.get("labels") or {}), **own_labels}
        if own_annotations:
            metadata["annotations"] = {**(metadata.get("annotations") or {}), **own_annotations}
        template = pod_template_from_dict({**manifest, "metadata": metadata}, validate=False)
        return self.table.add(
            key,
            template,
            terminating=terminating,
            terminal=terminal,
            labels_absent="labels" not in metadata,
        )

    def template_class(self, index: int) -> PodClass:
        """Return the class of a pod exactly like its template."""
        return self.pod_class({"template": index})

    def daemon_set(self, given: dict[str, Any]) -> DaemonSet:
        """Return a DaemonSet with the class of its pods."""
        owner = OwnerReference(
            "DaemonSet", given["name"], f"DaemonSet-{given['name']}", "apps/v1", controller=True
        )
        namespace = given.get("namespace") or "default"
        own = replace(self._template(given["template"]), owners=(owner,), namespace=namespace)
        template = daemon_pod_template(own)
        pod_class = self.table.add(("daemon", given["name"], given["template"]), template)
        return DaemonSet(given["name"], namespace, template, pod_class)

    def daemon_pods(self, node: Node, daemon_sets: Iterable[DaemonSet]) -> list[PodClass]:
        """Return the classes of the DaemonSet pods that run on a new node."""
        daemon_sets = list(daemon_sets)
        if not daemon_sets:
            return []
        placement = KernelPlacement()
        handle = placement.add_node(node, "new-node")
        return [
            daemon_set.pod_class
            for daemon_set in daemon_sets
            if should_run(placement, daemon_set.pod_class, handle)
        ]

    def _template(self, index: int) -> PodTemplate:
        return self.template_class(index).template

    # --- nodes ---

    def node(self, index: int, labels: Any = None, annotations: Any = None) -> Node:
        """Return the node object of a template, without name, with labels of its own."""
        key = (
            index,
            tuple(sorted((labels or {}).items())),
            tuple(sorted((annotations or {}).items())),
        )
        known = self._nodes.get(key)
        if known is None:
            manifest = self.given["nodeTemplates"][index]
            metadata = dict(manifest.get("metadata") or {})
            metadata["name"] = ""
            metadata["labels"] = {**(metadata.get("labels") or {}), **(labels or {})}
            metadata["labels"].pop(HOSTNAME_LABEL, None)
            metadata["annotations"] = {**(metadata.get("annotations") or {}), **(annotations or {})}
            status = dict(manifest.get("status") or {})
            status.setdefault("allocatable", status.get("capacity"))
            known = self._nodes[key] = node_from_dict(
                {**manifest, "metadata": metadata, "status": status}, validate=False
            )
        return known

    def shape(self, index: int, pods: tuple[int, ...] = ()) -> NodeShape:
        """Return a template node with the pods that start with it."""
        key = (index, pods)
        if key not in self._shapes:
            classes = tuple(self.template_class(pod) for pod in pods)
            self._shapes[key] = NodeShape.of(self.node(index), classes)
        return self._shapes[key]

    def node_row(self, given: dict[str, Any]) -> NodeRow:
        """Return a node of the case as it is at the start."""
        node = self.node(given["nodeTemplate"], given.get("labels"), given.get("annotations"))
        created = timestamp(given.get("creationTimestamp"))
        own = given.get("taints") or ()
        taints = tuple(Taint(t["key"], t["effect"], t.get("value", "")) for t in own)
        return NodeRow(
            name=given["name"],
            group=given.get("nodeGroup") or "",
            node=node,
            taints=node.taints + taints,
            unschedulable=bool(given.get("unschedulable")),
            ready=given.get("ready", True),
            ready_since_ns=timestamp(given.get("readyTransition"), created),
            created_ns=created,
            pods=NO_PODS,
        )

    def group_row(self, given: dict[str, Any]) -> NodeGroupRow:
        """Return a node group; its target is the number of its nodes unless given."""
        name = given["name"]
        members = sum(1 for node in self.given.get("nodes") or () if node.get("nodeGroup") == name)
        target = members + int(given.get("unregisteredInstances") or 0)
        return NodeGroupRow(
            name=name,
            min_size=given["minSize"],
            max_size=given["maxSize"],
            target=given.get("targetSize", target),
            template=self.shape(given["nodeTemplate"], tuple(given.get("templatePods") or ())),
            options=given.get("options") or {},
            price=given.get("price"),
        )

    # --- the rest ---

    def pod_price(self) -> PodPrice:
        """Return the price model's prices of pods."""
        given = self.given.get("podPrice") or {}
        return PodPrice(given.get("perCpuHour", 0.03), given.get("perGiBHour", 0.004))

    def controllers(self) -> dict[tuple[str, str, str], Controller]:
        """Return the workload objects that exist."""
        found = {}
        for given in self.given.get("controllers") or ():
            namespace = given.get("namespace") or "default"
            replicas = given.get("parallelism", given.get("replicas", 0))
            key = (given["kind"], namespace, given["name"])
            found[key] = Controller(given["kind"], namespace, given["name"], replicas or 0)
        for given in self.given.get("daemonSets") or ():
            namespace = given.get("namespace") or "default"
            found["DaemonSet", namespace, given["name"]] = Controller(
                "DaemonSet", namespace, given["name"], 0
            )
        return found

    def budgets(self) -> list[PodDisruptionBudget]:
        """Return the disruption budgets."""
        return [
            pod_disruption_budget_from_dict(given, validate=False)
            for given in self.given.get("podDisruptionBudgets") or ()
        ]


def timestamp(text: str | None, default: int | None = None) -> int:
    """Return a time in nanoseconds; by default that of objects older than the recording."""
    if text is None:
        return parse_timestamp(DEFAULT_CREATION) if default is None else default
    return parse_timestamp(text)
