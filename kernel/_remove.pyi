import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState

def empty_node(state: ClusterState, node: int) -> None: ...
def move_pods(
    state: ClusterState,
    classes: NDArray[np.int32],
    accepted: NDArray[np.uint8],
    last_match: int,
    nodes: NDArray[np.int32],
) -> tuple[int, int]: ...
