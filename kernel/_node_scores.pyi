from collections.abc import Sequence

from ._trials import TrialTable

class NodeScores(TrialTable):
    def set_strategies(
        self,
        type: int,
        fit_resources: Sequence[int],
        fit_weights: Sequence[int],
        shape: Sequence[tuple[int, int]],
        balanced_resources: Sequence[int],
    ) -> None: ...
