import numpy as np
from numpy.typing import NDArray

from ._provision_outcome import Outcome
from ._provision_round import ProvisionRound

class Provisioner(ProvisionRound):
    def solve(
        self,
        excluded: NDArray[np.int32],
        under: NDArray[np.uint8],
        node_limits: NDArray[np.int64],
        strict_reservations: bool,
        relax_min_values: bool,
    ) -> Outcome: ...
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
