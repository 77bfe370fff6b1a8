from typing import Any

import numpy as np
from numpy.typing import NDArray

def propose(
    workloads: NDArray[np.void],
    metrics: NDArray[np.void],
    proposals: NDArray[np.int64],
    valid: NDArray[np.uint8],
) -> None: ...

class ReplicaHistory:
    n_workloads: int
    def __init__(self, n_workloads: int) -> None: ...
    def set_scaled_to_zero(self, workload: int, value: bool) -> None: ...
    def reconcile(
        self,
        now: int,
        workloads: NDArray[np.void],
        metrics: NDArray[np.void],
        policies: NDArray[np.void],
        desired: NDArray[np.int32],
        outcome: NDArray[np.uint8],
    ) -> None: ...
    def __reduce__(self) -> Any: ...
