from collections.abc import Iterable
from typing import final

from ._match import MatchTable

@final
class TopologyCounts:
    n_counters: int
    def __init__(self, match: MatchTable) -> None: ...
    def add_counter(
        self,
        column: int,
        keys: Iterable[int] = (),
        affinity_static: int = -1,
        taints_static: int = -1,
        tracked: bool = False,
    ) -> int: ...
    def counts(self, counter_id: int) -> dict[int, int]: ...
    def summary(self, counter_id: int) -> tuple[int, int, int, int]: ...
