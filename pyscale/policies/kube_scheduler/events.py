"""Which event is worth another try for which pod.

A parked pod is looked at again only for events that a plugin which refused it has registered, and
only if that plugin's hint says so (``EventsToRegister`` and ``QueueingHintFn`` of each plugin in
kubernetes 1.36).  The hints here are upstream's but for three that are more generous, which changes
when a pod is retried, never where it goes: PodTopologySpread and InterPodAffinity ask for any pod
event in the cluster and any node event, and the volume plugins for any node event.
"""

from __future__ import annotations

from collections.abc import Mapping

from .pod_classes import Port, ports_conflict
from .queue import Hint, QueuedPod
from .scheduler import PodInfo, Scheduler

_NODE_PLUGINS = ("NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity")
_TOPOLOGY_PLUGINS = frozenset(("PodTopologySpread", "InterPodAffinity"))
_VOLUME_PLUGINS = frozenset(
    ("VolumeRestrictions", "NodeVolumeLimits", "VolumeBinding", "VolumeZone")
)


def pod_deleted(scheduler: Scheduler, deleted: PodInfo, waiting: Mapping[str, PodInfo]) -> Hint:
    """Return the hint for the end of a pod that was on a node."""
    freed = scheduler.snapshot.classes[deleted.class_id].ports

    def hint(queued: QueuedPod) -> bool:
        if "NodeResourcesFit" in queued.rejectors or queued.rejectors & _TOPOLOGY_PLUGINS:
            return True
        if queued.rejectors & {"VolumeRestrictions", "NodeVolumeLimits"}:
            return True
        if "NodePorts" in queued.rejectors:
            wanted = scheduler.snapshot.classes[waiting[queued.key].class_id].ports
            return _share_a_port(wanted, freed)
        return False

    return hint


def pod_bound(scheduler: Scheduler, waiting: Mapping[str, PodInfo]) -> Hint:
    """Return the hint for a pod that came to a node: only topology can profit from it."""
    return lambda queued: bool(queued.rejectors & _TOPOLOGY_PLUGINS)


def node_changed(scheduler: Scheduler, node_name: str, waiting: Mapping[str, PodInfo]) -> Hint:
    """Return the hint for a node that came, or whose labels, taints or amounts changed."""
    snapshot = scheduler.snapshot
    node = snapshot.node_id(node_name)

    def hint(queued: QueuedPod) -> bool:
        if queued.rejectors & (_TOPOLOGY_PLUGINS | _VOLUME_PLUGINS):
            return True
        if node is None:
            return False
        info = waiting[queued.key]
        verdicts, _ = snapshot.state.plugin_verdicts(info.class_id, node)
        passes = {plugin: verdicts[i] == 0 for i, plugin in enumerate(_NODE_PLUGINS)}
        if any(plugin in queued.rejectors and passes[plugin] for plugin in _NODE_PLUGINS):
            return True
        if "NodePorts" in queued.rejectors:
            return True
        return "NodeResourcesFit" in queued.rejectors and snapshot.fits_empty(info.class_id, node)

    return hint


def _share_a_port(wanted: tuple[Port, ...], freed: tuple[Port, ...]) -> bool:
    return any(ports_conflict(a, b) for a in wanted for b in freed)
