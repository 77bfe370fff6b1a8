from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._runs import Runs

FIRST_FIT: int
BEST_FIT: int
WORST_FIT: int

def place_classes(
    runs: Runs,
    rule: int,
    requests: NDArray[Any],
    compares: NDArray[Any],
    counts: NDArray[np.int64],
    order: NDArray[np.int32],
    capacity: NDArray[Any],
    weights: NDArray[np.int64],
    score: int,
    max_new_nodes: int,
    unplaced: NDArray[np.int64],
) -> None: ...
