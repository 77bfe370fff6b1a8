from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.uint8]

class Roster:
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
    def begin(self, n_resources: int) -> None: ...
    def set_pooled(self, kind: int, is_pooled: bool) -> None: ...
    def set_class(self, class_id: int, number: int, ports: int, requests: Longs) -> None: ...
    def set_shape(
        self,
        shape: int,
        set_id: int,
        taints: int,
        template: int,
        allocatable: Longs,
        capacity: Longs,
        expected: Longs,
        is_listed: Bytes,
        is_expected: Bytes,
    ) -> None: ...
    def missing(self) -> tuple[list[int], dict[int, int]]: ...
    def numbers(self, classes: Ints) -> Ints: ...
    def nodes(
        self,
    ) -> tuple[Ints, Longs, Ints, Ints, Ints, Longs, Bytes, Bytes, Ints, Ints, Ints]: ...
    def pods(self) -> tuple[Longs, Longs, Ints, Longs]: ...
    def bound(self) -> tuple[Ints, Ints, Bytes, Longs, Longs, Ints, Ints, Ints]: ...
    @property
    def n_initialized(self) -> int: ...
    def costs(self, node: int) -> tuple[float, float, bool]: ...
    def ids(self) -> list[int]: ...
    def stamps(self) -> list[tuple[int, int, int, int, int | None]]: ...
