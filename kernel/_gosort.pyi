import numpy as np
from numpy.typing import NDArray

def go_resort(items: NDArray[np.int32], keys: NDArray[np.float64]) -> None: ...
