"""VolumeRestrictions, NodeVolumeLimits, VolumeBinding, VolumeZone."""

from __future__ import annotations

from dataclasses import dataclass

from .arithmetic import parse_quantity
from .cluster import Cluster
from .model import BETA_REGION, BETA_ZONE, REGION, ZONE, Node, Pod
from .plugin import FilterPlugin, PreFilterResult
from .selectors import any_node_term_matches
from .status import Status

WAIT_FOR_FIRST_CONSUMER = "WaitForFirstConsumer"
EXCLUSIVE_VOLUME_KINDS = ("gcePersistentDisk", "awsElasticBlockStore", "iscsi", "rbd")
# In-tree disks count because they are served by CSI drivers after migration.
VOLUME_KINDS_WITH_LIMITS = ("persistentVolumeClaim", "gcePersistentDisk", "awsElasticBlockStore")
SELECTED_NODE = "volume.kubernetes.io/selected-node"
IN_USE_REASON = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
    "already in-use by another pod"
)


def claim_of(pod: Pod, name: str, cluster: Cluster) -> dict | None:
    return cluster.claims.get((pod.namespace, name))


def missing_claim_reason(name: str) -> str:
    return f'persistentvolumeclaim "{name}" not found'


class VolumeRestrictions(FilterPlugin):
    name = "VolumeRestrictions"

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        """The state is the number of uses of the pod's ReadWriteOncePod claims in the cluster."""
        exclusive = [
            v
            for v in pod.spec.get("volumes", [])
            if any(kind in v for kind in EXCLUSIVE_VOLUME_KINDS)
        ]
        once_per_pod = set()
        for name in pod.claim_names():
            claim = claim_of(pod, name, cluster)
            if claim is None:
                return PreFilterResult(status=self.unresolvable(missing_claim_reason(name)))
            if "ReadWriteOncePod" in claim["spec"].get("accessModes", []):
                once_per_pod.add(name)
        uses = sum(
            self._uses(pod, other, once_per_pod) for node in cluster.snapshot for other in node.pods
        )
        return PreFilterResult(
            state={"claims": once_per_pod, "uses": uses}, skip=not exclusive and uses == 0
        )

    @staticmethod
    def _uses(pod: Pod, other: Pod, claims: set[str]) -> int:
        return sum(
            1 for name in other.claim_names() if other.namespace == pod.namespace and name in claims
        )

    def account(self, state: dict, pod: Pod, node: Node, other: Pod, sign: int) -> None:
        state["uses"] += sign * self._uses(pod, other, state["claims"])

    def copy_state(self, state: dict) -> dict:
        return dict(state)

    def filter(self, state: dict, pod: Pod, node: Node) -> Status | None:
        for volume in pod.spec.get("volumes", []):
            for other in node.pods:
                if any(volumes_conflict(volume, used) for used in other.spec.get("volumes", [])):
                    return self.unschedulable("node(s) had no available disk")
        if state["uses"] > 0:
            return self.unschedulable(IN_USE_REASON)
        return None


def volumes_conflict(wanted: dict, used: dict) -> bool:
    for kind in EXCLUSIVE_VOLUME_KINDS:
        if kind not in wanted or kind not in used:
            continue
        a, b = wanted[kind], used[kind]
        if kind == "awsElasticBlockStore":
            if a["volumeID"] == b["volumeID"]:
                return True
            continue
        if kind == "gcePersistentDisk":
            same = a["pdName"] == b["pdName"]
        elif kind == "iscsi":
            same = a["iqn"] == b["iqn"]
        else:
            same = bool(set(a["monitors"]) & set(b["monitors"])) and (a["pool"], a["image"]) == (
                b["pool"],
                b["image"],
            )
        if same and not (a.get("readOnly") and b.get("readOnly")):
            return True
    return False


