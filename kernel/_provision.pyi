import numpy as np
from numpy.typing import NDArray

from ._provision_pods import ProvisionPods

class Provisioner(ProvisionPods):
    def set_batch(
        self,
        classes: NDArray[np.int32],
        sizes: NDArray[np.int32],
        created: NDArray[np.int64],
        ids: NDArray[np.int64],
        bound_created: NDArray[np.int64],
        bound_ids: NDArray[np.int64],
        leavers_off: NDArray[np.int32],
        leavers: NDArray[np.int32],
        moving: NDArray[np.int32],
    ) -> None: ...
    def solve(
        self,
        excluded: NDArray[np.int32],
        under: NDArray[np.uint8],
        node_limits: NDArray[np.int64],
        strict_reservations: bool,
        relax_min_values: bool,
    ) -> tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.int32]]: ...
    def what_ifs(
        self,
        offsets: NDArray[np.int32],
        nodes: NDArray[np.int32],
        under: NDArray[np.uint8],
        node_limits: NDArray[np.int64],
        relax_min_values: bool,
    ) -> tuple[
        NDArray[np.uint8],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.uint64],
        NDArray[np.uint8],
    ]: ...
    def claims(
        self,
    ) -> tuple[
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.uint64],
        NDArray[np.int64],
        NDArray[np.uint64],
        NDArray[np.uint8],
    ]: ...
