"""Which nodes may be considered for removal at all.

Specification section 5.3; upstream ``core/scaledown/eligibility`` and ``simulator/utilization``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...model.nodes import Node
from ...model.resources import CPU, MEMORY
from ...model.times import MINUTE, SECOND
from .classes import PREFIX
from .drain import DEFAULT_GRACE, LONG_TERMINATING_EXTRA
from .options import GroupOptions, Options
from .quotas import GPU_RESOURCES
from .units import node_units
from .world import TO_BE_DELETED, NodeRow, Pods

SCALE_DOWN_DISABLED = PREFIX + "scale-down-disabled"
DELETION_TIMEOUT = 5 * MINUTE

UNEXPECTED_ERROR = "UnexpectedError"
RECENTLY_UNREMOVABLE = "RecentlyUnremovable"
BEING_DELETED = "CurrentlyBeingDeleted"
DISABLED_ANNOTATION = "ScaleDownDisabledAnnotation"
NOT_AUTOSCALED = "NotAutoscaled"
UNREADY_DISABLED = "ScaleDownUnreadyDisabled"
NOT_UNDERUTILIZED = "NotUnderutilized"


@dataclass(frozen=True, slots=True)
class Utilization:
    """The resource that is used most, and its share."""

    resource: str
    share: float


def is_being_deleted(node: NodeRow, now: int) -> bool:
    """Whether a deletion was started in the last five minutes, by the taint's time."""
    taint = node.taint(TO_BE_DELETED)
    if taint is None:
        return False
    try:
        since = int(taint.value) * SECOND
    except ValueError:
        return False
    return now - since < DELETION_TIMEOUT


def is_disabled(node: NodeRow) -> bool:
    """Whether an annotation forbids the removal."""
    annotations = node.node.annotations
    return bool(annotations) and annotations.get(SCALE_DOWN_DISABLED) == "true"


@dataclass(frozen=True, slots=True)
class _Known:
    """A utilization that holds while node and pods are the same objects."""

    node: Node
    pods: Sequence[int]
    utilization: Utilization | None


class Eligibility:
    """Checks candidates; all the shares are floats, as upstream's."""

    def __init__(
        self,
        options: Options,
        group_options: Callable[[str], GroupOptions],
        gpu_label: str = "",
    ) -> None:
        self._options = options
        self._group_options = group_options
        self._gpu_label = gpu_label
        self._units: dict[int, dict[str, int]] = {}
        self._known: dict[str, _Known] = {}

    def check(
        self, node: NodeRow, pods: Pods, present: Sequence[int], now: int
    ) -> tuple[str, Utilization | None]:
        """Return the reason against a node, "" if there is none, and its utilization if computed.

        ``present`` are the pods on the node that the snapshot has.
        """
        if is_being_deleted(node, now):
            return BEING_DELETED, None
        if is_disabled(node):
            return DISABLED_ANNOTATION, None
        if not node.group:
            return NOT_AUTOSCALED, None
        if not self._options.scale_down_unready_enabled and not node.ready:
            return UNREADY_DISABLED, None
        own = self._group_options(node.group)
        has_gpu = bool(self._gpu_label) and self._gpu_label in node.node.labels
        known = self._known.get(node.name)
        if known is not None and known.pods is present and known.node is node.node:
            utilization = known.utilization
        else:
            utilization = self._utilization(node, pods, present, own, has_gpu, now)
            if not any(pods.classes[pod].terminating for pod in present):
                self._known[node.name] = _Known(node.node, present, utilization)
        if utilization is None:
            return UNEXPECTED_ERROR, None
        threshold = (
            own.scale_down_gpu_utilization_threshold
            if has_gpu
            else own.scale_down_utilization_threshold
        )
        if utilization.share > threshold:
            return NOT_UNDERUTILIZED, utilization
        return "", utilization

    def _utilization(
        self,
        node: NodeRow,
        pods: Pods,
        present: Sequence[int],
        own: GroupOptions,
        has_gpu: bool,
        now: int,
    ) -> Utilization | None:
        allocatable = self._allocatable(node)
        if has_gpu:
            for name in GPU_RESOURCES:
                if allocatable.get(name, 0) > 0:
                    used = sum(pods.classes[pod].requests.get(name, 0) for pod in present)
                    return Utilization(name, used / allocatable[name])
            return Utilization(GPU_RESOURCES[0], 0.0)
        shares = []
        for name in (CPU, MEMORY):
            share = self._share(name, allocatable, pods, present, own, now)
            if share is None:
                return None
            shares.append(Utilization(name, share))
        cpu, memory = shares
        return cpu if cpu.share > memory.share else memory

    def _share(
        self,
        resource: str,
        allocatable: dict[str, int],
        pods: Pods,
        present: Sequence[int],
        own: GroupOptions,
        now: int,
    ) -> float | None:
        room = allocatable.get(resource, 0)
        if room == 0:
            return None
        used = excluded = 0
        for pod in present:
            pod_class = pods.classes[pod]
            amount = pod_class.requests.get(resource, 0)
            if (pod_class.is_daemon_set and own.ignore_daemonsets_utilization) or (
                pod_class.is_mirror and self._options.ignore_mirror_pods_utilization
            ):
                excluded += amount
                continue
            if pod_class.terminating and _is_long_terminating(pods, pod, now):
                continue
            used += amount
        return used / (room - excluded)

    def _allocatable(self, node: NodeRow) -> dict[str, int]:
        known = self._units.get(id(node.node))
        if known is None:
            known = node_units(node.node.allocatable or node.node.capacity)
            self._units[id(node.node)] = known
        return known


def _is_long_terminating(pods: Pods, pod: int, now: int) -> bool:
    deletion = pods.deletion_ns[pod]
    seconds = pods.classes[pod].template.spec.termination_grace_period_seconds
    grace = DEFAULT_GRACE if seconds is None else seconds * SECOND
    return deletion is not None and deletion + grace + LONG_TERMINATING_EXTRA < now
