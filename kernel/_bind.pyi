from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ._callbacks import Rule
from ._scan import ScanTable

class ClusterState(ScanTable):
    def __init__(self, interleaved: bool = True) -> None: ...
    def set_profile(
        self,
        filters: Sequence[bool],
        weights: Sequence[int],
        percentage: int,
        first_of_best: bool,
        balance_is_delta: bool,
    ) -> None: ...
    def set_rules(self, rules: Iterable[Rule]) -> None: ...
    def schedule(
        self, class_id: int, priority: int = 0, pod: int = -1, nominated: int = -1
    ) -> tuple[int, int, int, int, int, int]: ...
    def bind_queue(self, classes: NDArray[np.int32], nodes: NDArray[np.int32]) -> int: ...
    def candidate_nodes(self, class_id: int) -> list[int] | None: ...
    def scan_list(
        self, class_id: int, start: int, accepted: NDArray[np.uint8] | None = None
    ) -> int: ...
    def node_at(self, place: int) -> int: ...
