"""Pod equivalence groups: pending pods that need be looked at only once.

Specification section 3; upstream ``core/scaleup/equivalence/groups.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .classes import PodClass

MAX_REPRESENTATIVES = 10
"""Distinct shapes remembered per controller; pods of further shapes stay alone."""


@dataclass(slots=True, eq=False)
class PodGroup:
    """Pods that are alike, in pending order; the first one stands for all.

    ``pods`` are ids (positions in the observation's pod table).
    """

    pod_class: PodClass
    pods: list[int] = field(default_factory=list)


def equivalence_groups(pods: Sequence[int], classes: Sequence[PodClass]) -> list[PodGroup]:
    """Group pending pods, in the order of each group's first pod.

    Pods without controller and DaemonSet pods stay alone.  A pod joins the first of at most ten
    representatives of its controller that is alike; upstream's order of groups is random.

    Parameters
    ----------
    pods : sequence of int
        Ids in pending order.
    classes : sequence of PodClass
        The class of each of ``pods``.
    """
    groups: list[PodGroup] = []
    known: dict[str, dict[int, PodGroup]] = {}
    for pod, pod_class in zip(pods, classes, strict=True):
        controller = pod_class.controller_uid
        if controller is None or pod_class.is_daemon_set:
            groups.append(PodGroup(pod_class, [pod]))
            continue
        representatives = known.setdefault(controller, {})
        group = representatives.get(pod_class.shape)
        if group is not None:
            group.pods.append(pod)
            continue
        group = PodGroup(pod_class, [pod])
        groups.append(group)
        if len(representatives) < MAX_REPRESENTATIVES:
            representatives[pod_class.shape] = group
    return groups
