"""Horizontal pod autoscalers, as ``autoscaling/v2`` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UTILIZATION = "Utilization"
VALUE = "Value"
AVERAGE_VALUE = "AverageValue"

RESOURCE = "Resource"
CONTAINER_RESOURCE = "ContainerResource"
PODS_METRIC = "Pods"
OBJECT = "Object"
EXTERNAL = "External"


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One entry of ``spec.metrics``.

    ``source`` is Resource, ContainerResource, Pods, Object or External; ``name`` the resource or
    metric; ``target_type`` Utilization, Value or AverageValue; ``target`` percent for a
    utilization, else milli-units.
    """

    source: str
    name: str
    target_type: str
    target: int
    container: str = ""

    @property
    def of_workload(self) -> bool:
        """Whether the metric exists without any pod of the workload."""
        return self.source in (OBJECT, EXTERNAL)


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """At most ``value`` Pods, or Percent of the replicas, within the period."""

    type: str
    value: int
    period_ns: int


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """One direction of ``spec.behavior``; None means "not given", the default applies.

    ``select_policy`` is Max, Min or Disabled.
    """

    stabilization_window_ns: int | None = None
    select_policy: str | None = None
    policies: tuple[ScalingPolicy, ...] | None = None
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class ScalingBehavior:
    """``spec.behavior``: both directions."""

    scale_up: ScalingRules = field(default_factory=ScalingRules)
    scale_down: ScalingRules = field(default_factory=ScalingRules)


@dataclass(frozen=True, slots=True)
class HorizontalPodAutoscaler:
    """An ``autoscaling/v2`` HorizontalPodAutoscaler.

    ``target`` is ``Kind/name`` of the scaled object; ``scaled_to_zero`` the condition ScaledToZero
    of its status.
    """

    name: str
    max_replicas: int
    metrics: tuple[MetricSpec, ...]
    min_replicas: int = 1
    namespace: str = "default"
    target: str = ""
    behavior: ScalingBehavior | None = None
    scaled_to_zero: bool = False


@dataclass(frozen=True, slots=True)
class ScaledObject:
    """A KEDA ScaledObject, as far as activation reads it; times in ns since the Unix epoch.

    ``idle_replica_count`` and ``fallback_replicas`` None mean "not given".
    """

    name: str
    creation_ns: int
    namespace: str = "default"
    annotations: Mapping[str, str] = field(default_factory=dict)
    min_replica_count: int = 0
    max_replica_count: int = 100
    idle_replica_count: int | None = None
    cooldown_period_ns: int = 300_000_000_000
    initial_cooldown_period_ns: int = 0
    fallback_replicas: int | None = None
    last_active_ns: int | None = None


@dataclass(frozen=True, slots=True)
class ScaledJob:
    """A KEDA ScaledJob, as far as its arithmetic reads it; None means "not given".

    ``strategy`` is default, custom, accurate or eager; ``calculation`` max, min, avg or sum.
    """

    name: str
    namespace: str = "default"
    min_replica_count: int = 0
    max_replica_count: int | None = None
    strategy: str = "default"
    calculation: str = "max"
    custom_queue_length_deduction: int = 0
    custom_running_job_percentage: str = ""