class NodeVolumeLimits(FilterPlugin):
    name = "NodeVolumeLimits"

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        counted = any(
            kind in v for v in pod.spec.get("volumes", []) for kind in VOLUME_KINDS_WITH_LIMITS
        )
        return PreFilterResult(state=cluster, skip=not counted)

    def filter(self, cluster: Cluster, pod: Pod, node: Node) -> Status | None:
        """Unique volumes per CSI driver, attached plus new, against the CSINode's count."""
        csi_node = cluster.csi_nodes.get(node.name)
        if csi_node is None:
            return None
        limits = {
            d["name"]: d["allocatable"]["count"]
            for d in csi_node["spec"]["drivers"]
            if "allocatable" in d
        }
        attached = {v for other in node.pods for v in self._csi_volumes(other, cluster)}
        new = self._csi_volumes(pod, cluster) - attached
        for driver, limit in limits.items():
            new_count = sum(1 for volume in new if volume[0] == driver)
            attached_count = sum(1 for volume in attached if volume[0] == driver)
            if new_count and attached_count + new_count > limit:
                return self.unschedulable("node(s) exceed max volume count")
        return None

    @staticmethod
    def _csi_volumes(pod: Pod, cluster: Cluster) -> set[tuple[str, str]]:
        """(driver, volume handle).

        An unbound claim counts for its class's provisioner under its own name.
        """
        volumes = set()
        for name in pod.claim_names():
            claim = claim_of(pod, name, cluster)
            if claim is None:
                continue
            volume_name = claim["spec"].get("volumeName")
            volume = cluster.volumes.get(volume_name)
            storage_class = cluster.storage_classes.get(claim["spec"].get("storageClassName"))
            if volume_name and volume is not None:
                if "csi" in volume["spec"]:
                    volumes.add(
                        (volume["spec"]["csi"]["driver"], volume["spec"]["csi"]["volumeHandle"])
                    )
            elif not volume_name and storage_class is not None:
                volumes.add((storage_class["provisioner"], f"{pod.namespace}/{name}"))
        return volumes


@dataclass
class BindingState:
    cluster: Cluster
    bound_claims: list[dict]
    claims_to_bind: list[dict]


class VolumeBinding(FilterPlugin):
    name = "VolumeBinding"

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        names = pod.claim_names()
        if not names:
            return PreFilterResult(skip=True)
        state = BindingState(cluster, [], [])
        for name in names:
            claim = claim_of(pod, name, cluster)
            reason = None
            if claim is None:
                reason = missing_claim_reason(name)
            elif claim.get("status", {}).get("phase") == "Lost":
                volume_name = claim["spec"].get("volumeName", "")
                reason = (
                    f'persistentvolumeclaim "{name}" bound to non-existent '
                    f'persistentvolume "{volume_name}"'
                )
            elif "deletionTimestamp" in claim["metadata"]:
                reason = f'persistentvolumeclaim "{name}" is being deleted'
            if reason:
                return PreFilterResult(status=self.unresolvable(reason))
            (
                state.bound_claims if claim["spec"].get("volumeName") else state.claims_to_bind
            ).append(claim)
        if any(not self._binds_late(claim, cluster) for claim in state.claims_to_bind):
            return PreFilterResult(
                status=self.unresolvable("pod has unbound immediate PersistentVolumeClaims")
            )
        return PreFilterResult(state=state)

    @staticmethod
    def _binds_late(claim: dict, cluster: Cluster) -> bool:
        storage_class = cluster.storage_classes.get(claim["spec"].get("storageClassName"), {})
        return storage_class.get("volumeBindingMode") == WAIT_FOR_FIRST_CONSUMER

    def filter(self, state: BindingState, pod: Pod, node: Node) -> Status | None:
        reasons = []
        if not self._can_bind(state, node):
            reasons.append("node(s) didn't find available persistent volumes to bind")
        volumes = [
            state.cluster.volumes.get(claim["spec"]["volumeName"]) for claim in state.bound_claims
        ]
        if not all(volume is None or volume_reaches(volume, node) for volume in volumes):
            reasons.append("node(s) didn't match PersistentVolume's node affinity")
        return self.unresolvable(*reasons) if reasons else None

    @staticmethod
    def _can_bind(state: BindingState, node: Node) -> bool:
        """Smallest fitting available volume for each claim, the smallest claims first.

        Else provisioning.
        """
        taken: set[str] = set()
        pins = [
            claim["metadata"].get("annotations", {}).get(SELECTED_NODE)
            for claim in state.claims_to_bind
        ]
        if any(pin is not None and pin != node.name for pin in pins):
            return False
        for claim in sorted(state.claims_to_bind, key=claimed_storage):
            volume = smallest_fitting_volume(claim, node, state.cluster, taken)
            if volume is not None:
                taken.add(volume["metadata"]["name"])
            elif not can_provision(
                state.cluster.storage_classes[claim["spec"]["storageClassName"]], node
            ):
                return False
        return True


