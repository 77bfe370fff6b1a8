"""Read ``autoscaling.k8s.io/v1`` VerticalPodAutoscalers and LimitRanges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.quantity import format_quantity
from ..model.resources import CPU, MEMORY
from ..model.vertical import (
    ALL_CONTAINERS,
    ContainerPolicy,
    ContainerRecommendation,
    LimitRange,
    LimitRangeItem,
    VerticalPodAutoscaler,
)
from ._convert import FieldError, decode, resources
from ._wire import Quantities, Wire, field

_UPDATE_MODES = ("Off", "Initial", "Recreate", "Auto", "InPlaceOrRecreate", "InPlace")
_CONTAINER_MODES = ("Auto", "Off")
_CONTROLLED_VALUES = ("RequestsAndLimits", "RequestsOnly")


class _Metadata(Wire):
    name: str = ""
    namespace: str = "default"
    annotations: dict[str, str] = field(default_factory=dict)


class _Policy(Wire):
    container_name: str = ALL_CONTAINERS
    mode: str | None = None
    min_allowed: Quantities = field(default_factory=dict)
    max_allowed: Quantities = field(default_factory=dict)
    controlled_resources: list[str] | None = None
    controlled_values: str | None = None


class _ResourcePolicy(Wire):
    container_policies: list[_Policy] = field(default_factory=list)


class _TargetReference(Wire):
    kind: str = ""
    name: str = ""


class _UpdatePolicy(Wire):
    update_mode: str | None = None


class _Spec(Wire):
    target_ref: _TargetReference = field(default_factory=_TargetReference)
    update_policy: _UpdatePolicy = field(default_factory=_UpdatePolicy)
    resource_policy: _ResourcePolicy = field(default_factory=_ResourcePolicy)


class _ContainerRecommendation(Wire):
    container_name: str
    target: Quantities = field(default_factory=dict)
    lower_bound: Quantities = field(default_factory=dict)
    upper_bound: Quantities = field(default_factory=dict)
    uncapped_target: Quantities = field(default_factory=dict)


class _Recommendation(Wire):
    container_recommendations: list[_ContainerRecommendation] = field(default_factory=list)


class _Status(Wire):
    recommendation: _Recommendation = field(default_factory=_Recommendation)


class _Autoscaler(Wire):
    spec: _Spec
    metadata: _Metadata = field(default_factory=_Metadata)
    status: _Status = field(default_factory=_Status)


class _LimitItem(Wire):
    type: str
    min: Quantities = field(default_factory=dict)
    max: Quantities = field(default_factory=dict)
    default: Quantities = field(default_factory=dict)


class _LimitSpec(Wire):
    limits: list[_LimitItem] = field(default_factory=list)


class _LimitRange(Wire):
    spec: _LimitSpec
    metadata: _Metadata = field(default_factory=_Metadata)


def vertical_pod_autoscaler_from_dict(
    manifest: Mapping[str, Any], where: str = "", validate: bool = True
) -> VerticalPodAutoscaler:
    """Read one VerticalPodAutoscaler, its recommendation included.

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
    kind = "VerticalPodAutoscaler"
    return decode(kind, manifest, _Autoscaler, lambda it: _autoscaler(it, validate), where)


def limit_range_from_dict(manifest: Mapping[str, Any], where: str = "") -> LimitRange:
    """Read one LimitRange.

    Raises
    ------
    InvalidObjectError
        With the object's name and the path of the field.
    """
    return decode("LimitRange", manifest, _LimitRange, _limit_range, where)


def _autoscaler(wire: _Autoscaler, validate: bool) -> VerticalPodAutoscaler:
    policies = wire.spec.resource_policy.container_policies
    entries = wire.status.recommendation.container_recommendations
    result = VerticalPodAutoscaler(
        name=wire.metadata.name,
        namespace=wire.metadata.namespace,
        annotations=wire.metadata.annotations,
        target=f"{wire.spec.target_ref.kind}/{wire.spec.target_ref.name}",
        update_mode=wire.spec.update_policy.update_mode or "Recreate",
        container_policies=tuple(
            _policy(policy, f"$.spec.resourcePolicy.containerPolicies[{index}]")
            for index, policy in enumerate(policies)
        ),
        recommendation=tuple(
            _recommendation(entry, f"$.status.recommendation.containerRecommendations[{index}]")
            for index, entry in enumerate(entries)
        ),
    )
    if validate:
        _expect("$.spec.updatePolicy.updateMode", result.update_mode, _UPDATE_MODES)
        for index, policy in enumerate(result.container_policies):
            _validate(policy, f"$.spec.resourcePolicy.containerPolicies[{index}]")
    return result


def _expect(path: str, found: str, known: tuple[str, ...]) -> None:
    if found not in known:
        raise FieldError(path, f"expected one of {', '.join(known)}, found {found!r}")


def _validate(policy: ContainerPolicy, path: str) -> None:
    _expect(f"{path}.mode", policy.mode, _CONTAINER_MODES)
    _expect(f"{path}.controlledValues", policy.controlled_values, _CONTROLLED_VALUES)
    for resource in policy.controlled_resources:
        _expect(f"{path}.controlledResources", resource, (CPU, MEMORY))
    for name, amounts in (("minAllowed", policy.min_allowed), ("maxAllowed", policy.max_allowed)):
        for resource, amount in amounts.items():
            if amount < 0:
                raise FieldError(
                    f"{path}.{name}.{resource}", f"expected >= 0, found {format_quantity(amount)}"
                )
    for resource, least in policy.min_allowed.items():
        most = policy.max_allowed.get(resource)
        if most is not None and most < least:
            raise FieldError(
                f"{path}.maxAllowed.{resource}",
                f"expected at least minAllowed {format_quantity(least)}, "
                f"found {format_quantity(most)}",
            )


def _policy(policy: _Policy, path: str) -> ContainerPolicy:
    return ContainerPolicy(
        container=policy.container_name,
        mode=policy.mode or "Auto",
        min_allowed=resources(policy.min_allowed, f"{path}.minAllowed"),
        max_allowed=resources(policy.max_allowed, f"{path}.maxAllowed"),
        controlled_resources=tuple(policy.controlled_resources or (CPU, MEMORY)),
        controlled_values=policy.controlled_values or "RequestsAndLimits",
    )


def _recommendation(entry: _ContainerRecommendation, path: str) -> ContainerRecommendation:
    return ContainerRecommendation(
        container=entry.container_name,
        target=resources(entry.target, f"{path}.target"),
        lower_bound=resources(entry.lower_bound, f"{path}.lowerBound"),
        upper_bound=resources(entry.upper_bound, f"{path}.upperBound"),
        uncapped_target=resources(entry.uncapped_target, f"{path}.uncappedTarget"),
    )


def _limit_range(wire: _LimitRange) -> LimitRange:
    items = tuple(
        LimitRangeItem(
            item.type,
            resources(item.min, f"$.spec.limits[{index}].min"),
            resources(item.max, f"$.spec.limits[{index}].max"),
            resources(item.default, f"$.spec.limits[{index}].default"),
        )
        for index, item in enumerate(wire.spec.limits)
    )
    return LimitRange(wire.metadata.name, items, wire.metadata.namespace)
