from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.uint8]

class RosterRows:
    def __init__(
        self, epoch_ns: int, class_flags: Bytes, eviction_costs: NDArray[np.float64]
    ) -> None: ...
    def __len__(self) -> int: ...
    def follow(
        self,
        ids: Longs,
        versions: Longs,
        kinds: Ints,
        states: Bytes,
        cordoned: Bytes,
        created: Longs,
        ready: Longs,
    ) -> tuple[list[int], bool]: ...
    def read(
        self,
        stale: list[int],
        start: Longs,
        pods: Longs,
        classes: Ints,
        bound_ns: Longs,
        now_ns: int,
    ) -> None: ...
    def set_pooled(self, kind: int, is_pooled: bool) -> None: ...
    def pods(self) -> tuple[Longs, Longs, Ints, Longs]: ...
    @property
    def n_initialized(self) -> int: ...
    def ids(self) -> list[int]: ...
    def stamps(self) -> list[tuple[int, int, int, int, int | None]]: ...
