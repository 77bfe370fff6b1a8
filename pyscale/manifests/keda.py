"""Read ``keda.sh/v1alpha1`` ScaledObjects and ScaledJobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.autoscaling import (
    AVERAGE_VALUE,
    EXTERNAL,
    RESOURCE,
    UTILIZATION,
    VALUE,
    MetricSpec,
    ScaledJob,
    ScaledObject,
    ScaledTrigger,
)
from ._convert import FieldError, decode, time_ns
from ._wire import Wire, field
from .autoscaling import Behavior, behavior_of, milli_of

_SECOND = 1_000_000_000
_STRATEGIES = ("default", "custom", "accurate", "eager")
_CALCULATIONS = ("max", "min", "avg", "sum")
_RESOURCES = ("cpu", "memory")
_THRESHOLDS = {  # scaler: its threshold, and from where it is active
    "prometheus": ("threshold", "activationThreshold"),
    "rabbitmq": ("value", "activationValue"),
    "aws-sqs-queue": ("queueLength", "activationQueueLength"),
    "azure-queue": ("queueLength", "activationQueueLength"),
    "azure-servicebus": ("messageCount", "activationMessageCount"),
    "kafka": ("lagThreshold", "activationLagThreshold"),
    "apache-kafka": ("lagThreshold", "activationLagThreshold"),
    "redis": ("listLength", "activationListLength"),
    "nats-jetstream": ("lagThreshold", "activationLagThreshold"),
    "metrics-api": ("targetValue", "activationTargetValue"),
    "external": ("targetValue", "activationTargetValue"),
}


class _Metadata(Wire):
    name: str = ""
    namespace: str = "default"
    annotations: dict[str, str] = field(default_factory=dict)
    creation_timestamp: str | None = None


class _Fallback(Wire):
    replicas: int


class _Trigger(Wire):
    type: str
    metadata: dict[str, str] = field(default_factory=dict)
    metric_type: str = ""
    name: str = ""


class _AutoscalerConfig(Wire):
    behavior: Behavior | None = None


class _Advanced(Wire):
    horizontal_pod_autoscaler_config: _AutoscalerConfig = field(default_factory=_AutoscalerConfig)


class _TargetReference(Wire):
    kind: str = "Deployment"
    name: str = ""


class _ObjectSpec(Wire):
    scale_target_ref: _TargetReference = field(default_factory=_TargetReference)
    polling_interval: int | None = None
    triggers: list[_Trigger] = field(default_factory=list)
    advanced: _Advanced = field(default_factory=_Advanced)
    min_replica_count: int | None = None
    max_replica_count: int | None = None
    idle_replica_count: int | None = None
    cooldown_period: int | None = None
    initial_cooldown_period: int | None = None
    fallback: _Fallback | None = None


class _ObjectStatus(Wire):
    last_active_time: str | None = None


class _Object(Wire):
    spec: _ObjectSpec
    metadata: _Metadata = field(default_factory=_Metadata)
    status: _ObjectStatus = field(default_factory=_ObjectStatus)


class _ScalingStrategy(Wire):
    strategy: str = ""
    multiple_scalers_calculation: str = ""
    custom_scaling_queue_length_deduction: int | None = None
    custom_scaling_running_job_percentage: str = ""


class _JobSpec(Wire):
    min_replica_count: int | None = None
    max_replica_count: int | None = None
    scaling_strategy: _ScalingStrategy = field(default_factory=_ScalingStrategy)


class _Job(Wire):
    spec: _JobSpec
    metadata: _Metadata = field(default_factory=_Metadata)


def scaled_object_from_dict(
    manifest: Mapping[str, Any], where: str = "", validate: bool = True
) -> ScaledObject:
    """Read one ScaledObject.

    Raises
    ------
    InvalidObjectError
        With the object's name and the path of the field.
    """
    return decode("ScaledObject", manifest, _Object, lambda it: _object(it, validate), where)


def scaled_job_from_dict(
    manifest: Mapping[str, Any], where: str = "", validate: bool = True
) -> ScaledJob:
    """Read one ScaledJob.

    Raises
    ------
    InvalidObjectError
        With the object's name and the path of the field.
    """
    return decode("ScaledJob", manifest, _Job, lambda it: _job(it, validate), where)


def _object(wire: _Object, validate: bool) -> ScaledObject:
    spec, metadata = wire.spec, wire.metadata
    result = ScaledObject(
        name=metadata.name,
        namespace=metadata.namespace,
        annotations=metadata.annotations,
        creation_ns=time_ns(metadata.creation_timestamp, "$.metadata.creationTimestamp") or 0,
        min_replica_count=spec.min_replica_count or 0,
        max_replica_count=100 if spec.max_replica_count is None else spec.max_replica_count,
        idle_replica_count=spec.idle_replica_count,
        cooldown_period_ns=_seconds(spec.cooldown_period, 300),
        initial_cooldown_period_ns=_seconds(spec.initial_cooldown_period, 0),
        fallback_replicas=None if spec.fallback is None else spec.fallback.replicas,
        last_active_ns=time_ns(wire.status.last_active_time, "$.status.lastActiveTime"),
        target=f"{spec.scale_target_ref.kind}/{spec.scale_target_ref.name}",
        polling_interval_ns=_seconds(spec.polling_interval, 30),
        triggers=tuple(
            _trigger(trigger, f"$.spec.triggers[{index}]")
            for index, trigger in enumerate(spec.triggers)
        ),
        behavior=behavior_of(
            spec.advanced.horizontal_pod_autoscaler_config.behavior,
            "$.spec.advanced.horizontalPodAutoscalerConfig.behavior",
            validate,
        ),
    )
    if validate:
        least, most, idle = (
            result.min_replica_count,
            result.max_replica_count,
            result.idle_replica_count,
        )
        if not 0 <= least <= most:
            raise FieldError(
                "$.spec.minReplicaCount",
                f"expected 0 to maxReplicaCount {most}, found {least}",
            )
        for field, seconds in (
            ("cooldownPeriod", spec.cooldown_period),
            ("initialCooldownPeriod", spec.initial_cooldown_period),
        ):
            if seconds is not None and seconds < 0:
                raise FieldError(f"$.spec.{field}", f"expected at least 0, found {seconds}")
        if result.polling_interval_ns <= 0:
            raise FieldError(
                "$.spec.pollingInterval", f"expected above 0, found {spec.polling_interval}"
            )
        for index, trigger in enumerate(result.triggers):
            if trigger.metric.target <= 0:
                raise FieldError(
                    f"$.spec.triggers[{index}].metadata",
                    f"expected a threshold above 0, found {trigger.metric.target}",
                )
        if idle is not None and not 0 <= idle < least:
            raise FieldError(
                "$.spec.idleReplicaCount", f"expected below minReplicaCount {least}, found {idle}"
            )
    return result


def _trigger(wire: _Trigger, path: str) -> ScaledTrigger:
    if wire.type in _RESOURCES:
        target = milli_of(wire.metadata.get("value", "0"), f"{path}.metadata.value")
        is_share = wire.metric_type in ("", UTILIZATION)
        metric = MetricSpec(
            RESOURCE,
            wire.type,
            UTILIZATION if is_share else AVERAGE_VALUE,
            target // 1000 if is_share else target,
        )
        return ScaledTrigger(wire.type, metric)
    if wire.type not in _THRESHOLDS:
        known = ", ".join((*_RESOURCES, *_THRESHOLDS))
        raise FieldError(f"{path}.type", f"expected {known}, found {wire.type!r}")
    threshold, activation = _THRESHOLDS[wire.type]
    if threshold not in wire.metadata:
        raise FieldError(f"{path}.metadata.{threshold}", "expected a threshold, found nothing")
    if wire.metric_type not in ("", AVERAGE_VALUE, VALUE):
        known = f"{AVERAGE_VALUE} or {VALUE}"
        raise FieldError(f"{path}.metricType", f"expected {known}, found {wire.metric_type!r}")
    metric = MetricSpec(
        EXTERNAL,
        wire.metadata.get("metricName") or wire.name or wire.type,
        wire.metric_type or AVERAGE_VALUE,
        milli_of(wire.metadata[threshold], f"{path}.metadata.{threshold}"),
    )
    least = milli_of(wire.metadata.get(activation, "0"), f"{path}.metadata.{activation}")
    return ScaledTrigger(wire.type, metric, least)


def _job(wire: _Job, validate: bool) -> ScaledJob:
    spec, strategy = wire.spec, wire.spec.scaling_strategy
    result = ScaledJob(
        name=wire.metadata.name,
        namespace=wire.metadata.namespace,
        min_replica_count=spec.min_replica_count or 0,
        max_replica_count=spec.max_replica_count,
        strategy=strategy.strategy or "default",
        calculation=strategy.multiple_scalers_calculation or "max",
        custom_queue_length_deduction=strategy.custom_scaling_queue_length_deduction or 0,
        custom_running_job_percentage=strategy.custom_scaling_running_job_percentage,
    )
    if validate:
        for name, found, known in (
            ("strategy", result.strategy, _STRATEGIES),
            ("multipleScalersCalculation", result.calculation, _CALCULATIONS),
        ):
            if found not in known:
                raise FieldError(
                    f"$.spec.scalingStrategy.{name}",
                    f"expected one of {', '.join(known)}, found {found!r}",
                )
    return result


def _seconds(value: int | None, default: int) -> int:
    return (default if value is None else value) * _SECOND
