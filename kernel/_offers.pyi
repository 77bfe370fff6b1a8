import numpy as np
from numpy.typing import NDArray

class Offers:
    def __init__(
        self,
        first: NDArray[np.int32],
        zone: NDArray[np.int32],
        word: NDArray[np.int32],
        price: NDArray[np.int64],
        sold: NDArray[np.bool_],
    ) -> None: ...
    def cheapest(
        self,
        types: list[int] | None,
        zones: list[int] | None,
        words: list[int] | None,
        is_full: NDArray[np.bool_],
    ) -> int: ...
