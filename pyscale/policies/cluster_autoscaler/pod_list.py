"""Which pending pods are to be helped: the pod list processors.

Specification section 2.1; upstream ``core/podlistprocessor``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ...errors import InvalidObjectError
from ...model.times import parse_duration
from .classes import PREFIX, PodClass
from .durations import SECOND
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
        queue = sorted(pending, key=lambda pod: -pods.classes[pod].effective_priority)
        placed = self.simulator.try_to_place(
            snapshot,
            queue,
            [pods.classes[pod] for pod in queue],
            [pods.keys[pod] for pod in queue],
        )
        self.simulator.hints.drop_old()
        return placed, [pod for pod in queue if pod not in placed]


def is_young(pod_class: PodClass, created_ns: int, options: Options, now: int) -> bool:
    """Whether a pod is too young to be helped: its age must be above the delay."""
    delay = options.new_pod_scale_up_delay
    text = pod_class.template.annotations.get(DELAY_ANNOTATION)
    if text:
        with suppress(InvalidObjectError):  # upstream logs it and keeps the flag's delay
            delay = max(delay, parse_duration(text))
    return now - created_ns <= delay


def are_all_new(pods: Pods, pending: Sequence[int], now: int) -> bool:
    """Whether to wait for more pods of the same burst."""
    oldest = min(pods.created_ns[pod] for pod in pending)
    if oldest + ALL_NEW_AFTER > now:
        return True
    with_gpu = [
        pods.created_ns[pod]
        for pod in pending
        if any(pods.classes[pod].requests.get(name) for name in GPU_RESOURCES)
    ]
    return bool(with_gpu) and min(with_gpu) + ALL_NEW_GPU_AFTER > now
