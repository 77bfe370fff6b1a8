"""The pods of a round: pending ones, and those that have to leave their nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyscale.model.pods import Pod, PodTemplate

from .classes import FormTable
from .daemons import pod_name
from .podspec import owner_kinds
from .state import ClusterObjects
from .validation import ignored_reason

PROVISIONABLE_REASON = "Unschedulable"


def is_provisionable(pod: Pod) -> bool:
    """Say whether the scheduler has given up on the pod and nobody else looks after it.

    Notes
    -----
    Follows Karpenter core ``pkg/utils/pod/scheduling.go:IsProvisionable``.
    """
    seen = any(
        item.type == "PodScheduled" and item.reason == PROVISIONABLE_REASON
        for item in pod.conditions
    )
    return (
        seen
        and not pod.node_name
        and not pod.nominated_node_name
        and not owner_kinds(pod.template) & {"DaemonSet", "Node"}
    )


class PendingPods:
    """The pods that wait for a node, as columns.

    Parameters
    ----------
    templates : sequence of PodTemplate
    template_of_pod : ndarray of int32, shape (n,)
        Index into ``templates``, in the order of upstream's list (namespace, then name).
    created_ns : ndarray of int64, shape (n,), optional
        Creation times; all equal by default.
    pods : sequence of Pod, optional
        The pods themselves, where there are any: they have names and uids.
    ignored : mapping, optional
        Key of each pod that takes no part -> why.
    ids : ndarray of int64, shape (n,), optional
        Numbers in the order of the uids, instead of ``pods``.

    Notes
    -----
    Without ``pods`` equally large pods of one creation time are queued in the order of the list.
    """

    def __init__(
        self,
        templates: Sequence[PodTemplate],
        template_of_pod: NDArray[np.int32],
        created_ns: NDArray[np.int64] | None = None,
        pods: Sequence[Pod] = (),
        ignored: Mapping[str, str] | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> None:
        self.templates = templates
        self.template_of_pod = template_of_pod
        n = len(template_of_pod)
        self.created_ns = np.zeros(n, dtype=np.int64) if created_ns is None else created_ns
        self.pods = pods
        self.ignored = ignored or {}
        self.ids = ids if n else np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.template_of_pod)

    def name(self, i: int) -> str:
        """Return a pod's name, with its namespace unless that is the default one."""
        return pod_name(self.pods[i]) if self.pods else f"pod-{i}"

    def uid_keys(self) -> list[str]:
        """Return what orders pods of equal size and age."""
        if self.pods:
            return [pod.uid for pod in self.pods]
        if self.ids is not None:
            return [f"{number:012d}" for number in self.ids.tolist()]
        width = len(str(len(self)))
        return [f"{i:0{width}}" for i in range(len(self))]

    def forms(self, table: FormTable) -> NDArray[np.int32]:
        """Return the number of each pod's form."""
        if self.pods:
            return np.array([table.of_pod(pod) for pod in self.pods], dtype=np.int32)
        occurring, place = np.unique(self.template_of_pod, return_inverse=True)
        numbers = np.array(
            [table.of_pod(Pod("", self.templates[number])) for number in occurring.tolist()],
            dtype=np.int32,
        )
        return numbers[place]


def pending_columns(objects: ClusterObjects) -> PendingPods:
    """Return the pods to place, and why each other pod without a node is ignored."""
    pending: list[Pod] = []
    ignored: dict[str, str] = {}
    by_template: dict[int, str] = {}
    well_known = objects.well_known
    for pod in objects.pods:
        if pod.node_name:
            continue
        reason = "it is not provisionable"
        if is_provisionable(pod):
            template = pod.template
            known = by_template.get(id(template))
            if known is None:
                known = by_template[id(template)] = ignored_reason(
                    template.spec, well_known, objects.restricted_domains
                )
            reason = known
            if not reason and template.spec.volumes:
                reason = objects.volumes.invalid_reason(template.spec, template.namespace, pod.name)
        if reason:
            ignored[pod.key] = reason
        else:
            pending.append(pod)
    created = np.array([pod.creation_ns or 0 for pod in pending], dtype=np.int64)
    numbers = np.arange(len(pending), dtype=np.int32)
    templates = [pod.template for pod in pending]
    return PendingPods(templates, numbers, created, pending, ignored)
