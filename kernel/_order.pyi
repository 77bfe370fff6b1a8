import numpy as np
from numpy.typing import NDArray

def sort_rows(
    keys: NDArray[np.int64],
    descending: NDArray[np.uint8],
    order: NDArray[np.int32],
    scratch: NDArray[np.int32],
) -> None: ...
def weighted_sums(
    requests: NDArray[np.int64], weights: NDArray[np.int64], columns: NDArray[np.int64]
) -> None: ...
def weighted_maxima(
    requests: NDArray[np.int64], weights: NDArray[np.int64], columns: NDArray[np.int64]
) -> None: ...
def products(requests: NDArray[np.int64], columns: NDArray[np.int64]) -> None: ...