def claimed_storage(claim: dict):
    return parse_quantity(claim["spec"]["resources"]["requests"]["storage"])


def volume_reaches(volume: dict, node: Node) -> bool:
    affinity = volume["spec"].get("nodeAffinity")
    return affinity is None or any_node_term_matches(
        affinity["required"]["nodeSelectorTerms"], node.labels, node.name
    )


def smallest_fitting_volume(
    claim: dict, node: Node, cluster: Cluster, taken: set[str]
) -> dict | None:
    fitting = [
        volume
        for volume in cluster.volumes.values()
        if volume["metadata"]["name"] not in taken
        and "claimRef" not in volume["spec"]
        and volume.get("status", {}).get("phase") == "Available"
        and volume["spec"].get("storageClassName") == claim["spec"].get("storageClassName")
        and set(claim["spec"].get("accessModes", [])) <= set(volume["spec"].get("accessModes", []))
        and parse_quantity(volume["spec"]["capacity"]["storage"]) >= claimed_storage(claim)
        and volume_reaches(volume, node)
    ]
    return min(
        fitting,
        key=lambda volume: parse_quantity(volume["spec"]["capacity"]["storage"]),
        default=None,
    )


def can_provision(storage_class: dict, node: Node) -> bool:
    if storage_class["provisioner"] == "kubernetes.io/no-provisioner":
        return False
    topologies = storage_class.get("allowedTopologies")
    if not topologies:
        return True
    return any(
        all(
            node.labels.get(e["key"]) in e["values"]
            for e in topology.get("matchLabelExpressions", [])
        )
        for topology in topologies
    )


ZONE_KEYS = (ZONE, REGION, BETA_ZONE, BETA_REGION)
GA_KEY = {BETA_ZONE: ZONE, BETA_REGION: REGION}


class VolumeZone(FilterPlugin):
    name = "VolumeZone"

    def pre_filter(self, pod: Pod, cluster: Cluster) -> PreFilterResult:
        """The state is the list of (key, allowed values) the pod's bound volumes ask for."""
        wanted: list[tuple[str, set[str]]] = []
        for name in pod.claim_names():
            claim = claim_of(pod, name, cluster)
            if claim is None:
                return PreFilterResult(status=self.unresolvable(missing_claim_reason(name)))
            volume_name = claim["spec"].get("volumeName")
            if not volume_name:
                reason = self._unbound_reason(claim, cluster)
                if reason:
                    return PreFilterResult(status=self.unresolvable(reason))
                continue
            if volume_name not in cluster.volumes:
                return PreFilterResult(
                    status=self.unresolvable(f'persistentvolume "{volume_name}" not found')
                )
            labels = cluster.volumes[volume_name]["metadata"].get("labels", {})
            wanted += [(key, set(labels[key].split("__"))) for key in ZONE_KEYS if key in labels]
        return PreFilterResult(state=wanted, skip=not wanted)

    @staticmethod
    def _unbound_reason(claim: dict, cluster: Cluster) -> str | None:
        class_name = claim["spec"].get("storageClassName")
        if not class_name:
            return "PersistentVolumeClaim had no pv name and storageClass name"
        if class_name not in cluster.storage_classes:
            return f'storageclass.storage.k8s.io "{class_name}" not found'
        if cluster.storage_classes[class_name].get("volumeBindingMode") != WAIT_FOR_FIRST_CONSUMER:
            return "PersistentVolume had no name"
        return None

    def filter(self, wanted: list[tuple[str, set[str]]], pod: Pod, node: Node) -> Status | None:
        if not any(key in node.labels for key in ZONE_KEYS):
            return None
        for key, values in wanted:
            label = node.labels.get(key, node.labels.get(GA_KEY.get(key, key)))
            if label is None or label not in values:
                return self.unresolvable("node(s) had no available volume zone")
        return None
