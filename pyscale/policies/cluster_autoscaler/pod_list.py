"""Which pending pods are to be helped: the pod list processors.

Specification section 2.1; upstream ``core/podlistprocessor``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ...errors import InvalidObjectError
from ...model.times import SECOND, parse_duration
from .classes import PREFIX, PodClass
from .hints import HintingSimulator
from .options import Options
from .quotas import GPU_RESOURCES
from .snapshot import Snapshot
from .world import Pods

DELAY_ANNOTATION = PREFIX + "pod-scale-up-delay"
ALL_NEW_AFTER = 2 * SECOND
ALL_NEW_GPU_AFTER = 30 * SECOND


def is_expendable(pod_class: PodClass, options: Options) -> bool:
    """Whether a pod's priority is set and below the cut-off."""
    cutoff = options.expendable_pods_priority_cutoff
    return pod_class.priority is not None and pod_class.priority < cutoff


@dataclass(slots=True)
class FilterOutSchedulable:
    """Takes out pods that fit nodes the cluster has or is getting; hints outlive a call."""

    simulator: HintingSimulator = field(default_factory=HintingSimulator)

    def run(
        self, snapshot: Snapshot, pods: Pods, pending: Sequence[int]
    ) -> tuple[dict[int, str], list[int]]:
        """Place what fits, for the rest of the loop; return the placements and the other pods.

        Pods are taken by priority, highest first; equal ones in the order given.
        """
        classes = [pods.classes[pod] for pod in pending]
        queue = list(pending)
        if len({pod_class.effective_priority for pod_class in set(classes)}) > 1:
            queue.sort(key=lambda pod: -pods.classes[pod].effective_priority)
            classes = [pods.classes[pod] for pod in queue]
        placed = self.simulator.try_to_place(snapshot, queue, classes, pods.keys)
        self.simulator.hints.drop_old()
        return placed, [pod for pod in queue if pod not in placed] if placed else queue


def delay_of(pod_class: PodClass, options: Options) -> int:
    """Return how old a pod must be before it is helped; its age must be above that."""
    delay = options.new_pod_scale_up_delay
    text = pod_class.template.annotations.get(DELAY_ANNOTATION)
    if text:
        with suppress(InvalidObjectError):  # upstream logs it and keeps the flag's delay
            delay = max(delay, parse_duration(text))
    return delay


def without_young(pods: Pods, pending: list[int], options: Options, now: int) -> list[int]:
    """Return the pods that are old enough to be helped."""
    classes = [pods.classes[pod] for pod in pending]
    delays = {pod_class: delay_of(pod_class, options) for pod_class in set(classes)}
    created = [pods.created_ns[pod] for pod in pending]
    if not pending or max(created) + max(delays.values()) < now:
        return pending
    return [
        pod
        for pod, pod_class, since in zip(pending, classes, created, strict=True)
        if now - since > delays[pod_class]
    ]


def are_all_new(pods: Pods, pending: Sequence[int], now: int) -> bool:
    """Whether to wait for more pods of the same burst."""
    if min(pods.created_ns[pod] for pod in pending) + ALL_NEW_AFTER > now:
        return True
    classes = {pods.classes[pod] for pod in pending}
    with_gpu = {c for c in classes if any(c.requests.get(name) for name in GPU_RESOURCES)}
    if not with_gpu:
        return False
    created = (pods.created_ns[pod] for pod in pending if pods.classes[pod] in with_gpu)
    return min(created) + ALL_NEW_GPU_AFTER > now
