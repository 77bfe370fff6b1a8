"""What the decoder accepts: storage objects."""

from __future__ import annotations

from ._wire import (
    Expression,
    Int32,
    NodeSelector,
    ObjectMeta,
    Quantities,
    ResourceRequirements,
    Wire,
    field,
)


class PersistentVolumeClaimSpec(Wire):
    storage_class_name: str | None = None
    volume_name: str | None = None
    access_modes: list[str] | None = None
    resources: ResourceRequirements | None = None


class PersistentVolumeClaimStatus(Wire):
    phase: str | None = None


class PersistentVolumeClaim(Wire):
    metadata: ObjectMeta | None = None
    spec: PersistentVolumeClaimSpec | None = None
    status: PersistentVolumeClaimStatus | None = None


class VolumeNodeAffinity(Wire):
    required: NodeSelector | None = None


class ObjectReference(Wire):
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class PersistentVolumeSpec(Wire):
    capacity: Quantities | None = None
    access_modes: list[str] | None = None
    storage_class_name: str | None = None
    node_affinity: VolumeNodeAffinity | None = None
    claim_ref: ObjectReference | None = None
    persistent_volume_reclaim_policy: str | None = None
    mount_options: list[str] | None = None
    volume_mode: str | None = None
    volume_attributes_class_name: str | None = None


class PersistentVolumeStatus(Wire):
    phase: str | None = None


class PersistentVolume(Wire):
    metadata: ObjectMeta | None = None
    spec: PersistentVolumeSpec | None = None
    status: PersistentVolumeStatus | None = None


class TopologySelectorTerm(Wire):
    match_label_expressions: list[Expression] | None = None


class StorageClass(Wire):
    metadata: ObjectMeta | None = None
    provisioner: str | None = None
    volume_binding_mode: str | None = None
    allowed_topologies: list[TopologySelectorTerm] | None = None


class DriverAllocatable(Wire):
    count: Int32 | None = None


class CSINodeDriver(Wire):
    name: str | None = None
    node_id: str | None = field(default=None, name="nodeID")
    topology_keys: list[str] | None = None
    allocatable: DriverAllocatable | None = None


class CSINodeSpec(Wire):
    drivers: list[CSINodeDriver] | None = None


class CSINode(Wire):
    metadata: ObjectMeta | None = None
    spec: CSINodeSpec | None = None


SHARED_VOLUME_FIELDS = frozenset(PersistentVolumeSpec.__struct_encode_fields__)
"""Fields of a volume's spec that are not its source."""
