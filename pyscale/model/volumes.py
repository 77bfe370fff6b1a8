"""Volumes of pods and the storage objects that restrict placement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .requirements import NodeSelectorTerm, Requirement
from .resources import Resources


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a pod.

    ``kind`` is the manifest's source field (``persistentVolumeClaim``, ``ephemeral``,
    ``emptyDir``, ``awsElasticBlockStore``, ...), ``source`` that field's content as read.
    """

    name: str
    kind: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def claim_name(self) -> str:
        """Name of the persistent volume claim, empty for other kinds."""
        return str(self.source.get("claimName", "")) if self.kind == "persistentVolumeClaim" else ""


@dataclass(frozen=True, slots=True)
class PersistentVolumeClaim:
    """A claim; ``volume_name`` is set once it is bound."""

    name: str
    namespace: str = "default"
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    storage_class_name: str | None = None
    volume_name: str = ""
    access_modes: tuple[str, ...] = ()
    requests: Resources = field(default_factory=dict)
    phase: str = ""
    deletion_ns: int | None = None
    uid: str = ""
    manifest: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PersistentVolume:
    """A volume; ``source_kind`` is ``csi``, ``local``, ``hostPath``, ``awsElasticBlockStore``..."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    capacity: Resources = field(default_factory=dict)
    access_modes: tuple[str, ...] = ()
    storage_class_name: str = ""
    source_kind: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    required_node_affinity: tuple[NodeSelectorTerm, ...] | None = None
    claim: str = ""  # namespace/name of the bound claim
    claim_uid: str = ""
    phase: str = ""
    deletion_ns: int | None = None
    manifest: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StorageClass:
    """How claims without a volume are provisioned."""

    name: str
    provisioner: str = ""
    volume_binding_mode: str = ""
    allowed_topologies: tuple[tuple[Requirement, ...], ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CSINodeDriver:
    """A CSI driver on a node; ``count`` is the number of attachable volumes, None: no limit."""

    name: str
    node_id: str = ""
    count: int | None = None
    topology_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CSINode:
    """The CSI drivers of one node."""

    name: str
    drivers: tuple[CSINodeDriver, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)
