"""Which pods of a node would have to move, and which forbid its removal.

Specification section 5.5; upstream ``simulator/drainability/rules``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from ...model.times import SECOND
from .classes import PREFIX, PodClass
from .disruption import BudgetTracker
from .options import Options
from .world import Controllers, Pods

SAFE_TO_EVICT = PREFIX + "safe-to-evict"
SAFE_LOCAL_VOLUMES = PREFIX + "safe-to-evict-local-volumes"
ON_COMPLETION = "on-completion"
DEFAULT_GRACE = 30 * SECOND
LONG_TERMINATING_EXTRA = 30 * SECOND
KUBE_SYSTEM = "kube-system"

CONTROLLER_NOT_FOUND = "ControllerNotFound"
MIN_REPLICAS = "MinReplicasReached"
NOT_REPLICATED = "NotReplicated"
KUBE_SYSTEM_POD = "UnmovableKubeSystemPod"
NOT_SAFE = "NotSafeToEvictAnnotation"
LOCAL_STORAGE = "LocalStorageRequested"
NOT_ENOUGH_BUDGET = "NotEnoughPdb"

REPLICATED_KINDS = ("ReplicationController", "Job", "ReplicaSet", "StatefulSet")
LOOKED_UP_KINDS = (*REPLICATED_KINDS, "DaemonSet")

SKIP, DRAIN, WAIT, MOVE = "skip", "drain", "wait", "move"


@dataclass(slots=True)
class PodsToMove:
    """Outcome of the rules on one node: ids of pods, or the pod that blocks and why."""

    moved: list[int] = field(default_factory=list)
    daemon: list[int] = field(default_factory=list)
    waits: bool = False
    blocking: int | None = None
    reason: str = ""


class DrainRules:
    """The default rules, in upstream's order; the first that says something decides.

    Parameters
    ----------
    controllers : mapping, optional
        Workload objects by (kind, namespace, name); without it nothing is looked up.
    """

    def __init__(
        self,
        options: Options,
        pods: Pods,
        controllers: Controllers | None = None,
    ) -> None:
        self._options = options
        self._pods = pods
        self._controllers = controllers
        self._static: dict[int, str] = {}

    def pods_to_move(
        self, pods: Iterable[int], budgets: BudgetTracker | None, now: int
    ) -> PodsToMove:
        """Apply the rules to the pods of a node, in their order, until one blocks."""
        found = PodsToMove()
        lookup = self._pods.classes
        for pod in pods:
            pod_class = lookup[pod]
            outcome = self.outcome(pod, pod_class, budgets, now)
            if outcome in (MOVE, DRAIN):
                (found.daemon if pod_class.is_daemon_set else found.moved).append(pod)
            elif outcome == WAIT:
                found.waits = True
            elif outcome != SKIP:
                return PodsToMove(blocking=pod, reason=outcome)
        return found

    def of_class(self, pod_class: PodClass) -> str:
        """Return the outcome for a pod that is not under deletion, budgets and age left out."""
        outcome = self._static.get(pod_class.index)
        if outcome is None:
            outcome = self._static[pod_class.index] = self._of_class(pod_class)
        return outcome

    def outcome(
        self, pod: int, pod_class: PodClass, budgets: BudgetTracker | None, now: int
    ) -> str:
        """Return one of the four outcomes, or the reason of a block."""
        if pod_class.terminating and is_long_terminating(self._pods, pod, pod_class, now):
            return SKIP
        outcome = self.of_class(pod_class)
        if outcome == KUBE_SYSTEM_POD:
            if budgets is None or not budgets.matching(pod_class):
                age = now - int(self._pods.created_ns(np.array([pod], np.int64))[0])
                old = age > self._options.blocking_system_pod_distruption_timeout
                return MOVE if old else KUBE_SYSTEM_POD
            outcome = self.late_rules(pod_class)
        if outcome == MOVE and budgets is not None and budgets.blocks(pod_class):
            return NOT_ENOUGH_BUDGET
        return outcome

    def _of_class(self, pod_class: PodClass) -> str:
        """Rules 1 and 3 to 11, which read nothing but the class and its controller."""
        annotation = pod_class.template.annotations.get(SAFE_TO_EVICT)
        if pod_class.is_mirror:
            return SKIP
        problem = self._controller_problem(pod_class)
        if problem:
            return problem
        if pod_class.is_daemon_set or annotation == "true" or pod_class.terminal:
            return DRAIN
        if annotation == ON_COMPLETION:
            return WAIT
        if not self._is_replicated(pod_class):
            return NOT_REPLICATED
        if self._options.skip_nodes_with_system_pods and pod_class.namespace == KUBE_SYSTEM:
            return KUBE_SYSTEM_POD
        return self.late_rules(pod_class)

    def late_rules(self, pod_class: PodClass) -> str:
        """Rules 10 and 11, all that is left for a system pod that a budget covers."""
        if pod_class.template.annotations.get(SAFE_TO_EVICT) == "false":
            return NOT_SAFE
        if self._options.skip_nodes_with_local_storage and _has_local_storage(pod_class):
            return LOCAL_STORAGE
        return MOVE

    def _controller_problem(self, pod_class: PodClass) -> str:
        if not self._options.skip_nodes_with_custom_controller_pods or self._controllers is None:
            return ""
        kind = pod_class.controller_kind
        if kind not in LOOKED_UP_KINDS:
            return ""
        found = self._controllers.get((kind, pod_class.namespace, pod_class.controller_name))
        if found is None:
            return CONTROLLER_NOT_FOUND
        counts = kind in ("ReplicationController", "ReplicaSet")
        few = counts and found.replicas < self._options.min_replica_count
        return MIN_REPLICAS if few else ""

    def _is_replicated(self, pod_class: PodClass) -> bool:
        if pod_class.controller_uid is None:
            return False
        if self._options.skip_nodes_with_custom_controller_pods:
            return pod_class.controller_kind in REPLICATED_KINDS
        return True


def is_long_terminating(pods: Pods, pod: int, pod_class: PodClass, now: int) -> bool:
    """Whether a pod has been under deletion for longer than its grace allows."""
    deletion = pods.deletion_ns[pod]
    seconds = pod_class.template.spec.termination_grace_period_seconds
    grace = DEFAULT_GRACE if seconds is None else seconds * SECOND
    return deletion is not None and deletion + grace + LONG_TERMINATING_EXTRA < now


def _has_local_storage(pod_class: PodClass) -> bool:
    safe = pod_class.template.annotations.get(SAFE_LOCAL_VOLUMES, "").split(",")
    return any(
        (
            volume.kind == "hostPath"
            or (volume.kind == "emptyDir" and volume.source.get("medium") != "Memory")
        )
        and volume.name not in safe
        for volume in pod_class.template.spec.volumes
    )
