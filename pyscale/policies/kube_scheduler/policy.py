"""kube-scheduler as the scheduler of a simulation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from pyscale.errors import UnsupportedError
from pyscale.kernel._cluster_placer import ClusterPlacer
from pyscale.model.nodes import Node
from pyscale.policies.base import NodeKind, Setting

from .objects import ClusterObjects
from .profile import Profile
from .snapshot import Snapshot


@dataclass(frozen=True)
class KubeScheduler:
    """Binds pods as kube-scheduler does; the queue is the event loop's.

    Attributes
    ----------
    profile : Profile
    objects : ClusterObjects
        What rules look up by name.

    Notes
    -----
    A pod that found no node is tried again at once when something happens that may help it: the
    backoff of 1 to 10 seconds is left out, and pods do not preempt others.
    """

    name: ClassVar[str] = "kube-scheduler"
    profile: Profile = field(default_factory=Profile)
    objects: ClusterObjects = field(default_factory=ClusterObjects)

    def placer(self, setting: Setting) -> ClusterPlacer:
        """Return a fresh placer for the classes of a setting.

        Raises
        ------
        UnsupportedError
            If a class has scheduling gates, or claims volumes while ``objects`` has no claims.
        """
        for index, template in enumerate(setting.templates):
            if template.spec.scheduling_gates:
                raise UnsupportedError("scheduling gates", f"pod class {index}")
            if template.spec.claims_volumes and not self.objects.claims:
                raise UnsupportedError("volume claims in a simulation", f"pod class {index}")
        snapshot = Snapshot(self.profile, self.objects)
        classes = [snapshot.pod_class(template) for template in setting.templates]
        return ClusterPlacer(snapshot.state, np.array(classes, np.int32), _Nodes(snapshot))


class _Nodes:
    """Nodes of a run in a snapshot; every node has a name of its own."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._kinds: list[tuple[Node, int]] = []
        self._n_nodes = 0

    def add_kind(self, kind: NodeKind) -> None:
        """Remember the next kind."""
        self._kinds.append((kind.node, self._snapshot.kind(kind.node)))

    def add_node(self, kind: int) -> int:
        """Add a node of a kind and return its id in the snapshot."""
        node, number = self._kinds[kind]
        self._n_nodes += 1
        return self._snapshot.insert_node(node, f"node-{self._n_nodes}", number)

    def remove_node(self, node_id: int) -> None:
        """Remove a node."""
        self._snapshot.remove_node(node_id)

    def cordon(self, node_id: int, closed: bool) -> None:
        """Close a node to new pods, or open it."""
        node = replace(self._snapshot.nodes[node_id], unschedulable=closed)
        self._snapshot.nodes[node_id] = node
        self._snapshot.relabel(node_id, node)
