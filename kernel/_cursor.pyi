from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

@final
class Cursors:
    n_resources: int
    narrow: bool
    n_classes: int
    n_nodes: int
    max_nodes: int
    def __new__(cls, n_resources: int, narrow: bool) -> Self: ...
    def load(
        self,
        requests: NDArray[Any],
        compares: NDArray[Any],
        rooms: NDArray[Any],
        capacity: NDArray[Any],
        max_nodes: int,
    ) -> None: ...
    def run(self, events: NDArray[np.int64], nodes: NDArray[np.int32]) -> None: ...
