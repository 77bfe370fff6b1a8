from collections.abc import Sequence
from typing import TypeAlias

from ._trials import TrialTable

_Score: TypeAlias = tuple[list[int], list[int] | None]

def use_avx2(wanted: bool) -> bool: ...

class ScoreTable(TrialTable):
    def set_strategies(
        self,
        type: int,
        fit_resources: Sequence[int],
        fit_weights: Sequence[int],
        shape: Sequence[tuple[int, int]],
        balanced_resources: Sequence[int],
    ) -> None: ...
    def last_window(self) -> tuple[list[int], list[int]]: ...
    def last_rule_scores(self, class_id: int, rule: int) -> list[int]: ...
    def last_best(self) -> list[int]: ...
    def last_scores(self, class_id: int) -> list[_Score | None]: ...
