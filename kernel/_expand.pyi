import numpy as np
from numpy.typing import NDArray

def expand(
    records: NDArray[np.int64], next_pod: NDArray[np.int64], node_of_pod: NDArray[np.int32]
) -> None: ...
def expand_rounds(
    records: NDArray[np.int64], next_pod: NDArray[np.int64], node_of_pod: NDArray[np.int32]
) -> None: ...
def subtract(
    records: NDArray[np.int64], requests: NDArray[np.int64], room: NDArray[np.int64]
) -> None: ...
