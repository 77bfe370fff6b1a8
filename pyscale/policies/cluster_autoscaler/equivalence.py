"""Pod equivalence groups: pending pods that need be looked at only once.

Specification section 3; upstream ``core/scaleup/equivalence/groups.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .classes import PodClass
from .world import Int64s, PodList

MAX_REPRESENTATIVES = 10
"""Distinct shapes remembered per controller; pods of further shapes stay alone."""


@dataclass(slots=True, eq=False)
class PodGroup:
    """Pods that are alike, in pending order; the first one stands for all.

    ``pods`` are ids.  With ``is_alone`` it stands for as many groups of one pod each.
    """

    pod_class: PodClass
    pods: Sequence[int] | Int64s
    is_alone: bool = False


def equivalence_groups(
    pods: PodList, table: Sequence[PodClass], merge_alone: bool = False
) -> list[PodGroup]:
    """Group pending pods, in the order of each group's first pod.

    Pods without controller and DaemonSet pods stay alone.  A pod joins the first of at most ten
    representatives of its controller that is alike; upstream's order of groups is random.

    Parameters
    ----------
    pods : PodList
        In pending order.
    table : sequence of PodClass
        All classes, by index.
    merge_alone : bool
        Write neighbours that are groups of one pod each, and equal, as one with ``is_alone``.
    """
    if not len(pods):
        return []
    # What becomes of a class is decided at its first pod; only classes whose pods stay alone are
    # looked at pod by pod, in runs of neighbours.
    # Radix sort, which numpy has for 16 bits only, needs a tenth of the time.
    narrow = pods.classes.astype(np.uint16) if len(table) < 2**16 else pods.classes
    order = np.argsort(narrow, kind="stable")
    sorted_classes = pods.classes[order]
    starts = np.flatnonzero(np.diff(sorted_classes, prepend=-1))
    firsts = order[starts]
    by_first = np.argsort(firsts)
    ends = np.append(starts[1:], len(order))
    found: list[tuple[int, PodGroup, list[Int64s]]] = []
    joined: dict[tuple[str, int], tuple[PodGroup, list[Int64s]]] = {}
    counts: dict[str, int] = {}
    alone: list[Int64s] = []
    for start, end, first, kind in zip(
        starts[by_first].tolist(),
        ends[by_first].tolist(),
        firsts[by_first].tolist(),
        sorted_classes[starts[by_first]].tolist(),
        strict=True,
    ):
        own, pod_class = order[start:end], table[kind]
        controller = pod_class.controller_uid
        if controller is None or pod_class.is_daemon_set:
            alone.append(own)
            continue
        key = controller, pod_class.shape
        known = joined.get(key)
        if known is not None:
            known[1].append(own)
            continue
        if counts.get(controller, 0) >= MAX_REPRESENTATIVES:
            found += [
                (int(place), PodGroup(pod_class, pods.ids[place : place + 1]), []) for place in own
            ]
            continue
        counts[controller] = counts.get(controller, 0) + 1
        group = PodGroup(pod_class, ())
        parts = [own]
        joined[key] = group, parts
        found.append((first, group, parts))
    if alone:
        found += _alone(pods, table, np.sort(np.concatenate(alone)), merge_alone)
    for _, group, parts in found:
        if parts:
            places = parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
            group.pods = pods.ids[places]
    found.sort(key=lambda entry: entry[0])
    return [group for _, group, _ in found]


def _alone(
    pods: PodList, table: Sequence[PodClass], places: Int64s, merge: bool
) -> list[tuple[int, PodGroup, list[Int64s]]]:
    """Return groups of one pod each; merged, neighbours of one class are one group."""
    classes = pods.classes[places]
    if merge:
        breaks = (np.diff(classes) != 0) | (np.diff(places) != 1)
        runs = np.split(places, np.flatnonzero(breaks) + 1)
    else:
        runs = list(places.reshape(-1, 1))
    return [
        (int(run[0]), PodGroup(table[int(pods.classes[run[0]])], pods.ids[run], True), [])
        for run in runs
    ]
