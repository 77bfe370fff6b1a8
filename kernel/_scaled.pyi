from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._placer import Placer
from ._replicas import ReplicaHistory
from ._workloads import WorkloadEngine

class ScaledEngine(WorkloadEngine):
    window: int
    sampled: int
    on_sync: Callable[[int], None]
    def __init__(
        self,
        request: NDArray[np.int64],
        priority: NDArray[np.int32],
        restart: NDArray[np.uint8],
        gated: NDArray[np.uint8],
        row_class: NDArray[np.int32],
        row_arrival: NDArray[np.int64],
        row_duration: NDArray[np.int64],
        row_count: NDArray[np.int64],
        row_node: NDArray[np.int32],
        daemons: NDArray[np.int32],
        placer: Placer,
        workload_class: NDArray[np.int32],
        capacity: NDArray[np.int64],
        idle: NDArray[np.int64],
        cost: NDArray[np.int64],
        offset: NDArray[np.int64],
        step_time: NDArray[np.int64],
        step_value: NDArray[np.int64],
        cpu_request: NDArray[np.int64],
        start_delay: int,
        window: int,
        on_sync: Callable[[int], None],
    ) -> None: ...
    def call_every(self, period: int) -> int: ...
    def sample_every(self, period: int) -> None: ...
    def scale_every(
        self,
        period: int,
        history: ReplicaHistory,
        workloads: NDArray[np.void],
        metrics: NDArray[np.void],
        policies: NDArray[np.void],
        workload: NDArray[np.int32],
        measure: NDArray[np.int32],
        initialization: int,
    ) -> None: ...
    def loads(self, load: NDArray[np.int64]) -> None: ...
    def sample(self) -> None: ...
    def pod_use(self, use: NDArray[np.int64], n_pods: NDArray[np.int32]) -> None: ...
    def observe(
        self,
        rows: NDArray[Any],
        workload: NDArray[np.int32],
        measure: NDArray[np.int32],
        initialization: int,
    ) -> None: ...
