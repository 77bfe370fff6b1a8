from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from ._runs import Runs

@final
class Rotation:
    n_runs: int
    n_nodes: int
    last_node: int
    def __new__(
        cls,
        rooms: NDArray[np.int64],
        sizes: NDArray[np.int64],
        last_node: int,
        max_breaks: int,
    ) -> Self: ...
    def place_classes(
        self,
        records: Runs,
        requests: NDArray[np.int64],
        counts: NDArray[np.int64],
        unplaced: NDArray[np.int64],
    ) -> None: ...
