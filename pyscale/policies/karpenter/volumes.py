"""Persistent volumes: where they can be reached, how many a node can hold, which are unusable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pyscale.model.nodes import HOSTNAME_LABEL
from pyscale.model.pods import PodSpec
from pyscale.model.volumes import PersistentVolume, PersistentVolumeClaim, StorageClass

from .requirements import Requirements, from_written, make_requirement

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
# In-tree provisioner names are translated to the CSI driver that serves them.
CSI_NAMES = {"kubernetes.io/aws-ebs": "ebs.csi.aws.com"}


class UnknownVolumeError(LookupError):
    """A PersistentVolume or StorageClass that a claim names does not exist."""


@dataclass(frozen=True, slots=True)
class PodVolumes:
    """A pod's claims, named ``namespace/name``, with the CSI driver that serves each.

    ``alternatives`` are requirement sets of which a node has to meet one, tried in order; a single
    None when nothing is required.
    """

    claims_by_driver: tuple[tuple[str, frozenset[str]], ...] = ()
    alternatives: tuple[Requirements | None, ...] = (None,)
    unknown: str = ""


@dataclass(frozen=True)
class Volumes:
    """The storage objects of a cluster.

    Notes
    -----
    Follows Karpenter core ``pkg/controllers/provisioning/scheduling/volumetopology.go`` and
    ``pkg/scheduling/volumeusage.go``.
    """

    claims: dict[str, PersistentVolumeClaim] = field(default_factory=dict)
    volumes: dict[str, PersistentVolume] = field(default_factory=dict)
    classes: dict[str, StorageClass] = field(default_factory=dict)

    @staticmethod
    def of(
        claims: Iterable[PersistentVolumeClaim] = (),
        volumes: Iterable[PersistentVolume] = (),
        classes: Iterable[StorageClass] = (),
    ) -> Volumes:
        """Index the objects by name."""
        return Volumes(
            {f"{claim.namespace}/{claim.name}": claim for claim in claims},
            {volume.name: volume for volume in volumes},
            {storage_class.name: storage_class for storage_class in classes},
        )

    def of_pod(self, spec: PodSpec, namespace: str, pod_name: str) -> PodVolumes:
        """Return what the pod's volumes ask of a node.

        A volume or class that a claim names and that does not exist takes the pod's volume
        requirements away; ``unknown`` then names it.
        """
        if not spec.volumes:
            return PodVolumes()
        found = [
            self.claims[key] for key in self._keys(spec, namespace, pod_name) if key in self.claims
        ]
        by_driver: dict[str, set[str]] = {}
        for claim in found:
            driver = self._driver(claim)
            if driver:
                by_driver.setdefault(driver, set()).add(f"{claim.namespace}/{claim.name}")
        drivers = tuple((name, frozenset(keys)) for name, keys in by_driver.items())
        try:
            return PodVolumes(drivers, self._alternatives(found))
        except UnknownVolumeError as error:
            return PodVolumes(drivers, unknown=str(error))

    def invalid_reason(self, spec: PodSpec, namespace: str, pod_name: str) -> str:
        """Say why the pod's claims make provisioning ignore it; empty if they do not."""
        for key in self._keys(spec, namespace, pod_name):
            claim = self.claims.get(key)
            reason = "is missing" if claim is None else self._invalid_claim(claim)
            if reason:
                return f"volume claim {key} {reason}"
        return ""

    @staticmethod
    def _keys(spec: PodSpec, namespace: str, pod_name: str) -> Iterator[str]:
        for volume in spec.volumes:
            if volume.kind == "persistentVolumeClaim":
                yield f"{namespace}/{volume.claim_name}"
            elif volume.kind == "ephemeral":
                yield f"{namespace}/{pod_name}-{volume.name}"

    def _driver(self, claim: PersistentVolumeClaim) -> str:
        if claim.volume_name:
            volume = self.volumes.get(claim.volume_name)
            if volume is None or volume.source_kind != "csi":
                return ""
            return str(volume.source.get("driver", ""))
        storage_class = self.classes.get(claim.storage_class_name or "")
        if storage_class is None:
            return ""
        return CSI_NAMES.get(storage_class.provisioner, storage_class.provisioner)

    def _alternatives(
        self, claims: Iterable[PersistentVolumeClaim]
    ) -> tuple[Requirements | None, ...]:
        """Cross the claims' choices; combinations that contradict count only if no other does."""
        combined: list[Requirements | None] = [None]
        for claim in claims:
            choices = self._choices(claim)
            if not choices:
                continue
            pairs = [(left, right) for left in combined for right in choices]
            possible = [
                (left, right) for left, right in pairs if left is None or left.intersects(right)
            ]
            combined = [
                right if left is None else left.merged(right) for left, right in possible or pairs
            ]
        return tuple(combined)

    def _choices(self, claim: PersistentVolumeClaim) -> list[Requirements]:
        if claim.volume_name:
            volume = self.volumes.get(claim.volume_name)
            if volume is None:
                raise UnknownVolumeError(f"PersistentVolume {claim.volume_name}")
            return _choices_of_volume(volume)
        if claim.storage_class_name:
            storage_class = self.classes.get(claim.storage_class_name)
            if storage_class is None:
                raise UnknownVolumeError(f"StorageClass {claim.storage_class_name}")
            return [
                Requirements(make_requirement(item.key, "In", item.values) for item in term)
                for term in storage_class.allowed_topologies
                if term
            ]
        return []

    def _invalid_claim(self, claim: PersistentVolumeClaim) -> str:
        if claim.deletion_ns is not None:
            return "is being deleted"
        if claim.phase == "Lost":
            return "is lost"
        if claim.volume_name:
            volume = self.volumes.get(claim.volume_name)
            if volume is None or volume.deletion_ns is not None:
                return "is bound to a volume that is missing or being deleted"
            if BIND_COMPLETED not in claim.annotations:
                return "has not completed binding"
            return ""
        if not claim.storage_class_name:
            return "is unbound and has no storage class"
        storage_class = self.classes.get(claim.storage_class_name)
        if storage_class is None:
            return "has an unknown storage class"
        if (storage_class.volume_binding_mode or "Immediate") == "Immediate":
            return "is unbound and its class binds immediately"
        return ""


def _choices_of_volume(volume: PersistentVolume) -> list[Requirements]:
    """Local volumes lose hostname expressions: a new node may not have the old name."""
    local = volume.source_kind in ("local", "hostPath")
    return [
        from_written(
            item for item in term.match_expressions if not (local and item.key == HOSTNAME_LABEL)
        )
        for term in volume.required_node_affinity or ()
        if term.match_expressions
    ]
