import numpy as np
from numpy.typing import NDArray

from ._runs import Runs

def place_classes(
    records: Runs,
    rooms: NDArray[np.int64],
    sizes: NDArray[np.int64],
    requests: NDArray[np.int64],
    compares: NDArray[np.int64],
    counts: NDArray[np.int64],
    order: NDArray[np.int32],
    capacity: NDArray[np.int64],
    max_new_nodes: int,
    unplaced: NDArray[np.int64],
) -> int: ...
