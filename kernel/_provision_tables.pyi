from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

class TemplateTable:
    def __init__(
        self,
        n_words: int,
        groups: Sequence[bytes],
        overhead: NDArray[np.int64],
        allocatable: NDArray[np.int64],
        capacity: NDArray[np.int64],
    ) -> None: ...

class ProvisionTables:
    def __init__(
        self,
        oracle: Any,
        n_resources: int,
        n_words: int,
        n_domains: NDArray[np.int32],
        port_conflicts: NDArray[np.uint8],
        n_reservations: int,
        n_taints: int,
    ) -> None: ...
    def add_template(
        self,
        table: TemplateTable,
        set_id: int,
        taints: int,
        group_conflicts: NDArray[np.uint8],
        limits: NDArray[np.int64],
        limited: NDArray[np.uint8],
        limited_nodes: bool,
    ) -> int: ...
    def set_limits(
        self,
        template: int,
        limits: NDArray[np.int64],
        limited: NDArray[np.uint8],
        limited_nodes: bool,
    ) -> None: ...
    def set_nodes(
        self,
        sets: NDArray[np.int32],
        room: NDArray[np.int64],
        hosts: NDArray[np.int32],
        taints: NDArray[np.int32],
        templates: NDArray[np.int32],
        capacity: NDArray[np.int64],
        usable: NDArray[np.uint8],
        flags: NDArray[np.uint8],
        domains: NDArray[np.int32],
        ports_off: NDArray[np.int32],
        ports: NDArray[np.int32],
    ) -> None: ...
    def set_bound(
        self,
        classes: NDArray[np.int32],
        nodes: NDArray[np.int32],
        flags: NDArray[np.uint8],
    ) -> None: ...
    def set_reservations(self, capacity: Sequence[int]) -> None: ...
    def add_class(
        self,
        requests: NDArray[np.int64],
        set_id: int,
        strict_id: int,
        host: int,
        strict_host: int,
        any_claim_host: bool,
        tolerates: NDArray[np.uint8],
        ports: int,
        volumes: int,
        alternatives: NDArray[np.int32],
    ) -> int: ...
    def set_class_groups(
        self,
        class_id: int,
        own: NDArray[np.int32],
        inverse: NDArray[np.int32],
        records: NDArray[np.int32],
        owned_inverse: NDArray[np.int32],
    ) -> None: ...
    def add_group(self, kind: int, key: int, max_skew: int, inverse: bool) -> int: ...
    def set_group(
        self, group: int, counted: NDArray[np.uint8], bound_owners: NDArray[np.int32]
    ) -> None: ...
    def add_variant(
        self,
        min_domains: int,
        filter_id: int,
        base_count: NDArray[np.int32],
        universe: bytes,
        node_known: NDArray[np.int32],
        passes: NDArray[np.uint8],
    ) -> int: ...
    def set_repairs(self, count_nodes: bool, stable_order: bool) -> None: ...
    def set_domain_ranks(self, ranks: Sequence[NDArray[np.int32]]) -> None: ...
