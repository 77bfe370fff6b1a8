import numpy as np
from numpy.typing import NDArray

def by_rank(
    positions: NDArray[np.int64],
    handles: NDArray[np.int32],
    group: NDArray[np.int32],
    is_open: NDArray[np.uint8],
    kinds: NDArray[np.uint8],
    rank_of_kind: NDArray[np.uint8],
    goes_first: NDArray[np.uint8],
) -> NDArray[np.int64]: ...
def first_reasons(
    handles: NDArray[np.int32],
    reasons: tuple[tuple[NDArray[np.uint8], int], ...],
    shares: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    room: NDArray[np.int64],
    codes: tuple[int, int],
) -> NDArray[np.int8]: ...
