"""The flags of Cluster Autoscaler that take part in decisions, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ...errors import InvalidObjectError, UnsupportedError
from ...model.times import HOUR, MINUTE, SECOND, parse_duration

EXPANDERS = ("random", "most-pods", "least-waste", "least-nodes", "price", "priority")
DEFAULT_CORES_TOTAL = (0, 320_000)
DEFAULT_MEMORY_TOTAL_GIB = (0, 6_400_000)

_UNSUPPORTED = {
    "enable_provisioning_requests": "ProvisioningRequest",
    "capacity_quotas_enabled": "CapacityQuota objects",
    "capacity_buffer_controller_enabled": "capacity buffers",
    "capacity_buffer_pod_injection_enabled": "capacity buffers",
    "enable_proactive_scaleup": "proactive scale-up",
    "enable_graceful_degradation": "graceful degradation",
    "scheduler_config_file": "a scheduler configuration",
    "frequent_loops_enabled": "loops that follow one another at once",
    "async_node_groups": "asynchronous creation of node groups",
    "enable_csi_node_aware_scheduling": "CSI-aware scheduling",
    "dynamic_node_delete_delay_after_taint_enabled": "dynamic delay of node deletion",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Flags by name (dashes become underscores); durations in int nanoseconds.

    Defaults are those of the 1.37 line.  ``cores_total`` and ``memory_total`` (GiB) are (min, max);
    ``gpu_total`` is a tuple of (type, min, max).  Three flags that upstream parses and no longer
    reads are accepted and do nothing: ``scale_down_candidates_pool_ratio``,
    ``scale_down_candidates_pool_min_count`` and ``scale_down_non_empty_candidates_count``.
    Time limits that depend on the machine (``max_binpacking_time``,
    ``max_nodegroup_binpacking_duration``, ``scale_down_simulation_timeout``,
    ``salvo_scale_up_budget``) are never reached in virtual time.
    """

    # the loop
    scan_interval: int = 10 * SECOND
    max_nodes_total: int = 0
    cores_total: tuple[int, int] = DEFAULT_CORES_TOTAL
    memory_total: tuple[int, int] = DEFAULT_MEMORY_TOTAL_GIB
    gpu_total: tuple[tuple[str, int, int], ...] = ()
    enforce_node_group_min_size: bool = False
    scale_up_from_zero: bool = True
    # pods
    expendable_pods_priority_cutoff: int = -10
    new_pod_scale_up_delay: int = 0
    bypassed_scheduler_names: tuple[str, ...] = ()
    allowed_scheduler_names: tuple[str, ...] = ()
    # templates
    force_ds: bool = False
    scale_from_unschedulable: bool = False
    startup_taint: tuple[str, ...] = ()
    ignore_taint: tuple[str, ...] = ()
    status_taint: tuple[str, ...] = ()
    startup_taint_prefix: tuple[str, ...] = ()
    node_info_cache_expire_time: int = 87_600 * HOUR
    # scale-up
    parallel_scale_up: bool = False
    estimator: str = "binpacking"
    expander: tuple[str, ...] = ("least-waste",)
    max_nodes_per_scaleup: int = 1000
    max_nodegroup_binpacking_duration: int = 10 * SECOND
    max_binpacking_time: int = 5 * MINUTE
    fastpath_binpacking_enabled: bool = False
    predicate_parallelism: int = 4
    balance_similar_node_groups: bool = False
    balancing_ignore_label: tuple[str, ...] = ()
    balancing_label: tuple[str, ...] = ()
    memory_difference_ratio: float = 0.015
    max_free_difference_ratio: float = 0.05
    max_allocatable_difference_ratio: float = 0.05
    salvo_scale_up: bool = False
    salvo_scale_up_budget: int = MINUTE
    # cluster state
    max_node_provision_time: int = 15 * MINUTE
    max_node_startup_time: int = 15 * MINUTE
    initial_node_group_backoff_duration: int = 5 * MINUTE
    max_node_group_backoff_duration: int = 30 * MINUTE
    node_group_backoff_reset_timeout: int = 3 * HOUR
    max_total_unready_percentage: float = 45.0
    ok_total_unready_count: int = 3
    force_delete_unregistered_nodes: bool = False
    force_delete_failed_nodes: bool = False
    # scale-down
    scale_down_enabled: bool = True
    scale_down_unready_enabled: bool = True
    scale_down_delay_after_add: int = 10 * MINUTE
    scale_down_delay_after_delete: int = 0
    scale_down_delay_after_failure: int = 3 * MINUTE
    scale_down_delay_type_local: bool = False
    scale_down_unneeded_time: int = 10 * MINUTE
    scale_down_unready_time: int = 20 * MINUTE
    scale_down_utilization_threshold: float = 0.5
    scale_down_gpu_utilization_threshold: float = 0.5
    ignore_daemonsets_utilization: bool = False
    ignore_mirror_pods_utilization: bool = False
    scale_down_simulation_timeout: int = 30 * SECOND
    unremovable_node_recheck_timeout: int = 5 * MINUTE
    max_scale_down_parallelism: int = 10
    max_drain_parallelism: int = 1
    scale_down_non_empty_candidates_count: int = 30
    scale_down_candidates_pool_ratio: float = 0.1
    scale_down_candidates_pool_min_count: int = 50
    # actuation
    node_delete_delay_after_taint: int = 5 * SECOND
    node_deletion_batcher_interval: int = 0
    node_deletion_delay_timeout: int = 2 * MINUTE
    node_deletion_candidate_ttl: int = 0
    max_bulk_soft_taint_count: int = 10
    max_bulk_soft_taint_time: int = 3 * SECOND
    cordon_node_before_terminating: bool = True
    daemonset_eviction_for_empty_nodes: bool = False
    daemonset_eviction_for_occupied_nodes: bool = True
    max_graceful_termination_sec: int = 600
    drain_priority_config: tuple[tuple[int, int], ...] = ()
    max_pod_eviction_time: int = 2 * MINUTE
    # drain rules
    skip_nodes_with_system_pods: bool = True
    skip_nodes_with_local_storage: bool = True
    skip_nodes_with_custom_controller_pods: bool = True
    min_replica_count: int = 0
    blocking_system_pod_distruption_timeout: int = HOUR

    def __post_init__(self) -> None:
        if self.estimator != "binpacking":
            raise InvalidObjectError(
                "option estimator", f"expected binpacking, found {self.estimator!r}"
            )
        seen: set[str] = set()
        for name in self.expander:
            if name == "grpc":
                raise UnsupportedError("grpc expander", "option expander")
            if name not in EXPANDERS:
                known = ", ".join(EXPANDERS)
                raise InvalidObjectError(
                    "option expander", f"expected one of {known}, found {name!r}"
                )
            if name in seen:
                raise InvalidObjectError("option expander", f"{name} is named twice")
            seen.add(name)

    @classmethod
    def from_flags(cls, flags: Mapping[str, Any]) -> Options:
        """Read flags by name, with dashes or underscores, values as typed on a command line.

        Raises
        ------
        InvalidObjectError
            If a flag is unknown or its value cannot be read.
        UnsupportedError
            If a flag switches on what pyscale does not have.
        """
        known = {field.name: field for field in fields(cls)}
        values: dict[str, Any] = {}
        for flag, value in flags.items():
            name = flag.replace("-", "_")
            if name in _UNSUPPORTED:
                if value and value != "false":
                    raise UnsupportedError(_UNSUPPORTED[name], f"option {flag}")
                continue
            if name not in known:
                raise InvalidObjectError(f"option {flag}", "Cluster Autoscaler has no such flag")
            values[name] = _read(flag, name, str(known[name].type), value)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """Options that a node group can set for itself; times in int nanoseconds."""

    scale_down_utilization_threshold: float
    scale_down_gpu_utilization_threshold: float
    scale_down_unneeded_time: int
    scale_down_unready_time: int
    max_node_provision_time: int
    max_node_startup_time: int
    ignore_daemonsets_utilization: bool
    zero_or_max_node_scaling: bool = False
    allow_non_atomic_scale_up_to_max: bool = False


