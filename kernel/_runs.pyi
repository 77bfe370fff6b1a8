from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

@final
class Runs:
    n_resources: int
    narrow: bool
    block_room: int
    n_blocks: int
    n_runs: int
    n_nodes: int
    n_records: int
    def __new__(cls, n_resources: int, narrow: bool) -> Self: ...
    def clear(self) -> None: ...
    def add(
        self, rooms: NDArray[Any], sizes: NDArray[np.int64], scores: NDArray[np.int64]
    ) -> None: ...
    def copy_records(self, out: NDArray[np.int64]) -> None: ...
