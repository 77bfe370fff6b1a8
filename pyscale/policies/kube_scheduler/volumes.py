"""VolumeRestrictions, NodeVolumeLimits, VolumeBinding and VolumeZone.

What depends only on API objects and one node is decided here, once per pod class and node; what
depends on the pods of a node becomes counters and unique volumes of the cluster state.

Follows ``P/volumerestrictions``, ``P/nodevolumelimits/csi.go``, ``P/volumebinding`` and
``P/volumezone`` of kubernetes 1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyscale.kernel._bind import ClusterState
from pyscale.model.nodes import Node
from pyscale.model.pods import PodTemplate
from pyscale.model.requirements import Requirement
from pyscale.model.volumes import PersistentVolume, PersistentVolumeClaim, StorageClass, Volume

from .label_rules import expression_holds
from .node_rules import any_term_matches
from .objects import ClusterObjects
from .verdicts import UNRESOLVABLE, Refusal

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
BETA_ZONE = "failure-domain.beta.kubernetes.io/zone"
BETA_REGION = "failure-domain.beta.kubernetes.io/region"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
_ZONE_KEYS = (ZONE, REGION, BETA_ZONE, BETA_REGION)
_GA_KEY = {BETA_ZONE: ZONE, BETA_REGION: REGION}
_EXCLUSIVE_KINDS = ("gcePersistentDisk", "awsElasticBlockStore", "iscsi", "rbd")
_LATE = "WaitForFirstConsumer"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
_NODE_DOMAIN, _CLUSTER_DOMAIN = -1, -2
_NO_VOLUME, _AFFINITY, _BOTH, _ZONE_VERDICT = 12, 13, 14, 15


@dataclass
class VolumeRules:
    """The volume rules of one pod class.

    ``refusals`` has what PreFilter of each plugin says, ``skipped`` the plugins that don't run.
    """

    class_id: int
    namespace: str
    exclusive: list[Volume]
    claim_names: list[str]
    once_per_pod: frozenset[str] = frozenset()
    refusals: dict[str, Refusal] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    bound: list[PersistentVolume] = field(default_factory=list)
    to_bind: list[PersistentVolumeClaim] = field(default_factory=list)
    zones: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    attachable: list[int] = field(default_factory=list)

    @property
    def has_verdicts(self) -> bool:
        """Whether verdicts per node are computed."""
        return bool(self.claim_names)


class VolumeCompiler:
    """Compiles the volumes of pod classes for one cluster state."""

    def __init__(self, state: ClusterState, objects: ClusterObjects) -> None:
        self.state = state
        self.claims = {(claim.namespace, claim.name): claim for claim in objects.claims}
        self.volumes = {volume.name: volume for volume in objects.volumes}
        self.classes: Mapping[str | None, StorageClass] = {
            storage_class.name: storage_class for storage_class in objects.storage_classes
        }
        self.limits = {
            csi_node.name: {
                driver.name: driver.count for driver in csi_node.drivers if driver.count is not None
            }
            for csi_node in objects.csi_nodes
        }
        self._drivers: dict[str, int] = {}
        self._tokens: dict[tuple[str, str], int] = {}
        self._rules: list[VolumeRules] = []
        # Counter, the class that asks, whether about disks (or about claims in use).
        self._counters: list[tuple[int, VolumeRules, bool]] = []

    def read(self, class_id: int, template: PodTemplate) -> VolumeRules:
        """Read the volumes of a class that gets the given id."""
        volumes = template.spec.volumes
        rules = VolumeRules(
            class_id,
            template.namespace,
            [volume for volume in volumes if volume.kind in _EXCLUSIVE_KINDS],
            [volume.claim_name for volume in volumes if volume.claim_name],
        )
        self._pre_filter_restrictions(rules)
        self._pre_filter_binding(rules)
        self._pre_filter_zone(rules)
        if not rules.claim_names and not any(
            v.kind in ("gcePersistentDisk", "awsElasticBlockStore") for v in volumes
        ):
            rules.skipped.add("NodeVolumeLimits")
        rules.attachable = self._attachable(rules)
        return rules

    # --- PreFilter ---

    def _pre_filter_restrictions(self, rules: VolumeRules) -> None:
        once_per_pod = set()
        for name in rules.claim_names:
            claim = self.claims.get((rules.namespace, name))
            if claim is None:
                self._refuse(rules, "VolumeRestrictions", _not_found(name))
                return
            if "ReadWriteOncePod" in claim.access_modes:
                once_per_pod.add(name)
        rules.once_per_pod = frozenset(once_per_pod)

    def _pre_filter_binding(self, rules: VolumeRules) -> None:
        if not rules.claim_names:
            rules.skipped.add("VolumeBinding")
            return
        for name in rules.claim_names:
            claim = self.claims.get((rules.namespace, name))
            problem = None
            if claim is None:
                problem = _not_found(name)
            elif claim.phase == "Lost":
                problem = (
                    f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume '
                    f'"{claim.volume_name}"'
                )
            elif claim.deletion_ns is not None:
                problem = f'persistentvolumeclaim "{name}" is being deleted'
            if problem or claim is None:
                self._refuse(rules, "VolumeBinding", problem or "")
                return
            if not claim.volume_name:
                rules.to_bind.append(claim)
            elif claim.volume_name in self.volumes:
                rules.bound.append(self.volumes[claim.volume_name])
        if any(not self._binds_late(claim) for claim in rules.to_bind):
            self._refuse(rules, "VolumeBinding", "pod has unbound immediate PersistentVolumeClaims")

    def _pre_filter_zone(self, rules: VolumeRules) -> None:
        for name in rules.claim_names:
            claim = self.claims.get((rules.namespace, name))
            problem = None
            if claim is None:
                problem = _not_found(name)
            elif not claim.volume_name:
                problem = self._unbound_problem(claim)
            elif claim.volume_name not in self.volumes:
                problem = f'persistentvolume "{claim.volume_name}" not found'
            else:
                labels = self.volumes[claim.volume_name].labels
                rules.zones += [
                    (key, frozenset(labels[key].split("__"))) for key in _ZONE_KEYS if key in labels
                ]
            if problem:
                self._refuse(rules, "VolumeZone", problem)
                return
        if not rules.zones:
            rules.skipped.add("VolumeZone")

    def _unbound_problem(self, claim: PersistentVolumeClaim) -> str | None:
        if not claim.storage_class_name:
            return "PersistentVolumeClaim had no pv name and storageClass name"
        if claim.storage_class_name not in self.classes:
            return f'storageclass.storage.k8s.io "{claim.storage_class_name}" not found'
        if not self._binds_late(claim):
            return "PersistentVolume had no name"
        return None

    @staticmethod
    def _refuse(rules: VolumeRules, plugin: str, problem: str) -> None:
        rules.refusals[plugin] = Refusal(plugin, UNRESOLVABLE, (problem,))

    def _binds_late(self, claim: PersistentVolumeClaim) -> bool:
        storage_class = self.classes.get(claim.storage_class_name)
        return storage_class is not None and storage_class.volume_binding_mode == _LATE

    # --- volumes that a node can attach only so many of ---

    def _attachable(self, rules: VolumeRules) -> list[int]:
        found = []
        for name in rules.claim_names:
            claim = self.claims.get((rules.namespace, name))
            if claim is None:
                continue
            volume = self.volumes.get(claim.volume_name)
            storage_class = self.classes.get(claim.storage_class_name)
            if claim.volume_name and volume is not None:
                if volume.source_kind == "csi":
                    found.append(
                        self._token(
                            volume.source.get("driver", ""), volume.source.get("volumeHandle", "")
                        )
                    )
            elif not claim.volume_name and storage_class is not None:
                found.append(self._token(storage_class.provisioner, f"{rules.namespace}/{name}"))
        return list(dict.fromkeys(found))

    def _driver(self, name: str) -> int:
        if name not in self._drivers:
            self._drivers[name] = self.state.add_driver()
        return self._drivers[name]

    def _token(self, driver: str, handle: str) -> int:
        key = (driver, handle)
        if key not in self._tokens:
            self._tokens[key] = self.state.add_volume(self._driver(driver))
        return self._tokens[key]

    # --- classes and nodes ---

    def link(self, rules: VolumeRules, nodes: Mapping[int, Node]) -> None:
        """Link a class that now exists to the others and to the nodes."""
        self._rules.append(rules)
        disk_counter = claim_counter = -1
        if rules.exclusive:
            disk_counter = self.state.add_counter(_NODE_DOMAIN)
            self._counters.append((disk_counter, rules, True))
        if rules.once_per_pod:
            claim_counter = self.state.add_counter(_CLUSTER_DOMAIN)
            self._counters.append((claim_counter, rules, False))
        self.state.set_volume_counters(rules.class_id, disk_counter, claim_counter)
        for counter, asking, disks in self._counters:
            for placed in self._rules if asking is rules else (rules,):
                weight = _conflicts(asking, placed) if disks else _uses(asking, placed)
                if weight:
                    self.state.subscribe(placed.class_id, counter, weight, weight, 0)
        if rules.has_verdicts:
            for node_id, node in nodes.items():
                self.judge(rules, node_id, node)

    def add_node(self, node_id: int, node: Node) -> None:
        """Judge a new or changed node for all classes and set its limits."""
        for driver, limit in self.limits.get(node.name, {}).items():
            self.state.limit_volumes(node_id, self._driver(driver), limit)
        for rules in self._rules:
            if rules.has_verdicts:
                self.judge(rules, node_id, node)

    def judge(self, rules: VolumeRules, node_id: int, node: Node) -> None:
        """Set the verdicts of VolumeBinding and VolumeZone for a class on a node."""
        binding = 0 if self._can_bind(rules, node) else _NO_VOLUME
        if not all(_reaches(volume, node) for volume in rules.bound):
            binding = _BOTH if binding else _AFFINITY
        zone = 0 if _in_zone(rules, node) else _ZONE_VERDICT
        self.state.set_volume_verdict(rules.class_id, node_id, binding, zone)

    def _can_bind(self, rules: VolumeRules, node: Node) -> bool:
        """The smallest fitting volume for each claim, small claims first; else provisioning."""
        if "VolumeBinding" in rules.refusals:
            return True  # never asked
        pins = [claim.annotations.get(_SELECTED_NODE) for claim in rules.to_bind]
        if any(pin is not None and pin != node.name for pin in pins):
            return False
        taken: set[str] = set()
        for claim in sorted(rules.to_bind, key=lambda c: c.requests.get("storage", 0)):
            volume = self._smallest(claim, node, taken)
            if volume is not None:
                taken.add(volume.name)
            elif not _can_provision(self.classes[claim.storage_class_name], node):
                return False
        return True

    def _smallest(
        self, claim: PersistentVolumeClaim, node: Node, taken: set[str]
    ) -> PersistentVolume | None:
        fitting = [
            volume
            for volume in self.volumes.values()
            if volume.name not in taken
            and not volume.claim
            and volume.phase == "Available"
            and volume.storage_class_name == (claim.storage_class_name or "")
            and set(claim.access_modes) <= set(volume.access_modes)
            and volume.capacity.get("storage", 0) >= claim.requests.get("storage", 0)
            and _reaches(volume, node)
        ]
        return min(fitting, key=lambda volume: volume.capacity.get("storage", 0), default=None)


def _not_found(name: str) -> str:
    return f'persistentvolumeclaim "{name}" not found'


def _uses(asking: VolumeRules, placed: VolumeRules) -> int:
    if placed.namespace != asking.namespace:
        return 0
    return sum(name in asking.once_per_pod for name in placed.claim_names)


def _conflicts(asking: VolumeRules, placed: VolumeRules) -> int:
    return int(any(_conflict(a, b) for a in asking.exclusive for b in placed.exclusive))


def _conflict(wanted: Volume, used: Volume) -> bool:
    if wanted.kind != used.kind:
        return False
    a, b = wanted.source, used.source
    if wanted.kind == "awsElasticBlockStore":
        return bool(a.get("volumeID") == b.get("volumeID"))
    if wanted.kind == "gcePersistentDisk":
        same = a.get("pdName") == b.get("pdName")
    elif wanted.kind == "iscsi":
        same = a.get("iqn") == b.get("iqn")
    else:
        same = bool(set(a.get("monitors") or ()) & set(b.get("monitors") or ())) and (
            a.get("pool", "rbd"),
            a.get("image"),
        ) == (b.get("pool", "rbd"), b.get("image"))
    return same and not (a.get("readOnly") and b.get("readOnly"))


def _reaches(volume: PersistentVolume, node: Node) -> bool:
    terms = volume.required_node_affinity
    return terms is None or any_term_matches(terms, node.labels, node.name)


def _can_provision(storage_class: StorageClass, node: Node) -> bool:
    if storage_class.provisioner == NO_PROVISIONER:
        return False
    topologies = storage_class.allowed_topologies
    return not topologies or any(_all_hold(topology, node) for topology in topologies)


def _all_hold(requirements: tuple[Requirement, ...], node: Node) -> bool:
    return all(expression_holds(r, node.labels.get(r.key)) for r in requirements)


def _in_zone(rules: VolumeRules, node: Node) -> bool:
    if not any(key in node.labels for key in _ZONE_KEYS):
        return True
    for key, values in rules.zones:
        label = node.labels.get(key, node.labels.get(_GA_KEY.get(key, key)))
        if label is None or label not in values:
            return False
    return True
