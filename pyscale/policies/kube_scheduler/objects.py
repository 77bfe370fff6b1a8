"""The API objects beside pods and nodes that the scheduler reads."""

from __future__ import annotations

from dataclasses import dataclass

from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.volumes import CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass
from pyscale.model.workloads import Namespace, Service, Workload


@dataclass(frozen=True)
class ClusterObjects:
    """Everything that rules look up by name.

    Attributes
    ----------
    namespaces : tuple of Namespace
        A namespace that is not listed has no labels.
    services : tuple of Service
    controllers : tuple of Workload
        ReplicaSets, StatefulSets and ReplicationControllers; their selectors spread pods.
    disruption_budgets : tuple of PodDisruptionBudget
    claims : tuple of PersistentVolumeClaim
    volumes : tuple of PersistentVolume
    storage_classes : tuple of StorageClass
    csi_nodes : tuple of CSINode
    """

    namespaces: tuple[Namespace, ...] = ()
    services: tuple[Service, ...] = ()
    controllers: tuple[Workload, ...] = ()
    disruption_budgets: tuple[PodDisruptionBudget, ...] = ()
    claims: tuple[PersistentVolumeClaim, ...] = ()
    volumes: tuple[PersistentVolume, ...] = ()
    storage_classes: tuple[StorageClass, ...] = ()
    csi_nodes: tuple[CSINode, ...] = ()
