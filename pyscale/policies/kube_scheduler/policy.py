"""kube-scheduler as the scheduler of a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from pyscale.errors import UnsupportedError
from pyscale.kernel._cluster_placer import ClusterPlacer
from pyscale.kernel._preemption import Preemption
from pyscale.model.nodes import Node
from pyscale.policies.base import Int32s, NodeKind, Setting
from pyscale.policies.disruption_budgets import BudgetTable

from .objects import ClusterObjects
from .profile import Profile
from .queue import QueueOptions
from .snapshot import Snapshot
from .volumes import NO_PROVISIONER


@dataclass(frozen=True)
class KubeScheduler:
    """Binds pods as kube-scheduler does.

    Attributes
    ----------
    profile : Profile
    objects : ClusterObjects, optional
        What rules look up by name; by default what the trace has.
    queue : QueueOptions

    Notes
    -----
    A cycle takes no time, and victims of a preemption leave at once.  A scheduler without other
    work does not wait for the end of a pod's backoff, so the backoff says who comes first when
    something happens that may help several.
    """

    name: ClassVar[str] = "kube-scheduler"
    profile: Profile = field(default_factory=Profile)
    objects: ClusterObjects | None = None
    queue: QueueOptions = field(default_factory=QueueOptions)

    def placer(self, setting: Setting) -> ClusterPlacer:
        """Return a fresh placer for the classes of a setting.

        Raises
        ------
        UnsupportedError
            If a class claims volumes that nobody knows, or that a run would have to bind.
        """
        objects = objects_of(setting.objects) if self.objects is None else self.objects
        snapshot = Snapshot(self.profile, objects)
        classes = [snapshot.pod_class(template) for template in setting.templates]
        for index, number in enumerate(classes):
            if setting.templates[index].spec.claims_volumes:
                _check_claims(snapshot, number, f"pod class {index}")
        class_ids = np.array(classes, np.int32)
        preemption = None
        if self.profile.preemption:
            preemption = self._preemption(snapshot, class_ids, setting)
        placer = ClusterPlacer(
            snapshot.state,
            class_ids,
            np.array([template.spec.priority or 0 for template in setting.templates], np.int32),
            _Nodes(snapshot),
            preemption,
        )
        placer.backoff_ns = self.queue.backoffs()
        placer.flush_ns = self.queue.flush_interval_ns
        placer.patience_ns = self.queue.max_unschedulable_ns
        return placer

    def _preemption(self, snapshot: Snapshot, class_ids: Int32s, setting: Setting) -> Preemption:
        templates = setting.templates
        budgets = BudgetTable(setting.disruption_budgets, templates)
        of_class = [
            covering if template.labels else ()
            for covering, template in zip(budgets.read_by_preemption(), templates, strict=True)
        ]
        return Preemption(
            snapshot.state,
            class_ids,
            np.array([template.spec.preemption_policy == "Never" for template in templates]),
            np.cumsum([0, *map(len, of_class)], dtype=np.int32),
            np.array([budget for covering in of_class for budget in covering], np.int32),
            budgets,
            self.profile.min_candidate_nodes_percentage,
            self.profile.min_candidate_nodes_absolute,
            setting.seed,
        )


def objects_of(objects: Mapping[str, tuple[Any, ...]]) -> ClusterObjects:
    """Return what rules look up by name, from a trace's objects by kind."""
    return ClusterObjects(
        namespaces=objects.get("Namespace", ()),
        services=objects.get("Service", ()),
        controllers=objects.get("Workload", ()),
        claims=objects.get("PersistentVolumeClaim", ()),
        volumes=objects.get("PersistentVolume", ()),
        storage_classes=objects.get("StorageClass", ()),
        csi_nodes=objects.get("CSINode", ()),
    )


def _check_claims(snapshot: Snapshot, number: int, where: str) -> None:
    """Refuse claims that a run can't follow: unknown ones, and a choice among written volumes."""
    rules = snapshot.classes[number].volumes
    if not snapshot.objects.claims or any(
        volume.kind == "ephemeral" for volume in snapshot.classes[number].template.spec.volumes
    ):
        raise UnsupportedError("volume claims in a simulation", where)
    choosing = {
        one.name for one in snapshot.objects.storage_classes if one.provisioner == NO_PROVISIONER
    }
    for claim in rules.to_bind:
        if claim.storage_class_name in choosing:
            raise UnsupportedError(
                "volume claims that choose among volumes in a simulation", f"{where}: {claim.name}"
            )


class _Nodes:
    """Nodes of a run in a snapshot; every node has a name of its own."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._kinds: list[tuple[Node, int]] = []
        self._kind_of: dict[int, int] = {}
        self._relabelled: dict[tuple[int, bool], tuple[Node, int]] = {}
        self._n_nodes = 0

    def add_kind(self, kind: NodeKind) -> None:
        """Remember the next kind."""
        self._kinds.append((kind.node, self._snapshot.kind(kind.node)))

    def add_node(self, kind: int) -> int:
        """Add a node of a kind and return its id in the snapshot."""
        node, number = self._kinds[kind]
        self._n_nodes += 1
        node_id = self._snapshot.insert_node(node, f"node-{self._n_nodes}", number)
        self._kind_of[node_id] = kind
        return node_id

    def remove_node(self, node_id: int) -> None:
        """Remove a node."""
        self._snapshot.remove_node(node_id)
        del self._kind_of[node_id]

    def cordon(self, node_id: int, closed: bool) -> None:
        """Close a node to new pods, or open it."""
        key = self._kind_of[node_id], closed
        if key not in self._relabelled:
            node = replace(self._kinds[key[0]][0], unschedulable=closed)
            self._relabelled[key] = node, self._snapshot.kind(node)
        node, number = self._relabelled[key]
        self._snapshot.nodes[node_id] = node
        self._snapshot.relabel(node_id, node, number)
