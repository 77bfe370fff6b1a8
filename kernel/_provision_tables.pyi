from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

class TemplateTable:
    def __init__(
        self,
        n_words: int,
        groups: Sequence[bytes],
        overhead: NDArray[np.int64],
        allocatable: NDArray[np.int64],
        capacity: NDArray[np.int64],
    ) -> None: ...
