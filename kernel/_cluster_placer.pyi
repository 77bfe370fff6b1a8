from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState
from ._placer import Placer

class ClusterPlacer(Placer):
    state: ClusterState
    def __init__(self, state: ClusterState, class_ids: NDArray[np.int32], cluster: Any) -> None: ...
