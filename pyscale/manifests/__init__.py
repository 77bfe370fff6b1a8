"""Kubernetes objects as people have them: YAML and JSON into the model's objects.

Each ``..._from_dict(obj, where="", validate=True)`` reads one kind.  Fields that no decision reads
are ignored; a field of a wrong type is refused with its path; with ``validate`` also what an API
server would refuse.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cluster_objects import ClusterObjects, load_cluster
    from .files import Manifest, read_objects
    from .groups import node_claim_from_dict, node_class_from_dict, node_pool_from_dict
    from .nodes import node_from_dict
    from .pods import PodReader, pod_from_dict, pod_template_from_dict
    from .storage import (
        csi_node_from_dict,
        persistent_volume_claim_from_dict,
        persistent_volume_from_dict,
        storage_class_from_dict,
    )
    from .workloads import (
        namespace_from_dict,
        pod_disruption_budget_from_dict,
        service_from_dict,
        workload_from_dict,
    )

_MODULE_OF = {
    "ClusterObjects": "cluster_objects",
    "Manifest": "files",
    "PodReader": "pods",
    "csi_node_from_dict": "storage",
    "load_cluster": "cluster_objects",
    "namespace_from_dict": "workloads",
    "node_claim_from_dict": "groups",
    "node_class_from_dict": "groups",
    "node_from_dict": "nodes",
    "node_pool_from_dict": "groups",
    "persistent_volume_claim_from_dict": "storage",
    "persistent_volume_from_dict": "storage",
    "pod_disruption_budget_from_dict": "workloads",
    "pod_from_dict": "pods",
    "pod_template_from_dict": "pods",
    "read_objects": "files",
    "service_from_dict": "workloads",
    "storage_class_from_dict": "storage",
    "workload_from_dict": "workloads",
}

__all__ = [
    "ClusterObjects",
    "Manifest",
    "PodReader",
    "csi_node_from_dict",
    "load_cluster",
    "namespace_from_dict",
    "node_claim_from_dict",
    "node_class_from_dict",
    "node_from_dict",
    "node_pool_from_dict",
    "persistent_volume_claim_from_dict",
    "persistent_volume_from_dict",
    "pod_disruption_budget_from_dict",
    "pod_from_dict",
    "pod_template_from_dict",
    "read_objects",
    "service_from_dict",
    "storage_class_from_dict",
    "workload_from_dict",
]


def __getattr__(name: str) -> Any:
    """Import the module of a name when it is first used: msgspec is an optional dependency."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
