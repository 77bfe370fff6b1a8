"""Which pods VPA's updater replaces, and in which order.

Follows kubernetes/autoscaler ``vertical-pod-autoscaler/pkg/updater/priority``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...model.pods import Pod
from ...model.times import HOUR, MINUTE
from ...model.vertical import LimitRange, VerticalPodAutoscaler
from .capping import process
from .limit_ranges import Amounts, milli_amounts

OBSERVED_CONTAINERS = "vpaObservedContainers"
_LIFETIME = 12 * HOUR
_QUICK_RUN = 10 * MINUTE
_RECENT = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Termination:
    """The last termination of a container; times in ns since the Unix epoch."""

    container: str
    reason: str
    started_ns: int
    finished_ns: int


@dataclass(frozen=True, slots=True)
class UpdatePriority:
    """How urgent a pod's update is, and whether it may happen now."""

    pod: str
    outside_recommended_range: bool
    scale_up: bool
    resource_diff: float
    is_accepted: bool


def update_priority(
    vpa: VerticalPodAutoscaler,
    pod: Pod,
    terminations: Sequence[Termination],
    limit_ranges: Sequence[LimitRange],
    now_ns: int,
    min_change: float = 0.1,
) -> UpdatePriority:
    """Judge one pod.

    Parameters
    ----------
    terminations : sequence of Termination
        The last termination of each of the pod's containers that had one.
    min_change : float
        The flag ``pod-update-threshold``.
    """
    is_outside = grows = False
    requested: Amounts = {}
    wanted: Amounts = {}
    bounds = {it.name: it.bounds for it in process(vpa, pod, limit_ranges)}
    for container in pod.template.spec.containers:
        found = bounds.get(container.name)
        if found is None or not _is_observed(pod, container.name):
            continue
        requests = milli_amounts(container.requests)
        for resource, target in found["target"].items():
            wanted[resource] = wanted.get(resource, 0) + target
            if resource not in requests:
                is_outside = grows = True
                continue
            request = requests[resource]
            requested[resource] = requested.get(resource, 0) + request
            grows = grows or target > request
            lower, upper = found["lower_bound"], found["upper_bound"]
            is_outside = is_outside or request < lower[resource] or request > upper[resource]
    diff = 0.0
    for resource, target in wanted.items():
        base = max(float(requested.get(resource, 0)), 1.0)
        diff += abs(base - target) / base
    had_oom = _had_quick_oom(vpa, pod, terminations, now_ns)
    return UpdatePriority(
        pod.name,
        is_outside,
        grows,
        diff,
        _accepts(pod, now_ns, is_outside, had_oom, diff, min_change),
    )


def update_order(priorities: Sequence[UpdatePriority]) -> list[UpdatePriority]:
    """Return the accepted pods: growers first, then the larger difference; ties as given."""
    accepted = [priority for priority in priorities if priority.is_accepted]
    return sorted(accepted, key=lambda it: (not it.scale_up, -it.resource_diff))


def _is_observed(pod: Pod, container: str) -> bool:
    """Whether the admission controller knew the container; without its annotation all count."""
    listed = pod.template.annotations.get(OBSERVED_CONTAINERS)
    return not listed or container in {name.strip() for name in listed.split(",")}


def _had_quick_oom(
    vpa: VerticalPodAutoscaler, pod: Pod, terminations: Sequence[Termination], now_ns: int
) -> bool:
    return any(
        last.reason == "OOMKilled"
        and last.finished_ns - last.started_ns < _QUICK_RUN
        and now_ns - last.finished_ns < _RECENT
        and _is_observed(pod, last.container)
        and vpa.policy_of(last.container).mode != "Off"
        for last in terminations
    )


def _accepts(
    pod: Pod, now_ns: int, is_outside: bool, had_oom: bool, diff: float, min_change: float
) -> bool:
    if had_oom and diff == 0:
        return False
    if is_outside or had_oom:
        return True
    is_old = pod.start_ns is not None and now_ns >= pod.start_ns + _LIFETIME
    return is_old and diff >= min_change
