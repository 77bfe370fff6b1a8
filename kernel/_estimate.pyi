from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState

Bytes: TypeAlias = bytes | bytearray | NDArray[np.uint8]

@final
class NewNodes:
    def __init__(
        self, state: ClusterState, template: int, n_base: int, last_match: int, limit: int
    ) -> None: ...
    @property
    def n_runs(self) -> int: ...
    @property
    def n_nodes(self) -> int: ...
    @property
    def last_match(self) -> int: ...
    @property
    def arithmetic_nodes(self) -> int: ...
    @property
    def used_nodes(self) -> int: ...
    def deal(
        self,
        classes: NDArray[np.int32],
        counts: NDArray[np.int64],
        fits: Bytes,
        alone: Bytes,
        placed: NDArray[np.int64],
        arithmetic: int = -1,
    ) -> None: ...
    def contents(self) -> list[tuple[int, dict[int, int]]]: ...
