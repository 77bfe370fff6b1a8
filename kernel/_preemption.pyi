from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState

class Budgets(Protocol):
    def __len__(self) -> int: ...
    def allowed(
        self, pending: NDArray[np.int64], bound: NDArray[np.int64]
    ) -> NDArray[np.int64]: ...

class Preemption:
    def __init__(
        self,
        state: ClusterState,
        class_ids: NDArray[np.int32],
        never: NDArray[np.bool_],
        budget_start: NDArray[np.int32],
        budget_of: NDArray[np.int32],
        budgets: Budgets,
        percentage: int,
        absolute: int,
        seed: int,
    ) -> None: ...
