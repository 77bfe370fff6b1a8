"""Read ``autoscaling/v2`` HorizontalPodAutoscalers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.autoscaling import (
    AVERAGE_VALUE,
    CONTAINER_RESOURCE,
    EXTERNAL,
    OBJECT,
    PODS_METRIC,
    RESOURCE,
    UTILIZATION,
    VALUE,
    HorizontalPodAutoscaler,
    MetricSpec,
    ScalingBehavior,
    ScalingPolicy,
    ScalingRules,
)
from ..model.quantity import InvalidQuantityError, parse_quantity
from ._convert import FieldError, decode
from ._wire import Wire, field

_SECOND = 1_000_000_000
_NANO_PER_MILLI = 1_000_000
_LONGEST_WINDOW = 3600
_LONGEST_PERIOD = 1800
_SELECT_POLICIES = ("Max", "Min", "Disabled")
_POLICY_TYPES = ("Pods", "Percent")


class _Target(Wire):
    type: str = ""
    average_utilization: int | None = None
    average_value: str | int | float | None = None
    value: str | int | float | None = None


class _Identifier(Wire):
    name: str


class _Source(Wire):
    target: _Target
    name: str = ""
    container: str = ""
    metric: _Identifier | None = None


class _Metric(Wire):
    type: str
    resource: _Source | None = None
    container_resource: _Source | None = None
    pods: _Source | None = None
    object: _Source | None = None
    external: _Source | None = None


class _Policy(Wire):
    type: str
    value: int
    period_seconds: int


class _Rules(Wire):
    stabilization_window_seconds: int | None = None
    select_policy: str | None = None
    policies: list[_Policy] | None = None
    tolerance: str | int | float | None = None


class Behavior(Wire):
    """``spec.behavior`` as it is written."""

    scale_up: _Rules | None = None
    scale_down: _Rules | None = None


class _TargetReference(Wire):
    kind: str = ""
    name: str = ""


class _Spec(Wire):
    max_replicas: int
    metrics: list[_Metric] = field(default_factory=list)
    min_replicas: int | None = None
    scale_target_ref: _TargetReference = field(default_factory=_TargetReference)
    behavior: Behavior | None = None


class _Condition(Wire):
    type: str
    status: str


class _Status(Wire):
    conditions: list[_Condition] = field(default_factory=list)


class _Metadata(Wire):
    name: str = ""
    namespace: str = "default"


class _Autoscaler(Wire):
    spec: _Spec
    metadata: _Metadata = field(default_factory=_Metadata)
    status: _Status = field(default_factory=_Status)


_TARGET_TYPES = (UTILIZATION, VALUE, AVERAGE_VALUE)
_SOURCE_FIELDS = {
    RESOURCE: "resource",
    CONTAINER_RESOURCE: "container_resource",
    PODS_METRIC: "pods",
    OBJECT: "object",
    EXTERNAL: "external",
}


def horizontal_pod_autoscaler_from_dict(
    manifest: Mapping[str, Any], where: str = "", validate: bool = True
) -> HorizontalPodAutoscaler:
    """Read one HorizontalPodAutoscaler.

    Parameters
    ----------
    manifest : mapping
        The decoded JSON or YAML object.
    where : str
        File or object, for error messages.
    validate : bool
        Whether to refuse what an API server would refuse.

    Raises
    ------
    InvalidObjectError
        With the object's name and the path of the field.
    """
    kind = "HorizontalPodAutoscaler"
    return decode(kind, manifest, _Autoscaler, lambda it: _autoscaler(it, validate), where)


def _autoscaler(wire: _Autoscaler, validate: bool) -> HorizontalPodAutoscaler:
    spec = wire.spec
    result = HorizontalPodAutoscaler(
        name=wire.metadata.name,
        namespace=wire.metadata.namespace,
        target=f"{spec.scale_target_ref.kind}/{spec.scale_target_ref.name}",
        min_replicas=1 if spec.min_replicas is None else spec.min_replicas,
        max_replicas=spec.max_replicas,
        metrics=tuple(
            _metric(each, f"$.spec.metrics[{index}]") for index, each in enumerate(spec.metrics)
        ),
        behavior=behavior_of(spec.behavior, "$.spec.behavior", validate),
        scaled_to_zero=any(
            each.type == "ScaledToZero" and each.status == "True" for each in wire.status.conditions
        ),
    )
    if validate:
        _validate(result)
    return result


def behavior_of(wire: Behavior | None, path: str, validate: bool) -> ScalingBehavior | None:
    """Convert a behavior, and refuse what an API server would refuse."""
    if wire is None:
        return None
    up, down = f"{path}.scaleUp", f"{path}.scaleDown"
    behavior = ScalingBehavior(_rules(wire.scale_up, up), _rules(wire.scale_down, down))
    if validate:
        _validate_rules(up, behavior.scale_up)
        _validate_rules(down, behavior.scale_down)
    return behavior


def _camel(attribute: str) -> str:
    return attribute.replace("_r", "R")


def _metric(wire: _Metric, path: str) -> MetricSpec:
    if wire.type not in _SOURCE_FIELDS:
        known = ", ".join(_SOURCE_FIELDS)
        raise FieldError(f"{path}.type", f"expected {known}, found {wire.type!r}")
    attribute = _SOURCE_FIELDS[wire.type]
    source: _Source | None = getattr(wire, attribute)
    if source is None:
        raise FieldError(f"{path}.{_camel(attribute)}", "expected the metric, found nothing")
    target = source.target
    if target.type and target.type not in _TARGET_TYPES:
        field = f"{path}.{_camel(attribute)}.target.type"
        raise FieldError(field, f"expected {', '.join(_TARGET_TYPES)}, found {target.type!r}")
    if target.average_utilization is not None:
        kind, amount = UTILIZATION, target.average_utilization
    elif target.value is not None and wire.type in (OBJECT, EXTERNAL):
        kind, amount = VALUE, milli_of(target.value, f"{path}.target.value")
    elif target.average_value is not None:
        kind, amount = AVERAGE_VALUE, milli_of(target.average_value, f"{path}.target.averageValue")
    else:
        raise FieldError(f"{path}.target", "expected a target, found none")
    name = source.name if source.metric is None else source.metric.name
    return MetricSpec(wire.type, name, kind, amount, source.container)


def _rules(wire: _Rules | None, path: str) -> ScalingRules:
    if wire is None:
        return ScalingRules()
    window, tolerance, policies = wire.stabilization_window_seconds, None, None
    if wire.tolerance is not None:
        tolerance = _nano(wire.tolerance, f"{path}.tolerance") / 10**9
    if wire.policies is not None:
        policies = tuple(
            ScalingPolicy(each.type, each.value, each.period_seconds * _SECOND)
            for each in wire.policies
        )
    return ScalingRules(
        stabilization_window_ns=None if window is None else window * _SECOND,
        select_policy=wire.select_policy,
        policies=policies,
        tolerance=tolerance,
    )


def _nano(quantity: str | float, path: str) -> int:
    try:
        return parse_quantity(quantity)
    except InvalidQuantityError as error:
        raise FieldError(path, error.problem) from None


def milli_of(quantity: str | float, path: str) -> int:
    """Return a quantity in milli-units, rounded up."""
    return -(-_nano(quantity, path) // _NANO_PER_MILLI)


def _validate(autoscaler: HorizontalPodAutoscaler) -> None:
    least = autoscaler.min_replicas
    if least < 0:
        raise FieldError("$.spec.minReplicas", f"expected >= 0, found {least}")
    if autoscaler.max_replicas < max(1, least):
        raise FieldError(
            "$.spec.maxReplicas", f"expected >= {max(1, least)}, found {autoscaler.max_replicas}"
        )
    if least == 0 and not any(metric.of_workload for metric in autoscaler.metrics):
        raise FieldError(
            "$.spec.minReplicas", "expected >= 1 without an Object or External metric, found 0"
        )
    for index, metric in enumerate(autoscaler.metrics):
        if metric.target <= 0:
            raise FieldError(
                f"$.spec.metrics[{index}]", f"expected a target above 0, found {metric.target}"
            )


def _validate_rules(path: str, rules: ScalingRules) -> None:
    window = rules.stabilization_window_ns
    if window is not None and not 0 <= window <= _LONGEST_WINDOW * _SECOND:
        raise FieldError(
            f"{path}.stabilizationWindowSeconds",
            f"expected 0 to {_LONGEST_WINDOW}, found {window // _SECOND}",
        )
    if rules.select_policy is not None and rules.select_policy not in _SELECT_POLICIES:
        known = ", ".join(_SELECT_POLICIES)
        raise FieldError(f"{path}.selectPolicy", f"expected {known}, found {rules.select_policy!r}")
    if rules.tolerance is not None and rules.tolerance < 0:
        raise FieldError(f"{path}.tolerance", f"expected >= 0, found {rules.tolerance}")
    if rules.policies is not None and not rules.policies:
        raise FieldError(f"{path}.policies", "expected at least one policy, found none")
    for index, policy in enumerate(rules.policies or ()):
        here = f"{path}.policies[{index}]"
        if policy.type not in _POLICY_TYPES:
            known = " or ".join(_POLICY_TYPES)
            raise FieldError(f"{here}.type", f"expected {known}, found {policy.type!r}")
        if policy.value <= 0:
            raise FieldError(f"{here}.value", f"expected above 0, found {policy.value}")
        if not 0 < policy.period_ns <= _LONGEST_PERIOD * _SECOND:
            raise FieldError(
                f"{here}.periodSeconds",
                f"expected 1 to {_LONGEST_PERIOD}, found {policy.period_ns // _SECOND}",
            )
