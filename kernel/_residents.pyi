from typing import final

import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState

@final
class Residents:
    def __init__(self, state: ClusterState) -> None: ...
    @property
    def state(self) -> ClusterState: ...
    @property
    def n_classes(self) -> int: ...
    def add_class(
        self,
        index: int,
        class_id: int,
        priority: int,
        controller: int,
        alike: int,
        is_a: int,
        bits: int,
        cpu: int,
        memory: int,
    ) -> None: ...
    def place(self, node: int, pod: int, key: int, index: int) -> None: ...
    def clear(self, node: int) -> None: ...
    def fill(
        self,
        nodes: NDArray[np.int32],
        starts: NDArray[np.int64],
        pods: NDArray[np.int64],
        keys: NDArray[np.int64],
        classes: NDArray[np.int32],
    ) -> None: ...
    def replace(
        self,
        nodes: NDArray[np.int32],
        starts: NDArray[np.int64],
        pods: NDArray[np.int64],
        keys: NDArray[np.int64],
        classes: NDArray[np.int32],
    ) -> None: ...
    def content(
        self, node: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]: ...
    def is_there(self, node: int) -> bool: ...
    def arrived(self) -> NDArray[np.int32]: ...
    def fork(self) -> None: ...
    def revert(self) -> None: ...
    def commit(self) -> None: ...
    def measure(
        self,
        nodes: NDArray[np.int32],
        room: NDArray[np.int64],
        without_daemons: NDArray[np.uint8],
        without_mirrors: bool,
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.uint8]]: ...
