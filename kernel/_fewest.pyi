import numpy as np
from numpy.typing import NDArray

def place_classes(
    types: NDArray[np.int64],
    requests: NDArray[np.int64],
    counts: NDArray[np.int64],
    order: NDArray[np.int32],
    starts: NDArray[np.int64],
    max_claims: int,
    claim_of_pod: NDArray[np.int32],
    unplaced: NDArray[np.int64],
) -> int: ...
