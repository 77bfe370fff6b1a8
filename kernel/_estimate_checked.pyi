from collections.abc import Callable, Iterable
from typing import final

import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState
from ._draw import Draw
from ._estimate import Bytes

@final
class CheckedNodes:
    def __init__(
        self,
        state: ClusterState,
        kind: int,
        own: Iterable[int],
        new_names: Callable[[int], tuple[int, int]],
        last_match: int,
        limit: int,
        open_nodes: NDArray[np.uint8],
        draw: Draw | None = None,
    ) -> None: ...
    @property
    def last_match(self) -> int: ...
    @property
    def arithmetic_nodes(self) -> int: ...
    @property
    def nodes(self) -> list[int]: ...
    @property
    def held(self) -> dict[int, dict[int, int]]: ...
    def deal(
        self,
        classes: NDArray[np.int32],
        counts: NDArray[np.int64],
        fits: Bytes,
        spreads: Bytes,
        alone: Bytes,
        placed: NDArray[np.int64],
        arithmetic: int = -1,
    ) -> None: ...
