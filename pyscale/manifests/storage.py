"""Storage objects from manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyscale.model.requirements import Requirement
from pyscale.model.validation import (
    validate_csi_node,
    validate_persistent_volume,
    validate_persistent_volume_claim,
    validate_storage_class,
)
from pyscale.model.volumes import (
    CSINode,
    CSINodeDriver,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageClass,
)

from . import _wire as base
from . import _wire_storage as wire
from ._convert import node_selector, read, resources, time_ns


def persistent_volume_claim_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True
) -> PersistentVolumeClaim:
    """Read a ``v1`` PersistentVolumeClaim.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """

    def build(given: wire.PersistentVolumeClaim) -> PersistentVolumeClaim:
        metadata = given.metadata or base.ObjectMeta()
        spec = given.spec or wire.PersistentVolumeClaimSpec()
        own = spec.resources or base.ResourceRequirements()
        return PersistentVolumeClaim(
            name=metadata.name or "",
            namespace=metadata.namespace or "default",
            annotations=metadata.annotations or {},
            labels=metadata.labels or {},
            storage_class_name=spec.storage_class_name,
            volume_name=spec.volume_name or "",
            access_modes=tuple(spec.access_modes or ()),
            requests=resources(own.requests, "$.spec.resources.requests"),
            phase=(given.status.phase or "") if given.status else "",
            deletion_ns=time_ns(metadata.deletion_timestamp, "$.metadata.deletionTimestamp"),
            uid=metadata.uid or "",
            manifest=obj.get("spec") or {},
        )

    return read(
        "persistent volume claim",
        obj,
        wire.PersistentVolumeClaim,
        build,
        where,
        validate and validate_persistent_volume_claim,
    )


def persistent_volume_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True
) -> PersistentVolume:
    """Read a ``v1`` PersistentVolume.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """

    def build(given: wire.PersistentVolume) -> PersistentVolume:
        metadata = given.metadata or base.ObjectMeta()
        spec = given.spec or wire.PersistentVolumeSpec()
        raw: Mapping[str, Any] = obj.get("spec") or {}
        kind, source = _volume_source(raw)
        claim = spec.claim_ref or wire.ObjectReference()
        affinity = spec.node_affinity or wire.VolumeNodeAffinity()
        return PersistentVolume(
            name=metadata.name or "",
            labels=metadata.labels or {},
            annotations=metadata.annotations or {},
            capacity=resources(spec.capacity, "$.spec.capacity"),
            access_modes=tuple(spec.access_modes or ()),
            storage_class_name=spec.storage_class_name or "",
            source_kind=kind,
            source=source,
            required_node_affinity=node_selector(affinity.required),
            claim=f"{claim.namespace or ''}/{claim.name}" if claim.name else "",
            claim_uid=claim.uid or "",
            phase=(given.status.phase or "") if given.status else "",
            deletion_ns=time_ns(metadata.deletion_timestamp, "$.metadata.deletionTimestamp"),
            manifest=raw,
        )

    return read(
        "persistent volume",
        obj,
        wire.PersistentVolume,
        build,
        where,
        validate and validate_persistent_volume,
    )


def _volume_source(spec: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The field of a volume's spec that names its source: the only one that is not shared."""
    for kind, source in spec.items():
        if kind not in wire.SHARED_VOLUME_FIELDS and isinstance(source, Mapping):
            return kind, source
    return "", {}


def storage_class_from_dict(
    obj: Mapping[str, Any], where: str = "", validate: bool = True
) -> StorageClass:
    """Read a ``storage.k8s.io/v1`` StorageClass.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """

    def build(given: wire.StorageClass) -> StorageClass:
        metadata = given.metadata or base.ObjectMeta()
        return StorageClass(
            name=metadata.name or "",
            provisioner=given.provisioner or "",
            volume_binding_mode=given.volume_binding_mode or "",
            allowed_topologies=tuple(
                tuple(
                    Requirement(expression.key or "", "In", tuple(expression.values or ()))
                    for expression in term.match_label_expressions or ()
                )
                for term in given.allowed_topologies or ()
            ),
            annotations=metadata.annotations or {},
        )

    return read(
        "storage class",
        obj,
        wire.StorageClass,
        build,
        where,
        validate and validate_storage_class,
    )


def csi_node_from_dict(obj: Mapping[str, Any], where: str = "", validate: bool = True) -> CSINode:
    """Read a ``storage.k8s.io/v1`` CSINode.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """

    def build(given: wire.CSINode) -> CSINode:
        metadata = given.metadata or base.ObjectMeta()
        drivers = (given.spec.drivers or ()) if given.spec else ()
        return CSINode(
            name=metadata.name or "",
            drivers=tuple(
                CSINodeDriver(
                    driver.name or "",
                    driver.node_id or "",
                    driver.allocatable.count if driver.allocatable else None,
                    tuple(driver.topology_keys or ()),
                )
                for driver in drivers
            ),
            annotations=metadata.annotations or {},
        )

    return read("CSI node", obj, wire.CSINode, build, where, validate and validate_csi_node)
