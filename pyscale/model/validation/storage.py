"""Storage objects that an API server would refuse."""

from __future__ import annotations

from pyscale.model.volumes import (
    CSINode,
    PersistentVolume,
    PersistentVolumeClaim,
    StorageClass,
)

from . import _fields as check
from ._fields import Problems, raise_first

_ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_BINDING_MODES = ("", "Immediate", "WaitForFirstConsumer")


def validate_persistent_volume(volume: PersistentVolume, where: str = "") -> None:
    """Refuse a volume that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("persistent volume", volume.name, where, _volume_problems(volume))


def _volume_problems(volume: PersistentVolume) -> Problems:
    yield from check.metadata(volume.name, volume.labels, volume.annotations)
    yield from check.resources("$.spec.capacity", volume.capacity)
    for index, mode in enumerate(volume.access_modes):
        yield from check.one_of(f"$.spec.accessModes[{index}]", mode, _ACCESS_MODES)
    if volume.required_node_affinity is not None:
        yield from check.node_selector(
            "$.spec.nodeAffinity.required", volume.required_node_affinity
        )


def validate_persistent_volume_claim(claim: PersistentVolumeClaim, where: str = "") -> None:
    """Refuse a claim that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    name = f"{claim.namespace}/{claim.name}"
    raise_first("persistent volume claim", name, where, _claim_problems(claim))


def _claim_problems(claim: PersistentVolumeClaim) -> Problems:
    yield from check.metadata(claim.name, claim.labels, claim.annotations, claim.namespace)
    yield from check.resources("$.spec.resources.requests", claim.requests)
    for index, mode in enumerate(claim.access_modes):
        yield from check.one_of(f"$.spec.accessModes[{index}]", mode, _ACCESS_MODES)


def validate_storage_class(storage_class: StorageClass, where: str = "") -> None:
    """Refuse a storage class that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("storage class", storage_class.name, where, _class_problems(storage_class))


def _class_problems(storage_class: StorageClass) -> Problems:
    yield from check.object_name("$.metadata.name", storage_class.name)
    yield from check.annotation_keys("$.metadata.annotations", storage_class.annotations)
    if not storage_class.provisioner:
        yield "$.provisioner", "expected a name, found none"
    mode = storage_class.volume_binding_mode
    yield from check.one_of("$.volumeBindingMode", mode, _BINDING_MODES)
    for index, term in enumerate(storage_class.allowed_topologies):
        for position, requirement in enumerate(term):
            here = f"$.allowedTopologies[{index}].matchLabelExpressions[{position}]"
            yield from check.label_key(f"{here}.key", requirement.key)
            if not requirement.values:
                yield f"{here}.values", "expected at least one value, found none"


def validate_csi_node(node: CSINode, where: str = "") -> None:
    """Refuse a CSINode that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("CSI node", node.name, where, _csi_node_problems(node))


def _csi_node_problems(node: CSINode) -> Problems:
    yield from check.object_name("$.metadata.name", node.name)
    names = set()
    for index, driver in enumerate(node.drivers):
        here = f"$.spec.drivers[{index}]"
        if not driver.name:
            yield f"{here}.name", "expected a name, found none"
        if driver.name in names:
            yield f"{here}.name", f"expected each driver once, found {driver.name!r} twice"
        names.add(driver.name)
        if driver.count is not None:
            yield from check.within(f"{here}.allocatable.count", driver.count, 0)
