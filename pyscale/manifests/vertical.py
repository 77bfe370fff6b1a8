"""Read ``autoscaling.k8s.io/v1`` VerticalPodAutoscalers and LimitRanges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..errors import InvalidObjectError
from ..model.quantity import parse_quantity
from ..model.resources import CPU, MEMORY
from ..model.vertical import (
    ALL_CONTAINERS,
    ContainerPolicy,
    ContainerRecommendation,
    LimitRange,
    LimitRangeItem,
    VerticalPodAutoscaler,
)

_Quantities = dict[str, str | int | float]


class _Wire(msgspec.Struct, rename="camel", frozen=True):
    pass


class _Metadata(_Wire):
    name: str = ""
    namespace: str = "default"
    annotations: dict[str, str] = {}


class _Policy(_Wire):
    container_name: str = ALL_CONTAINERS
    mode: str | None = None
    min_allowed: _Quantities = {}
    max_allowed: _Quantities = {}
    controlled_resources: list[str] | None = None
    controlled_values: str | None = None


class _ResourcePolicy(_Wire):
    container_policies: list[_Policy] = []


class _TargetReference(_Wire):
    kind: str = ""
    name: str = ""


class _UpdatePolicy(_Wire):
    update_mode: str | None = None


class _Spec(_Wire):
    target_ref: _TargetReference = _TargetReference()
    update_policy: _UpdatePolicy = _UpdatePolicy()
    resource_policy: _ResourcePolicy = _ResourcePolicy()


class _ContainerRecommendation(_Wire):
    container_name: str
    target: _Quantities = {}
    lower_bound: _Quantities = {}
    upper_bound: _Quantities = {}
    uncapped_target: _Quantities = {}


class _Recommendation(_Wire):
    container_recommendations: list[_ContainerRecommendation] = []


class _Status(_Wire):
    recommendation: _Recommendation = _Recommendation()


class _Autoscaler(_Wire):
    spec: _Spec
    metadata: _Metadata = _Metadata()
    status: _Status = _Status()


class _LimitItem(_Wire):
    type: str
    min: _Quantities = {}
    max: _Quantities = {}
    default: _Quantities = {}


class _LimitSpec(_Wire):
    limits: list[_LimitItem] = []


class _LimitRange(_Wire):
    spec: _LimitSpec
    metadata: _Metadata = _Metadata()


def vertical_pod_autoscaler_from_dict(
    manifest: Mapping[str, Any], where: str = ""
) -> VerticalPodAutoscaler:
    """Read one VerticalPodAutoscaler, its recommendation included.

    Raises
    ------
    InvalidObjectError
        With the path of the field.
    """
    wire: _Autoscaler = _convert(manifest, _Autoscaler, where)
    return VerticalPodAutoscaler(
        name=wire.metadata.name,
        namespace=wire.metadata.namespace,
        annotations=wire.metadata.annotations,
        target=f"{wire.spec.target_ref.kind}/{wire.spec.target_ref.name}",
        update_mode=wire.spec.update_policy.update_mode or "Recreate",
        container_policies=tuple(
            ContainerPolicy(
                container=policy.container_name,
                mode=policy.mode or "Auto",
                min_allowed=_amounts(policy.min_allowed, where),
                max_allowed=_amounts(policy.max_allowed, where),
                controlled_resources=tuple(policy.controlled_resources or (CPU, MEMORY)),
                controlled_values=policy.controlled_values or "RequestsAndLimits",
            )
            for policy in wire.spec.resource_policy.container_policies
        ),
        recommendation=tuple(
            ContainerRecommendation(
                container=entry.container_name,
                target=_amounts(entry.target, where),
                lower_bound=_amounts(entry.lower_bound, where),
                upper_bound=_amounts(entry.upper_bound, where),
                uncapped_target=_amounts(entry.uncapped_target, where),
            )
            for entry in wire.status.recommendation.container_recommendations
        ),
    )


def limit_range_from_dict(manifest: Mapping[str, Any], where: str = "") -> LimitRange:
    """Read one LimitRange.

    Raises
    ------
    InvalidObjectError
        With the path of the field.
    """
    wire: _LimitRange = _convert(manifest, _LimitRange, where)
    items = tuple(
        LimitRangeItem(
            item.type,
            _amounts(item.min, where),
            _amounts(item.max, where),
            _amounts(item.default, where),
        )
        for item in wire.spec.limits
    )
    return LimitRange(wire.metadata.name, items, wire.metadata.namespace)


def _amounts(quantities: _Quantities, where: str) -> dict[str, int]:
    try:
        return {name: parse_quantity(quantity) for name, quantity in quantities.items()}
    except InvalidObjectError as error:
        raise InvalidObjectError(where, error.problem) from None


def _convert(manifest: Mapping[str, Any], kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(manifest, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidObjectError(where, str(error)) from None
