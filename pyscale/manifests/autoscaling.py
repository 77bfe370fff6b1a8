"""Read ``autoscaling/v2`` HorizontalPodAutoscalers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import InvalidObjectError
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
from ..model.quantity import parse_quantity

_SECOND = 1_000_000_000
_NANO_PER_MILLI = 1_000_000
_LONGEST_WINDOW = 3600
_LONGEST_PERIOD = 1800
_SELECT_POLICIES = ("Max", "Min", "Disabled")
_POLICY_TYPES = ("Pods", "Percent")


class _Wire(msgspec.Struct, rename="camel", frozen=True):
    pass


class _Target(_Wire):
    type: str = ""
    average_utilization: int | None = None
    average_value: str | int | float | None = None
    value: str | int | float | None = None


class _Identifier(_Wire):
    name: str


class _Source(_Wire):
    target: _Target
    name: str = ""
    container: str = ""
    metric: _Identifier | None = None


class _Metric(_Wire):
    type: str
    resource: _Source | None = None
    container_resource: _Source | None = None
    pods: _Source | None = None
    object: _Source | None = None
    external: _Source | None = None


class _Policy(_Wire):
    type: str
    value: int
    period_seconds: int


class _Rules(_Wire):
    stabilization_window_seconds: int | None = None
    select_policy: str | None = None
    policies: list[_Policy] | None = None
    tolerance: str | int | float | None = None


class _Behavior(_Wire):
    scale_up: _Rules | None = None
    scale_down: _Rules | None = None


class _TargetReference(_Wire):
    kind: str = ""
    name: str = ""


class _Spec(_Wire):
    max_replicas: int
    metrics: list[_Metric] = []
    min_replicas: int | None = None
    scale_target_ref: _TargetReference = _TargetReference()
    behavior: _Behavior | None = None


class _Condition(_Wire):
    type: str
    status: str


class _Status(_Wire):
    conditions: list[_Condition] = []


class _Metadata(_Wire):
    name: str = ""
    namespace: str = "default"


class _Autoscaler(_Wire):
    spec: _Spec
    metadata: _Metadata = _Metadata()
    status: _Status = _Status()


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
        With the path of the field.
    """
    try:
        wire = msgspec.convert(manifest, _Autoscaler, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidObjectError(where, str(error)) from None
    metrics = tuple(_metric(each, where, i) for i, each in enumerate(wire.spec.metrics))
    behavior = wire.spec.behavior
    result = HorizontalPodAutoscaler(
        name=wire.metadata.name,
        namespace=wire.metadata.namespace,
        target=f"{wire.spec.scale_target_ref.kind}/{wire.spec.scale_target_ref.name}",
        min_replicas=1 if wire.spec.min_replicas is None else wire.spec.min_replicas,
        max_replicas=wire.spec.max_replicas,
        metrics=metrics,
        behavior=behavior
        and ScalingBehavior(_rules(behavior.scale_up), _rules(behavior.scale_down)),
        scaled_to_zero=any(
            each.type == "ScaledToZero" and each.status == "True" for each in wire.status.conditions
        ),
    )
    if validate:
        validate_horizontal_pod_autoscaler(result, where)
    return result


def _metric(wire: _Metric, where: str, index: int) -> MetricSpec:
    path = f"$.spec.metrics[{index}]"
    if wire.type not in _SOURCE_FIELDS:
        known = ", ".join(_SOURCE_FIELDS)
        raise InvalidObjectError(where, f"{path}.type: expected {known}, found {wire.type!r}")
    source: _Source | None = getattr(wire, _SOURCE_FIELDS[wire.type])
    if source is None:
        field = _SOURCE_FIELDS[wire.type].replace("_r", "R")
        raise InvalidObjectError(where, f"{path}.{field}: expected the metric, found nothing")
    name = source.name if source.metric is None else source.metric.name
    target = source.target
    if target.average_utilization is not None:
        kind, amount = UTILIZATION, target.average_utilization
    elif target.value is not None and wire.type in (OBJECT, EXTERNAL):
        kind, amount = VALUE, _milli(target.value)
    elif target.average_value is not None:
        kind, amount = AVERAGE_VALUE, _milli(target.average_value)
    else:
        raise InvalidObjectError(where, f"{path}: expected a target, found none")
    return MetricSpec(wire.type, name, kind, amount, source.container)


def _rules(wire: _Rules | None) -> ScalingRules:
    if wire is None:
        return ScalingRules()
    window = wire.stabilization_window_seconds
    return ScalingRules(
        stabilization_window_ns=None if window is None else window * _SECOND,
        select_policy=wire.select_policy,
        policies=None
        if wire.policies is None
        else tuple(
            ScalingPolicy(p.type, p.value, p.period_seconds * _SECOND) for p in wire.policies
        ),
        tolerance=None if wire.tolerance is None else parse_quantity(wire.tolerance) / 10**9,
    )


def _milli(quantity: str | float) -> int:
    return -(-parse_quantity(quantity) // _NANO_PER_MILLI)


def validate_horizontal_pod_autoscaler(
    autoscaler: HorizontalPodAutoscaler, where: str = ""
) -> None:
    """Refuse what an API server would refuse.

    Raises
    ------
    InvalidObjectError
        With the object's name and the path of the first wrong field.
    """
    place = where or f"HorizontalPodAutoscaler {autoscaler.namespace}/{autoscaler.name}"

    def refuse(path: str, problem: str) -> None:
        raise InvalidObjectError(place, f"$.spec.{path}: {problem}")

    if autoscaler.min_replicas < 0:
        refuse("minReplicas", f"expected >= 0, found {autoscaler.min_replicas}")
    if autoscaler.max_replicas < max(1, autoscaler.min_replicas):
        refuse(
            "maxReplicas",
            f"expected >= {max(1, autoscaler.min_replicas)}, found {autoscaler.max_replicas}",
        )
    if autoscaler.min_replicas == 0 and not any(m.of_workload for m in autoscaler.metrics):
        refuse("minReplicas", "expected >= 1 without an Object or External metric, found 0")
    for index, metric in enumerate(autoscaler.metrics):
        if metric.target <= 0:
            refuse(f"metrics[{index}]", f"expected a target above 0, found {metric.target}")
    if autoscaler.behavior is not None:
        for name, rules in (
            ("scaleUp", autoscaler.behavior.scale_up),
            ("scaleDown", autoscaler.behavior.scale_down),
        ):
            _validate_rules(f"behavior.{name}", rules, refuse)


def _validate_rules(path: str, rules: ScalingRules, refuse: Any) -> None:
    window = rules.stabilization_window_ns
    if window is not None and not 0 <= window <= _LONGEST_WINDOW * _SECOND:
        refuse(
            f"{path}.stabilizationWindowSeconds",
            f"expected 0 to {_LONGEST_WINDOW}, found {window // _SECOND}",
        )
    if rules.select_policy is not None and rules.select_policy not in _SELECT_POLICIES:
        known = ", ".join(_SELECT_POLICIES)
        refuse(f"{path}.selectPolicy", f"expected {known}, found {rules.select_policy!r}")
    if rules.tolerance is not None and rules.tolerance < 0:
        refuse(f"{path}.tolerance", f"expected >= 0, found {rules.tolerance}")
    if rules.policies is not None and not rules.policies:
        refuse(f"{path}.policies", "expected at least one policy, found none")
    for index, policy in enumerate(rules.policies or ()):
        here = f"{path}.policies[{index}]"
        if policy.type not in _POLICY_TYPES:
            refuse(f"{here}.type", f"expected {' or '.join(_POLICY_TYPES)}, found {policy.type!r}")
        if policy.value <= 0:
            refuse(f"{here}.value", f"expected above 0, found {policy.value}")
        if not 0 < policy.period_ns <= _LONGEST_PERIOD * _SECOND:
            refuse(
                f"{here}.periodSeconds",
                f"expected 1 to {_LONGEST_PERIOD}, found {policy.period_ns // _SECOND}",
            )
