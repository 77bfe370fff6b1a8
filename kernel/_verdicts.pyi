import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState

def is_plain(state: ClusterState, class_id: int) -> bool: ...
def verdicts(
    state: ClusterState, classes: NDArray[np.int32], node: int
) -> tuple[NDArray[np.int32], NDArray[np.uint64]]: ...
def room_verdicts(state: ClusterState, classes: NDArray[np.int32], node: int) -> bytearray: ...
