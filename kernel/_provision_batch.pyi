import numpy as np
from numpy.typing import NDArray

from ._provision_pods import ProvisionPods

class ProvisionBatch(ProvisionPods):
    def set_sizes(self, sizes: NDArray[np.int32]) -> None: ...
    def set_batch(
        self,
        classes: NDArray[np.int32],
        created: NDArray[np.int64],
        ids: NDArray[np.int64],
        bound_created: NDArray[np.int64],
        bound_ids: NDArray[np.int64],
        leavers_off: NDArray[np.int32],
        leavers: NDArray[np.int32],
        moving: NDArray[np.int32],
    ) -> None: ...
