from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Ints: TypeAlias = NDArray[np.int32]
_Longs: TypeAlias = NDArray[np.int64]
_Bytes: TypeAlias = NDArray[np.uint8]

class RosterRows:
    def __init__(
        self, epoch_ns: int, class_flags: _Bytes, eviction_costs: NDArray[np.float64]
    ) -> None: ...
    def __len__(self) -> int: ...
    def follow(
        self,
        ids: _Longs,
        versions: _Longs,
        kinds: _Ints,
        states: _Bytes,
        cordoned: _Bytes,
        created: _Longs,
        ready: _Longs,
    ) -> list[int]: ...
    def read(
        self,
        stale: list[int],
        start: _Longs,
        pods: _Longs,
        classes: _Ints,
        bound_ns: _Longs,
        now_ns: int,
    ) -> None: ...
    def set_pooled(self, kind: int, is_pooled: bool) -> None: ...
    def pods(self) -> tuple[_Longs, _Longs, _Ints, _Longs]: ...
    @property
    def n_initialized(self) -> int: ...
    def ids(self) -> list[int]: ...
    def id_of(self, number: int) -> int: ...
    def number_of(self, node: int) -> int: ...
    def stamps(self, number: int) -> tuple[int, int, int, int, int | None, int]: ...
