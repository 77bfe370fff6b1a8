from collections.abc import Iterable, Mapping
from typing import final

@final
class MatchTable:
    n_nodes: int
    n_columns: int
    n_requirements: int
    n_terms: int
    n_statics: int
    n_tolerations: int
    n_taint_sets: int
    def __init__(self) -> None: ...
    def add_column(self) -> int: ...
    def add_value(self, column: int) -> int: ...
    def add_requirement(
        self, column: int, absent: bool, other: bool, truths: Iterable[bool]
    ) -> int: ...
    def decide(self, requirement_id: int, value: int, truth: bool) -> None: ...
    def add_term(self, requirements: Iterable[int]) -> int: ...
    def add_taint_set(self) -> int: ...
    def add_tolerations(self) -> int: ...
    def tolerate(
        self, tolerations: int, taint_set: int, tolerated: bool, not_preferred: int
    ) -> None: ...
    def add_static(
        self,
        selector: Iterable[int],
        required: Iterable[int] | None,
        enforced: Iterable[int] | None,
        preferred: Iterable[int],
        weights: Iterable[int],
        tolerations: int,
        node_name: int,
        tolerates_cordon: bool,
    ) -> int: ...
    def set_node(
        self, node: int, labels: Mapping[int, int], taint_set: int, cordoned: bool
    ) -> None: ...
    def verdict(self, static_id: int, node: int) -> tuple[int, int, int]: ...
