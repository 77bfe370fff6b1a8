from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._provision_batch import ProvisionBatch
from ._roster_standing import RosterStanding

_Ints: TypeAlias = NDArray[np.int32]
_Longs: TypeAlias = NDArray[np.int64]
_Bytes: TypeAlias = NDArray[np.uint8]

class Roster(RosterStanding):
    def begin(self, n_resources: int) -> None: ...
    def set_class(self, class_id: int, number: int, ports: int, requests: _Longs) -> None: ...
    def set_shape(
        self,
        shape: int,
        set_id: int,
        taints: int,
        template: int,
        allocatable: _Longs,
        capacity: _Longs,
        expected: _Longs,
        is_listed: _Bytes,
        is_expected: _Bytes,
    ) -> None: ...
    def missing(self, pending: _Ints) -> tuple[list[int], dict[int, int]]: ...
    def tell(
        self, kernel: ProvisionBatch, classes: _Ints, created: _Longs, ids: _Longs
    ) -> None: ...
