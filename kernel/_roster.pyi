from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._roster_rows import RosterRows

Ints: TypeAlias = NDArray[np.int32]
Longs: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.uint8]

class Roster(RosterRows):
    def begin(self, n_resources: int) -> None: ...
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
    def bound(self) -> tuple[Ints, Ints, Bytes, Longs, Longs, Ints, Ints, Ints]: ...
    def costs(self, node: int) -> tuple[float, float, bool]: ...
