"""Which pending pods are to be helped: the pod list processors.

Specification section 2.1; upstream ``core/podlistprocessor``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from pyscale.kernel._hints import Hints

from ...errors import InvalidObjectError
from ...model.times import SECOND, parse_duration
from .classes import PREFIX, PodClass
from .options import Options
from .quotas import GPU_RESOURCES
from .snapshot import Snapshot
from .world import PodList, Pods

DELAY_ANNOTATION = PREFIX + "pod-scale-up-delay"
ALL_NEW_AFTER = 2 * SECOND
ALL_NEW_GPU_AFTER = 30 * SECOND


def is_expendable(pod_class: PodClass, options: Options) -> bool:
    """Whether a pod's priority is set and below the cut-off."""
    cutoff = options.expendable_pods_priority_cutoff
    return pod_class.priority is not None and pod_class.priority < cutoff


class FilterOutSchedulable:
    """Takes out pods that fit nodes the cluster has or is getting; hints outlive a call."""

    def __init__(self) -> None:
        self._hints = Hints()

    def run_without_pods(self) -> None:
        """Age the hints, as a call for no pods does."""
        self._hints.drop_old()

    def run(
        self, snapshot: Snapshot, pods: PodList, table: Sequence[PodClass]
    ) -> tuple[dict[int, str], PodList]:
        """Place what fits, for the rest of the loop; return the placements and the other pods.

        Pods are taken by priority, highest first; equal ones in the order given.
        """
        snapshot.placement.learn(pods.classes, table)
        queue = by_priority(pods, table)
        nodes = snapshot.placement.place_hinted(queue, self._hints)
        self._hints.drop_old()
        placed = nodes >= 0
        if not placed.any():
            return {}, queue
        fitting = {
            pod: snapshot.name(node)
            for pod, node in zip(queue.ids.tolist(), nodes.tolist(), strict=True)
            if node >= 0
        }
        return fitting, queue.where(~placed)


def by_priority(pods: PodList, table: Sequence[PodClass]) -> PodList:
    """Sort pods by priority, the highest first; equal ones keep their order."""
    indexes = np.unique(pods.classes)
    if len({table[index].effective_priority for index in indexes.tolist()}) <= 1:
        return pods
    priorities = np.array([table[i].effective_priority for i in indexes.tolist()], np.int64)
    own = priorities[np.searchsorted(indexes, pods.classes)]
    return pods.where(np.argsort(-own, kind="stable"))


def delay_of(pod_class: PodClass, options: Options) -> int:
    """Return how old a pod must be before it is helped; its age must be above that."""
    delay = options.new_pod_scale_up_delay
    text = pod_class.template.annotations.get(DELAY_ANNOTATION)
    if text:
        with suppress(InvalidObjectError):  # upstream logs it and keeps the flag's delay
            delay = max(delay, parse_duration(text))
    return delay


def without_young(pods: Pods, pending: PodList, options: Options, now: int) -> PodList:
    """Return the pods that are old enough to be helped."""
    if not len(pending):
        return pending
    indexes, which = np.unique(pending.classes, return_inverse=True)
    delays = np.array([delay_of(pods.table[i], options) for i in indexes.tolist()], np.int64)
    old = now - pods.created_ns(pending.ids) > delays[which]
    return pending if old.all() else pending.where(old)


def are_all_new(pods: Pods, pending: PodList, now: int) -> bool:
    """Whether to wait for more pods of the same burst."""
    created = pods.created_ns(pending.ids)
    if int(created.min()) + ALL_NEW_AFTER > now:
        return True
    with_gpu = [
        index
        for index in np.unique(pending.classes).tolist()
        if any(pods.table[index].requests.get(name) for name in GPU_RESOURCES)
    ]
    if not with_gpu:
        return False
    return int(created[np.isin(pending.classes, with_gpu)].min()) + ALL_NEW_GPU_AFTER > now