def group_options(defaults: Options, own: Mapping[str, Any], where: str = "") -> GroupOptions:
    """Merge a group's own options, by flag name or camelCase field name, over the global ones.

    Raises
    ------
    InvalidObjectError
        If an option is unknown or its value cannot be read.
    """
    known = {field.name: field for field in fields(GroupOptions)}
    merged = GroupOptions(
        **{name: getattr(defaults, name) for name in known if hasattr(defaults, name)}
    )
    values = {}
    for key, value in own.items():
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in key).replace("-", "_")
        name = name.replace("daemon_sets", "daemonsets")
        if name not in known:
            raise InvalidObjectError(f"{where}: option {key}", "node groups have no such option")
        values[name] = _read(f"{where}: {key}", name, str(known[name].type), value)
    return replace(merged, **values)


_DURATIONS = frozenset(
    field.name
    for field in fields(Options)
    if field.name.endswith(("_time", "_delay", "_interval", "_duration", "_timeout", "_ttl"))
    or field.name.startswith("scale_down_delay_after")
    or field.name in ("salvo_scale_up_budget", "node_delete_delay_after_taint")
)


def _read(flag: str, name: str, kind: str, value: Any) -> Any:
    where = f"option {flag}" if ":" not in flag else flag
    if name in _DURATIONS:
        return value if isinstance(value, int) else parse_duration(value, where)
    if kind == "bool":
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        raise InvalidObjectError(where, f"expected true or false, found {value!r}")
    try:
        if kind == "int":
            return int(value)
        if kind == "float":
            return float(value)
    except (TypeError, ValueError):
        raise InvalidObjectError(where, f"expected a number, found {value!r}") from None
    if name == "expander":
        return tuple(value.split(",")) if isinstance(value, str) else tuple(value)
    if name in ("cores_total", "memory_total"):
        return _range(where, value)
    if name == "gpu_total":
        return tuple(_gpu_range(where, item) for item in _items(value))
    if name == "drain_priority_config":
        return _drain_priorities(where, value)
    if kind == "str":
        return str(value)
    return tuple(_items(value))


def _items(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, str) else list(value)


def _range(where: str, value: Any) -> tuple[int, int]:
    parts = value.split(":") if isinstance(value, str) else list(value)
    try:
        low, high = (int(part) for part in parts)
    except (TypeError, ValueError):
        raise InvalidObjectError(where, f"expected MIN:MAX, found {value!r}") from None
    if low < 0 or high < low:
        raise InvalidObjectError(where, f"expected 0 <= MIN <= MAX, found {value!r}")
    return low, high


def _gpu_range(where: str, value: Any) -> tuple[str, int, int]:
    kind, _, rest = value.partition(":") if isinstance(value, str) else (value[0], "", value[1:])
    low, high = _range(where, rest)
    return str(kind), low, high


def _drain_priorities(where: str, value: Any) -> tuple[tuple[int, int], ...]:
    """Read ``PRIORITY:SECONDS,...`` in ascending order of priority."""
    if not isinstance(value, str):
        return tuple(sorted((int(priority), int(seconds)) for priority, seconds in value))
    try:
        pairs = [part.split(":") for part in value.split(",") if part]
        return tuple(sorted((int(priority), int(seconds)) for priority, seconds in pairs))
    except ValueError:
        raise InvalidObjectError(where, f"expected PRIORITY:SECONDS,..., found {value!r}") from None
