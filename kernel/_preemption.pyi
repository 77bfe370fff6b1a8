from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState

class Preemption:
    def __init__(
        self,
        state: ClusterState,
        class_ids: NDArray[np.int32],
        never: NDArray[np.bool_],
        budget_start: NDArray[np.int32],
        budget_of: NDArray[np.int32],
        budgets: Any,
        percentage: int,
        absolute: int,
        seed: int,
    ) -> None: ...
