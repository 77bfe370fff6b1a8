"""The HorizontalPodAutoscaler controller: one reconcile of many workloads.

Follows kubernetes ``pkg/controller/podautoscaler/horizontal.go:reconcileAutoscaler``; the
arithmetic is in ``kernel/_replicas``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernel._replicas import ReplicaHistory, propose
from ...model.autoscaling import HorizontalPodAutoscaler
from .replica_tables import (
    HorizontalPodAutoscalerOptions,
    empty_metrics,
    workload_tables,
)

if TYPE_CHECKING:
    from ...kernel._scaled import ScaledEngine


class Outcome(IntEnum):
    """What a reconcile came to."""

    DONE = 0
    DISABLED = 1
    ABOVE_MAXIMUM = 2
    BELOW_MINIMUM = 3
    FAILED = 4
    PARTLY_FAILED = 5


class Reconciled(NamedTuple):
    """``desired`` replicas (int32) and an :class:`Outcome` code (uint8) per workload."""

    desired: NDArray[np.int32]
    outcome: NDArray[np.uint8]


class HorizontalController:
    """Reconciles a fixed list of workloads, and remembers what upstream remembers between syncs.

    Parameters
    ----------
    autoscalers : sequence of HorizontalPodAutoscaler
    options : HorizontalPodAutoscalerOptions, optional

    Attributes
    ----------
    metrics : ndarray of METRIC_DTYPE, shape (n_metrics,)
        To be filled before each reconcile, the metrics of one workload side by side.
    """

    def __init__(
        self,
        autoscalers: Sequence[HorizontalPodAutoscaler],
        options: HorizontalPodAutoscalerOptions | None = None,
    ) -> None:
        self.options = options or HorizontalPodAutoscalerOptions()
        self.autoscalers = tuple(autoscalers)
        self._history = ReplicaHistory(len(self.autoscalers))
        for index, autoscaler in enumerate(self.autoscalers):
            self._history.set_scaled_to_zero(index, autoscaler.scaled_to_zero)
        self.metrics = empty_metrics(self.autoscalers)
        self._workloads, self._policies = workload_tables(self.autoscalers, self.options)

    def replace(self, autoscalers: Sequence[HorizontalPodAutoscaler]) -> None:
        """Go on with edited autoscalers of the same workloads; history is kept.

        Raises
        ------
        ValueError
            If their number differs.
        """
        if len(autoscalers) != len(self.autoscalers):
            raise ValueError(
                f"expected {len(self.autoscalers)} autoscalers, found {len(autoscalers)}"
            )
        self.autoscalers = tuple(autoscalers)
        self.metrics = empty_metrics(self.autoscalers)
        self._workloads, self._policies = workload_tables(self.autoscalers, self.options)

    def proposals(
        self, current: NDArray[np.int32], status: NDArray[np.int32]
    ) -> list[list[int | None]]:
        """Return each metric's proposal per workload, None where the metric is invalid."""
        rows = self._rows(current, status)
        values = np.zeros(len(self.metrics), np.int64)
        valid = np.zeros(len(self.metrics), np.uint8)
        propose(rows, self.metrics, values, valid)
        each = [int(v) if ok else None for v, ok in zip(values, valid, strict=True)]
        return [each[r["first_metric"] : r["first_metric"] + r["n_metrics"]] for r in rows]

    def reconcile(
        self, now_ns: int, current: NDArray[np.int32], status: NDArray[np.int32]
    ) -> Reconciled:
        """Decide the replicas of all workloads at ``now_ns``.

        Parameters
        ----------
        now_ns : int
        current, status : ndarray of int32, shape (n_workloads,)
            Replicas in the scale's spec and status.
        """
        desired = np.zeros(len(self.autoscalers), np.int32)
        outcome = np.zeros(len(self.autoscalers), np.uint8)
        rows = self._rows(current, status)
        self._history.reconcile(now_ns, rows, self.metrics, self._policies, desired, outcome)
        return Reconciled(desired, outcome)

    def drive(
        self, engine: ScaledEngine, workload: NDArray[np.int32], measure: NDArray[np.int32]
    ) -> None:
        """Let an event loop observe the metrics and scale its workloads every sync period.

        ``workload`` and ``measure`` say what each metric is about.
        """
        options = self.options
        engine.scale_every(
            options.horizontal_pod_autoscaler_sync_period,
            self._history,
            self._workloads,
            self.metrics,
            self._policies,
            workload,
            measure,
            options.horizontal_pod_autoscaler_cpu_initialization_period,
        )

    def _rows(self, current: NDArray[np.int32], status: NDArray[np.int32]) -> NDArray[np.void]:
        rows = self._workloads
        rows["current"] = current
        rows["status"] = status
        return rows
