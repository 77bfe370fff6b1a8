from typing import Any, final

import numpy as np
from numpy.typing import NDArray

@final
class Cursors:
    n_resources: int
    narrow: bool
    n_classes: int
    n_nodes: int
    max_nodes: int
    def __init__(self, n_resources: int, narrow: bool) -> None: ...
    def load(
        self,
        requests: NDArray[Any],
        compares: NDArray[Any],
        rooms: NDArray[Any],
        capacity: NDArray[Any],
        max_nodes: int,
    ) -> None: ...
    def run(self, events: NDArray[np.int64], nodes: NDArray[np.int32]) -> None: ...
