import numpy as np
from numpy.typing import NDArray

class PodQueues:
    def set(
        self,
        offsets: NDArray[np.int32],
        sizes: NDArray[np.int32],
        created: NDArray[np.int64],
        ids: NDArray[np.int64],
    ) -> None: ...
    def first(self, lists: NDArray[np.int32], n: int) -> list[tuple[int, int]]: ...
