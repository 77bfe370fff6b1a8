from collections.abc import Callable
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from ._draw import Draw
from ._residents import Residents

REMOVABLE: Final = 0
BLOCKED: Final = 1
NO_PLACE: Final = 2

@final
class Hints:
    def __init__(self) -> None: ...
    def drop_old(self) -> None: ...

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
    def remove(
        self,
        node: int,
        hints: Hints,
        usable: NDArray[np.uint8],
        accepted: NDArray[np.uint8],
        outcomes: NDArray[np.int8],
        ask: Callable[[int, int], int],
        taint: Callable[[int], None] | None = None,
    ) -> tuple[Any, ...]: ...
