"""Pod templates back into manifests, to see that nothing was lost on the way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.requirements import LabelSelector, NodeSelectorTerm, Requirement
from pyscale.model.topology import PodAffinityTerm

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def pruned(value: Any) -> Any:
    """The value without null, empty text, empty lists and empty mappings, all the way down.

    A selector may be empty and mean something, and so may a volume's source.
    """
    if isinstance(value, Mapping):
        parts = {key: pruned(part) for key, part in value.items()}
        keep = ("labelSelector", "namespaceSelector", "emptyDir", "hostPath")
        return {
            key: part
            for key, part in parts.items()
            if part not in (None, "", [], {}, False) or (key in keep and part is not None)
        }
    if isinstance(value, list | tuple):
        return [pruned(part) for part in value]
    return value


def expression(given: Requirement) -> dict[str, Any]:
    return {"key": given.key, "operator": given.operator, "values": list(given.values)}


def node_term(given: NodeSelectorTerm) -> dict[str, Any]:
    return {
        "matchExpressions": [*map(expression, given.match_expressions)],
        "matchFields": [*map(expression, given.match_fields)],
    }


def selector(given: LabelSelector | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return {
        "matchLabels": given.match_labels,
        "matchExpressions": [*map(expression, given.match_expressions)],
    }


def affinity_term(given: PodAffinityTerm) -> dict[str, Any]:
    return {
        "topologyKey": given.topology_key,
        "labelSelector": selector(given.label_selector),
        "namespaces": given.namespaces,
        "namespaceSelector": selector(given.namespace_selector),
        "matchLabelKeys": given.match_label_keys,
        "mismatchLabelKeys": given.mismatch_label_keys,
    }


def container(given: Container) -> dict[str, Any]:
    return {
        "name": given.name,
        "image": given.image,
        "resources": {"requests": given.requests, "limits": given.limits},
        "ports": [
            {"containerPort": port.container_port, "hostPort": port.host_port,
             "hostIP": port.host_ip, "protocol": port.protocol}
            for port in given.ports
        ],
        "restartPolicy": given.restart_policy,
    }  # fmt: skip


def pod_affinities(required: Iterable[Any], preferred: Iterable[Any]) -> dict[str, Any]:
    return {
        REQUIRED: [*map(affinity_term, required)],
        PREFERRED: [
            {"weight": entry.weight, "podAffinityTerm": affinity_term(entry.term)}
            for entry in preferred
        ],
    }


def spec_manifest(spec: PodSpec) -> dict[str, Any]:
    required_nodes = [*map(node_term, spec.required_node_affinity or ())]
    return {
        "containers": [*map(container, spec.containers)],
        "initContainers": [*map(container, spec.init_containers)],
        "overhead": spec.overhead,
        "resources": {"requests": spec.resources, "limits": spec.resource_limits},
        "nodeName": spec.node_name,
        "nodeSelector": spec.node_selector,
        "affinity": {
            "nodeAffinity": {
                REQUIRED: {"nodeSelectorTerms": required_nodes},
                PREFERRED: [
                    {"weight": entry.weight, "preference": node_term(entry.preference)}
                    for entry in spec.preferred_node_affinity
                ],
            },
            "podAffinity": pod_affinities(spec.required_pod_affinity, spec.preferred_pod_affinity),
            "podAntiAffinity": pod_affinities(
                spec.required_pod_anti_affinity, spec.preferred_pod_anti_affinity
            ),
        },
        "tolerations": [
            {"key": entry.key, "operator": entry.operator, "value": entry.value,
             "effect": entry.effect, "tolerationSeconds": entry.toleration_seconds}
            for entry in spec.tolerations
        ],
        "topologySpreadConstraints": [
            {"maxSkew": entry.max_skew, "topologyKey": entry.topology_key,
             "whenUnsatisfiable": entry.when_unsatisfiable, "minDomains": entry.min_domains,
             "labelSelector": selector(entry.label_selector),
             "nodeAffinityPolicy": entry.node_affinity_policy,
             "nodeTaintsPolicy": entry.node_taints_policy,
             "matchLabelKeys": entry.match_label_keys}
            for entry in spec.topology_spread_constraints
        ],
        "volumes": [{"name": entry.name, entry.kind: entry.source} for entry in spec.volumes],
        "priority": spec.priority,
        "priorityClassName": spec.priority_class_name,
        "preemptionPolicy": spec.preemption_policy,
        "schedulerName": spec.scheduler_name,
        "schedulingGates": [{"name": gate} for gate in spec.scheduling_gates],
        "hostNetwork": spec.host_network,
        "restartPolicy": spec.restart_policy,
        "terminationGracePeriodSeconds": spec.termination_grace_period_seconds,
    }  # fmt: skip


def template_manifest(template: PodTemplate) -> dict[str, Any]:
    """The manifest of a template, pruned, with quantities in nano-units."""
    owners = [
        {"apiVersion": owner.api_version, "kind": owner.kind, "name": owner.name,
         "uid": owner.uid, "controller": owner.controller}
        for owner in template.owners
    ]  # fmt: skip
    metadata = {
        "namespace": template.namespace,
        "labels": template.labels,
        "annotations": template.annotations,
        "ownerReferences": owners,
    }
    return dict(pruned({"metadata": metadata, "spec": spec_manifest(template.spec)}))
