"""The pods of a simulation's views, as Cluster Autoscaler asks for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..base import ClusterView
from .classes import PodClass
from .world import NO_PODS, Int32s, Int64s, PodList

_UNKNOWN = -1


class _NoTimes:
    """Pods under deletion are no part of a view."""

    def __getitem__(self, pod: int, /) -> int | None:
        return None


class _Classes:
    """Classes by the id of a pod."""

    def __init__(self, pods: SimulatedPods) -> None:
        self._pods = pods

    def __getitem__(self, pod: int, /) -> PodClass:
        return self._pods.class_of(pod)


class SimulatedPods:
    """Pods of views, by id: columns, since a run numbers its pods from 0.

    Parameters
    ----------
    table : sequence of PodClass
        Classes by index, which is that of the view.
    """

    def __init__(self, table: Sequence[PodClass]) -> None:
        self.table = table
        self.classes = _Classes(self)
        self.deletion_ns = _NoTimes()
        self._class: Int32s = np.empty(0, np.int32)
        self._created: Int64s = np.empty(0, np.int64)
        self._pending = NO_PODS

    def class_of(self, pod: int) -> PodClass:
        """Return the class of a pod that was seen."""
        return self.table[int(self._class[pod])]

    def see(self, ids: Int64s, classes: Int32s, now: int) -> None:
        """Take in pods on nodes; what pended before keeps its time of creation."""
        if not len(ids):
            return
        self._reach(ids)
        self._class[ids] = classes
        self._created[ids[self._created[ids] == _UNKNOWN]] = now

    def see_pending(self, view: ClusterView) -> PodList:
        """Take in the pods that pend; as long as they are the same, so is the list."""
        before = self._pending
        if np.array_equal(view.pending_pod, before.ids):
            return before
        ids = view.pending_pod.copy()
        self._pending = now = PodList(ids, ids, view.pending_class.copy())
        if len(ids):
            self._reach(ids)
            self._class[ids] = now.classes
            self._created[ids] = view.pending_since_ns
        return now

    def _reach(self, ids: Int64s) -> None:
        need = int(ids.max()) + 1 - len(self._created)
        if need > 0:
            need = max(need, len(self._created), 1024)
            self._class = np.concatenate([self._class, np.zeros(need, np.int32)])
            self._created = np.concatenate([self._created, np.full(need, _UNKNOWN, np.int64)])

    def created_ns(self, ids: Int64s) -> Int64s:
        """Return times of creation."""
        return self._created[ids]
