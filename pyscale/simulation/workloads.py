"""Load signals as a run reads them, and the workloads under pod autoscaling as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pyscale.model.autoscaling import HorizontalPodAutoscaler, ScaledObject
from pyscale.model.pods import PodTemplate
from pyscale.model.vertical import VerticalPodAutoscaler
from pyscale.policies.base import Int32s, Int64s


class LoadedWorkload(Protocol):
    """A workload, as far as a run reads it; the traces' ``Workload`` is one."""

    @property
    def name(self) -> str:
        """``namespace/name``."""

    @property
    def template(self) -> PodTemplate | None:
        """Template of its pods."""

    @property
    def kind(self) -> str:
        """Kind of the object with the replicas."""

    @property
    def initial_replicas(self) -> int:
        """Replicas at time 0."""

    @property
    def min_replicas(self) -> int:
        """Least replicas."""

    @property
    def max_replicas(self) -> int:
        """Most replicas."""

    @property
    def idle_cpu_milli(self) -> int:
        """Thousandths of a core that a pod uses without load."""

    @property
    def cpu_us_per_request(self) -> int:
        """Microseconds of a core per unit of load."""


class LoadSignals(Protocol):
    """Load signals, as far as a run reads them; the traces' ``Loads`` are such."""

    @property
    def workloads(self) -> tuple[LoadedWorkload, ...]:
        """What serves."""

    @property
    def metric(self) -> Any:
        """What is counted."""

    @property
    def offset(self) -> NDArray[np.int64]:
        """Steps of workload w are offset[w] up to offset[w + 1]."""

    @property
    def time_ns(self) -> NDArray[np.int64]:
        """When each value begins to hold."""

    @property
    def value_milli(self) -> NDArray[np.int64]:
        """Load from then on, in thousandths."""


@dataclass(frozen=True, eq=False)
class WorkloadPlan:
    """The workloads under pod autoscaling, as columns.

    Attributes
    ----------
    names : tuple of str
    metric : str
        What the load counts.
    class_id : ndarray of int32, shape (n_workloads,)
        Pod class of each, as its template has it; nobody else's.
    capacity, idle, cost : ndarray of int64, shape (n_workloads,)
        As :class:`~pyscale.kernel._scaled.ScaledEngine` takes them.
    offset : ndarray of int64, shape (n_workloads + 1,)
    step_time, step_value : ndarray of int64, shape (n_steps,)
    cpu_request : ndarray of int64, shape (n_classes,)
        As HPA counts it, in thousandths of a core; 0 for other classes.
    initial : ndarray of int32, shape (n_workloads,)
    horizontal : tuple of HorizontalPodAutoscaler
        One per workload.
    scaled_objects : dict of int to ScaledObject
    class_workload : ndarray of int32, shape (n_classes,)
        Workload of each class's pods, -1 for none; vertical autoscalers make it several classes.
    vertical : dict of int to VerticalPodAutoscaler
    ladders : dict of int to dict of int to int
        Pod class of every recommendation, in thousandths of a core, under a vertical autoscaler.
    containers : dict of int to str
        Name of the container under it.
    metric_workload, measure : ndarray of int32, shape (n_metrics,)
        Of the metrics of all autoscalers, side by side.
    expected_running : ndarray of float64, shape (n_classes,)
        Pods that serve the mean load.
    """

    names: tuple[str, ...]
    metric: str
    class_id: Int32s
    capacity: Int64s
    idle: Int64s
    cost: Int64s
    offset: Int64s
    step_time: Int64s
    step_value: Int64s
    cpu_request: Int64s
    initial: Int32s
    horizontal: tuple[HorizontalPodAutoscaler, ...]
    scaled_objects: dict[int, ScaledObject]
    class_workload: Int32s
    vertical: dict[int, VerticalPodAutoscaler]
    ladders: dict[int, dict[int, int]]
    containers: dict[int, str]
    metric_workload: Int32s
    measure: Int32s
    expected_running: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.names)
