import numpy as np
from numpy.typing import NDArray

from ._candidacy import Candidacy
from ._provision import Provisioner
from ._provision_prices import ClaimPrices

class Screen:
    def __init__(
        self,
        kernel: Provisioner,
        candidacy: Candidacy,
        node_limits: NDArray[np.int64],
        relax_min_values: bool,
        spot_to_spot: bool,
        claim_prices: ClaimPrices | None,
    ) -> None: ...
    def first_alone(self, nodes: NDArray[np.int32], start: int) -> tuple[int, bool]: ...
    def together(self, nodes: NDArray[np.int32], n: int) -> tuple[bool, bool]: ...
