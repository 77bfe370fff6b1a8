from collections.abc import Callable
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from ._draw import Draw
from ._hints import Hints
from ._residents import Residents

REMOVABLE: Final = 0
BLOCKED: Final = 1
NO_PLACE: Final = 2

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
    def begin_removals(
        self,
        hints: Hints,
        usable: NDArray[np.uint8],
        accepted: NDArray[np.uint8],
        outcomes: NDArray[np.int8],
        ask: Callable[[int, int], int],
        taint: Callable[[int], None] | None = None,
    ) -> None: ...
    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def waits(self) -> bool: ...
    @property
    def blocking(self) -> int: ...
    @property
    def outcome(self) -> int: ...
    def remove(self, node: int) -> int: ...
    def publish(self) -> int: ...
    def moves(
        self, first: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]: ...
