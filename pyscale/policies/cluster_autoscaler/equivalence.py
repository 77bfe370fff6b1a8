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

    ``pods`` are ids.  With ``is_alone`` it stands for as many groups of one pod each.
    """

    pod_class: PodClass
    pods: list[int] = field(default_factory=list)
    is_alone: bool = False


def equivalence_groups(
    pods: Sequence[int], classes: Sequence[PodClass], merge_alone: bool = False
) -> list[PodGroup]:
    """Group pending pods, in the order of each group's first pod.

    Pods without controller and DaemonSet pods stay alone.  A pod joins the first of at most ten
    representatives of its controller that is alike; upstream's order of groups is random.

    Parameters
    ----------
    pods : sequence of int
        Ids in pending order.
    classes : sequence of PodClass
        The class of each of ``pods``.
    merge_alone : bool
        Write neighbours that are groups of one pod each, and equal, as one with ``is_alone``.
    """
    groups: list[PodGroup] = []
    known: dict[str, dict[int, PodGroup]] = {}
    joined: dict[PodClass, PodGroup] = {}
    alone: PodGroup | None = None
    for pod, pod_class in zip(pods, classes, strict=True):
        group = joined.get(pod_class)
        if group is not None:
            group.pods.append(pod)
            alone = None
            continue
        controller = pod_class.controller_uid
        if controller is None or pod_class.is_daemon_set:
            if merge_alone and alone is not None and alone.pod_class is pod_class:
                alone.pods.append(pod)
                continue
            alone = PodGroup(pod_class, [pod], is_alone=True)
            groups.append(alone)
            continue
        alone = None
        representatives = known.setdefault(controller, {})
        group = representatives.get(pod_class.shape)
        if group is None:
            group = PodGroup(pod_class, [])
            groups.append(group)
            if len(representatives) < MAX_REPRESENTATIVES:
                representatives[pod_class.shape] = joined[pod_class] = group
        else:
            joined[pod_class] = group
        group.pods.append(pod)
    return groups
