from collections.abc import Callable
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from ._hinted import HintedPlacement
from ._hints import Hints

REMOVABLE: Final = 0
BLOCKED: Final = 1
NO_PLACE: Final = 2

@final
class Removals:
    def __init__(self, placement: HintedPlacement) -> None: ...
    def begin(
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
