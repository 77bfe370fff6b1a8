from collections.abc import Iterable, Mapping, Sequence

from ._cluster import ClusterTable

class ClassTable(ClusterTable):
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
