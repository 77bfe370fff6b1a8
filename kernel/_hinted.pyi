from typing import final

import numpy as np
from numpy.typing import NDArray

from ._draw import Draw
from ._hints import Hints
from ._residents import Residents

@final
class HintedPlacement:
    last_match: int
    draw: Draw | None
    def __init__(self, residents: Residents) -> None: ...
    @property
    def residents(self) -> Residents: ...
    def place(
        self,
        hints: Hints,
        pods: NDArray[np.int64],
        keys: NDArray[np.int64],
        classes: NDArray[np.int32],
        accepted: NDArray[np.uint8],
    ) -> NDArray[np.int32]: ...
