"""All objects of a cluster that decisions read, from one or more files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from pyscale.errors import InvalidObjectError
from pyscale.model.cluster import Cluster
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.groups import NodeClass, NodePool
from pyscale.model.node_claims import NodeClaim
from pyscale.model.nodes import Node
from pyscale.model.pods import Pod
from pyscale.model.volumes import (
    CSINode,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageClass,
)
from pyscale.model.workloads import Namespace, Service, Workload

from ._convert import place
from .files import Manifest, collector_paused, read_objects
from .groups import AWS_GROUP, node_claim_from_dict, node_class_from_dict, node_pool_from_dict
from .nodes import node_from_dict
from .pods import PodReader
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

Reader: TypeAlias = Callable[[Mapping[str, Any], str, bool], Any]

KARPENTER_GROUP = "karpenter.sh"


@dataclass(frozen=True)
class ClusterObjects:
    """The objects of a cluster, each kind in the order of the files.

    ``ignored`` counts the objects of other kinds, by kind.
    """

    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    workloads: tuple[Workload, ...] = ()
    node_pools: tuple[NodePool, ...] = ()
    node_claims: tuple[NodeClaim, ...] = ()
    node_classes: tuple[NodeClass, ...] = ()
    pod_disruption_budgets: tuple[PodDisruptionBudget, ...] = ()
    persistent_volumes: tuple[PersistentVolume, ...] = ()
    persistent_volume_claims: tuple[PersistentVolumeClaim, ...] = ()
    storage_classes: tuple[StorageClass, ...] = ()
    csi_nodes: tuple[CSINode, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    services: tuple[Service, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)

    @property
    def daemon_sets(self) -> tuple[Workload, ...]:
        """The workloads that want a pod on each eligible node."""
        return tuple(workload for workload in self.workloads if workload.count is None)

    @property
    def moment_ns(self) -> int | None:
        """The latest time that nodes, pods and claims tell of, None if they tell of none.

        A dump was made then or a little later: kubelets report every five minutes.
        """
        entries: tuple[Any, ...] = (*self.nodes, *self.pods, *self.node_claims)
        times = [
            time
            for entry in entries
            for time in (
                entry.creation_ns,
                getattr(entry, "start_ns", None),
                getattr(entry, "last_pod_event_ns", None),
                *(found.last_transition_ns for found in entry.conditions),
                *(getattr(found, "last_heartbeat_ns", None) for found in entry.conditions),
            )
            if time is not None
        ]
        latest: int | None = max(times, default=None)
        return latest

    def cluster(self) -> Cluster:
        """Return nodes, pods and disruption budgets as a cluster to try decisions on.

        Raises
        ------
        ValueError
            A pod is on a node that is not there.
        """
        return Cluster(self.nodes, self.pods, self.pod_disruption_budgets)

    def missing_pods(self) -> Iterator[tuple[Workload, int]]:
        """Yield the workloads that want more pods than there are, and how many more.

        Workloads that another one owns (the ReplicaSets of a Deployment), suspended ones, CronJobs
        and DaemonSets want none.  Failed pods do not count, succeeded ones only for a Job.
        """
        owner_of = {
            (workload.kind, workload.namespace, workload.name): workload.controller
            for workload in self.workloads
        }
        existing: Counter[tuple[str, str, str]] = Counter()
        for pod in self.pods:
            owner = pod.template.controller
            if owner is None or pod.phase == "Failed":
                continue
            if pod.phase == "Succeeded" and owner.kind != "Job":
                continue
            key = (owner.kind, pod.namespace, owner.name)
            existing[key] += 1
            above = owner_of.get(key)
            if above is not None:
                existing[above.kind, pod.namespace, above.name] += 1
        for workload in self.workloads:
            if workload.controller or workload.suspended or workload.kind == "CronJob":
                continue
            key = (workload.kind, workload.namespace, workload.name)
            missing = (workload.count or 0) - existing[key]
            if missing > 0:
                yield workload, missing


# kind: API group, field of ClusterObjects, whether it lives in a namespace, reader
_KINDS: dict[str, tuple[str, str, bool, Reader]] = {
    "Node": ("", "nodes", False, node_from_dict),
    "NodePool": (KARPENTER_GROUP, "node_pools", False, node_pool_from_dict),
    "NodeClaim": (KARPENTER_GROUP, "node_claims", False, node_claim_from_dict),
    "EC2NodeClass": (AWS_GROUP, "node_classes", False, node_class_from_dict),
    "PodDisruptionBudget": (
        "policy", "pod_disruption_budgets", True, pod_disruption_budget_from_dict,
    ),
    "PersistentVolume": ("", "persistent_volumes", False, persistent_volume_from_dict),
    "PersistentVolumeClaim": (
        "", "persistent_volume_claims", True, persistent_volume_claim_from_dict,
    ),
    "StorageClass": ("storage.k8s.io", "storage_classes", False, storage_class_from_dict),
    "CSINode": ("storage.k8s.io", "csi_nodes", False, csi_node_from_dict),
    "Namespace": ("", "namespaces", False, namespace_from_dict),
    "Service": ("", "services", True, service_from_dict),
    "Deployment": ("apps", "workloads", True, workload_from_dict),
    "ReplicaSet": ("apps", "workloads", True, workload_from_dict),
    "StatefulSet": ("apps", "workloads", True, workload_from_dict),
    "DaemonSet": ("apps", "workloads", True, workload_from_dict),
    "Job": ("batch", "workloads", True, workload_from_dict),
    "CronJob": ("batch", "workloads", True, workload_from_dict),
    "ReplicationController": ("", "workloads", True, workload_from_dict),
}  # fmt: skip


def load_cluster(*sources: str | Path | bytes, validate: bool = True) -> ClusterObjects:
    """Read a cluster's objects, for example ``kubectl get nodes,pods -A -o json``.

    Parameters
    ----------
    *sources : str or Path or bytes
        Files or their contents, as for :func:`read_objects`.
    validate : bool, default True
        Whether to refuse what an API server would refuse.

    Raises
    ------
    InvalidObjectError
        With file, document, object and field path; also for two objects of one kind and name, and
        for a version of Karpenter's API other than v1.
    """
    with collector_paused():
        return _load(sources, validate)


def _load(sources: Iterable[str | Path | bytes], validate: bool) -> ClusterObjects:
    found: dict[str, list[Any]] = {}
    ignored: Counter[str] = Counter()
    seen: set[tuple[str, str, str]] = set()
    pods = PodReader(validate)
    for source in sources:
        for manifest in read_objects(source):
            group = manifest.api_version.rpartition("/")[0]
            if manifest.kind == "Pod" and not group:
                field_name, is_namespaced = "pods", True
                built: Any = pods.read(manifest.content, manifest.where)
            else:
                kind = _KINDS.get(manifest.kind)
                if kind is None or (manifest.api_version and group != kind[0]):
                    ignored[manifest.kind] += 1
                    continue
                _refuse_other_versions(manifest, group)
                _, field_name, is_namespaced, read = kind
                content = {"kind": manifest.kind, **manifest.content}
                built = read(content, manifest.where, validate)
            key = (manifest.kind, built.namespace if is_namespaced else "", built.name)
            if key in seen:
                where = place(manifest.kind, manifest.content, manifest.where, "$.metadata.name")
                raise InvalidObjectError(where, "expected each name once, found a second object")
            seen.add(key)
            found.setdefault(field_name, []).append(built)
    columns = {name: tuple(objects) for name, objects in found.items()}
    return ClusterObjects(**columns, ignored=dict(ignored))


def _refuse_other_versions(manifest: Manifest, group: str) -> None:
    if group == KARPENTER_GROUP and manifest.api_version != f"{group}/v1":
        where = place(manifest.kind, manifest.content, manifest.where, "$.apiVersion")
        problem = f"expected {group}/v1, found {manifest.api_version}"
        raise InvalidObjectError(where, problem)
