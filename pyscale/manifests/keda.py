"""Read ``keda.sh/v1alpha1`` ScaledObjects and ScaledJobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import InvalidObjectError
from ..model.autoscaling import ScaledJob, ScaledObject
from ..model.times import parse_timestamp

_SECOND = 1_000_000_000
_STRATEGIES = ("default", "custom", "accurate", "eager")
_CALCULATIONS = ("max", "min", "avg", "sum")


class _Wire(msgspec.Struct, rename="camel", frozen=True):
    pass


class _Metadata(_Wire):
    name: str = ""
    namespace: str = "default"
    annotations: dict[str, str] = {}
    creation_timestamp: str | None = None


class _Fallback(_Wire):
    replicas: int


class _ObjectSpec(_Wire):
    min_replica_count: int | None = None
    max_replica_count: int | None = None
    idle_replica_count: int | None = None
    cooldown_period: int | None = None
    initial_cooldown_period: int | None = None
    fallback: _Fallback | None = None


class _ObjectStatus(_Wire):
    last_active_time: str | None = None


class _Object(_Wire):
    spec: _ObjectSpec
    metadata: _Metadata = _Metadata()
    status: _ObjectStatus = _ObjectStatus()


class _ScalingStrategy(_Wire):
    strategy: str = ""
    multiple_scalers_calculation: str = ""
    custom_scaling_queue_length_deduction: int | None = None
    custom_scaling_running_job_percentage: str = ""


class _JobSpec(_Wire):
    min_replica_count: int | None = None
    max_replica_count: int | None = None
    scaling_strategy: _ScalingStrategy = _ScalingStrategy()


class _Job(_Wire):
    spec: _JobSpec
    metadata: _Metadata = _Metadata()


def scaled_object_from_dict(
    manifest: Mapping[str, Any], where: str = "", validate: bool = True
) -> ScaledObject:
    """Read one ScaledObject.

    Raises
    ------
    InvalidObjectError
        With the path of the field.
    """
    wire = _convert(manifest, _Object, where)
    spec, metadata = wire.spec, wire.metadata
    created, active = metadata.creation_timestamp, wire.status.last_active_time
    result = ScaledObject(
        name=metadata.name,
        namespace=metadata.namespace,
        annotations=metadata.annotations,
        creation_ns=parse_timestamp(created) if created else 0,
        min_replica_count=spec.min_replica_count or 0,
        max_replica_count=100 if spec.max_replica_count is None else spec.max_replica_count,
        idle_replica_count=spec.idle_replica_count,
        cooldown_period_ns=_seconds(spec.cooldown_period, 300),
        initial_cooldown_period_ns=_seconds(spec.initial_cooldown_period, 0),
        fallback_replicas=None if spec.fallback is None else spec.fallback.replicas,
        last_active_ns=parse_timestamp(active) if active else None,
    )
    if validate:
        _check_counts(result.min_replica_count, result.max_replica_count, where, metadata.name)
        idle = result.idle_replica_count
        if idle is not None and not 0 <= idle < result.min_replica_count:
            raise InvalidObjectError(
                where or f"ScaledObject {metadata.name}",
                f"$.spec.idleReplicaCount: expected below minReplicaCount "
                f"{result.min_replica_count}, found {idle}",
            )
    return result


def scaled_job_from_dict(
    manifest: Mapping[str, Any], where: str = "", validate: bool = True
) -> ScaledJob:
    """Read one ScaledJob.

    Raises
    ------
    InvalidObjectError
        With the path of the field.
    """
    wire = _convert(manifest, _Job, where)
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
        place = where or f"ScaledJob {wire.metadata.name}"
        if result.strategy not in _STRATEGIES:
            raise InvalidObjectError(
                place,
                f"$.spec.scalingStrategy.strategy: expected one of {', '.join(_STRATEGIES)}, "
                f"found {result.strategy!r}",
            )
        if result.calculation not in _CALCULATIONS:
            raise InvalidObjectError(
                place,
                "$.spec.scalingStrategy.multipleScalersCalculation: expected one of "
                f"{', '.join(_CALCULATIONS)}, found {result.calculation!r}",
            )
    return result


def _convert(manifest: Mapping[str, Any], kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(manifest, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidObjectError(where, str(error)) from None


def _seconds(value: int | None, default: int) -> int:
    return (default if value is None else value) * _SECOND


def _check_counts(minimum: int, maximum: int, where: str, name: str) -> None:
    if not 0 <= minimum <= maximum:
        raise InvalidObjectError(
            where or f"ScaledObject {name}",
            f"$.spec.minReplicaCount: expected 0 to maxReplicaCount {maximum}, found {minimum}",
        )
