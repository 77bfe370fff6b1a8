from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._callbacks import Rule
from ._cluster import ClusterTable

_Score: TypeAlias = tuple[list[int], list[int] | None]

def use_avx2(wanted: bool) -> bool: ...

class ClusterState(ClusterTable):
    next_start: int
    @property
    def rules(self) -> list[Rule]: ...
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
    def set_strategies(
        self,
        type: int,
        fit_resources: Sequence[int],
        fit_weights: Sequence[int],
        shape: Sequence[tuple[int, int]],
        balanced_resources: Sequence[int],
    ) -> None: ...
    def add_class(
        self,
        static: int,
        need: Mapping[int, int],
        use: Mapping[int, int],
        non_zero_cpu: int,
        non_zero_memory: int,
        fit_amounts: Sequence[int],
        balance_amounts: Sequence[int],
        *,
        preference_invalid: bool = False,
        ports: Sequence[int] = (),
        images: Iterable[int] = (),
        n_containers: int = 1,
        volumes: Iterable[int] = (),
        volume_verdicts: bool = False,
        names: Iterable[int] | None = None,
        refused: bool = False,
        rule_amounts: Mapping[int, int] | None = None,
    ) -> int: ...
    def set_names(self, class_id: int, names: Iterable[int]) -> None: ...
    def set_port_conflicts(self, class_id: int, ports: Iterable[int]) -> None: ...
    def set_volume_counters(
        self, class_id: int, disk_conflicts: int, claim_in_use: int
    ) -> None: ...
    def set_volume_verdict(self, class_id: int, node: int, binding: int, zone: int) -> None: ...
    def add_spread(
        self,
        class_id: int,
        is_filter: bool,
        counter: int,
        column: int,
        max_skew: int,
        min_domains: int = 1,
        itself: int = 0,
        hostname: bool = False,
    ) -> None: ...
    def require_spread_keys(self, class_id: int, required: bool) -> None: ...
    def add_domain(self, class_id: int, role: str, counter: int, column: int) -> None: ...
    def set_affinity_rules(
        self, class_id: int, may_be_first: bool, preferred_skipped: bool
    ) -> None: ...
    def schedule(
        self, class_id: int, priority: int = 0, pod: int = -1, nominated: int = -1
    ) -> tuple[int, int, int, int, int, int]: ...
    def bind_queue(self, classes: NDArray[np.int32], nodes: NDArray[np.int32]) -> int: ...
    def verdict(
        self, class_id: int, node: int, priority: int = 0, pod: int = -1
    ) -> tuple[int, int]: ...
    def verdicts(
        self, class_id: int, nodes: Iterable[int], priority: int = 0, pod: int = -1
    ) -> list[tuple[int, int]]: ...
    def skips(self, class_id: int) -> tuple[bool, bool]: ...
    def plugin_verdicts(
        self, class_id: int, node: int, priority: int = 0, pod: int = -1
    ) -> tuple[list[int], int]: ...
    def fits_empty(self, class_id: int, node: int) -> bool: ...
    def candidate_nodes(self, class_id: int) -> list[int] | None: ...
    def last_window(self) -> tuple[list[int], list[int]]: ...
    def last_rule_scores(self, class_id: int, rule: int) -> list[int]: ...
    def last_best(self) -> list[int]: ...
    def last_scores(self, class_id: int) -> list[_Score | None]: ...
    def scan_list(
        self, class_id: int, start: int, accepted: NDArray[np.uint8] | None = None
    ) -> int: ...
    def node_at(self, place: int) -> int: ...
    def try_victims(
        self, class_id: int, node: int, victims: Iterable[int], priority: int, pod: int
    ) -> tuple[int, int, list[bool]]: ...
