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
class ScaledTrigger:
    """One trigger of a ScaledObject: the metric that it asks for, and when it is active.

    ``metric`` holds what the HPA made from it scales on; ``activation`` is in milli-units: active
    above it.  A trigger on CPU or memory activates nothing.
    """

    type: str
    metric: MetricSpec
    activation: int = 0

    @property
    def activates(self) -> bool:
        """Whether the trigger can wake the target from zero."""
        return self.metric.of_workload


@dataclass(frozen=True, slots=True)
class ScaledObject:
    """A KEDA ScaledObject; times in ns since the Unix epoch.

    ``target`` is ``Kind/name`` of the scaled object; ``idle_replica_count`` and
    ``fallback_replicas`` None mean "not given"; ``behavior`` is that of the HPA made from it.
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
    target: str = ""
    polling_interval_ns: int = 30_000_000_000
    triggers: tuple[ScaledTrigger, ...] = ()
    behavior: ScalingBehavior | None = None

    def horizontal(self) -> HorizontalPodAutoscaler:
        """Return the HorizontalPodAutoscaler that KEDA creates for it."""
        return HorizontalPodAutoscaler(
            name=f"keda-hpa-{self.name}",
            namespace=self.namespace,
            target=self.target,
            min_replicas=max(1, self.min_replica_count),
            max_replicas=self.max_replica_count,
            metrics=tuple(trigger.metric for trigger in self.triggers),
            behavior=self.behavior,
        )


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
