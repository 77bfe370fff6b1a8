from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._bind import ClusterState
from ._placer import Placer
from ._preemption import Preemption

class ClusterPlacer(Placer):
    state: ClusterState
    preemption: Preemption | None
    def __init__(
        self,
        state: ClusterState,
        class_ids: NDArray[np.int32],
        priority: NDArray[np.int32],
        cluster: Any,
        preemption: Preemption | None = None,
    ) -> None: ...
