"""The tables that ``kernel/_replicas`` reads, and how autoscalers become their rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.autoscaling import (
    EXTERNAL,
    UTILIZATION,
    VALUE,
    HorizontalPodAutoscaler,
    MetricSpec,
    ScalingPolicy,
    ScalingRules,
)

SECOND = 1_000_000_000

METRIC_DTYPE = np.dtype(
    [
        ("kind", np.int32),
        ("valid", np.int32),
        ("target", np.int64),
        ("usage", np.int64),
        ("request", np.int64),
        ("n_metrics", np.int64),
        ("n_ready", np.int64),
        ("n_unready", np.int64),
        ("unready_request", np.int64),
        ("n_missing", np.int64),
        ("missing_request", np.int64),
        ("missing_fill", np.int64),
    ]
)
"""One metric of one workload, summed over its pods; amounts in milli-units.

``usage`` and ``request`` are sums over the pods whose samples count; ``n_ready`` is -1 for a
Value target when no pod matches the selector.
"""

WORKLOAD_DTYPE = np.dtype(
    [
        ("current", np.int32),
        ("status", np.int32),
        ("minimum", np.int32),
        ("maximum", np.int32),
        ("first_metric", np.int32),
        ("n_metrics", np.int32),
        ("has_behavior", np.int32),
        ("up_select", np.int32),
        ("down_select", np.int32),
        ("first_policy", np.int32),
        ("n_up_policies", np.int32),
        ("n_down_policies", np.int32),
        ("tolerance_up", np.float64),
        ("tolerance_down", np.float64),
        ("up_window", np.int64),
        ("down_window", np.int64),
        ("acts_at_zero", np.int32),
        ("workload_metric", np.int32),
    ]
)
"""One workload: its replicas now, its limits, and where its metrics and policies stand."""

POLICY_DTYPE = np.dtype([("kind", np.int32), ("value", np.int32), ("period", np.int64)])
"""One scaling policy; kind 0 counts pods, 1 percent."""

_SELECT = {"Max": 0, "Min": 1, "Disabled": 2}
_POLICY_KIND = {"Pods": 0, "Percent": 1}
_DEFAULT_PERIOD = 15 * SECOND
_DEFAULT_UP = (
    ScalingPolicy("Pods", 4, _DEFAULT_PERIOD),
    ScalingPolicy("Percent", 100, _DEFAULT_PERIOD),
)
_DEFAULT_DOWN = (ScalingPolicy("Percent", 100, _DEFAULT_PERIOD),)


@dataclass(frozen=True, slots=True)
class HorizontalPodAutoscalerOptions:
    """Settings of the controller, named as kube-controller-manager's flags; times in ns.

    ``scale_to_zero`` is the feature gate HPAScaleToZero.
    """

    horizontal_pod_autoscaler_tolerance: float = 0.1
    horizontal_pod_autoscaler_downscale_stabilization: int = 300 * SECOND
    horizontal_pod_autoscaler_cpu_initialization_period: int = 300 * SECOND
    horizontal_pod_autoscaler_initial_readiness_delay: int = 30 * SECOND
    horizontal_pod_autoscaler_sync_period: int = 15 * SECOND
    scale_to_zero: bool = False


def metric_kind(metric: MetricSpec) -> int:
    """Return the kernel's code for how the metric's proposal is computed."""
    if not metric.of_workload:
        return 0 if metric.target_type == UTILIZATION else 1
    if metric.target_type == VALUE:
        return 2
    return 4 if metric.source == EXTERNAL else 3


def empty_metrics(autoscalers: Sequence[HorizontalPodAutoscaler]) -> NDArray[np.void]:
    """Return the metric rows of all autoscalers: kind and target set, nothing observed yet."""
    specs = [metric for autoscaler in autoscalers for metric in autoscaler.metrics]
    rows = np.zeros(len(specs), METRIC_DTYPE)
    rows["kind"] = [metric_kind(metric) for metric in specs]
    rows["target"] = [metric.target for metric in specs]
    return rows


def workload_tables(
    autoscalers: Sequence[HorizontalPodAutoscaler], options: HorizontalPodAutoscalerOptions
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Return workload rows and policy rows, with upstream's defaults filled in.

    Each direction of a behavior is defaulted on its own; without a behavior the window of
    scaling down is the controller's and the other fields of the behavior are not read.
    """
    workloads = np.zeros(len(autoscalers), WORKLOAD_DTYPE)
    policies: list[tuple[int, int, int]] = []
    n_metrics = 0
    for row, autoscaler in zip(workloads, autoscalers, strict=True):
        row["minimum"] = autoscaler.min_replicas
        row["maximum"] = autoscaler.max_replicas
        row["first_metric"] = n_metrics
        row["n_metrics"] = len(autoscaler.metrics)
        row["workload_metric"] = any(metric.of_workload for metric in autoscaler.metrics)
        row["acts_at_zero"] = options.scale_to_zero
        n_metrics += len(autoscaler.metrics)
        _behavior_row(row, policies, autoscaler, options)
    return workloads, np.array(policies, POLICY_DTYPE)


def _behavior_row(
    row: np.void,
    policies: list[tuple[int, int, int]],
    autoscaler: HorizontalPodAutoscaler,
    options: HorizontalPodAutoscalerOptions,
) -> None:
    behavior = autoscaler.behavior
    row["has_behavior"] = behavior is not None
    up = behavior.scale_up if behavior else ScalingRules()
    down = behavior.scale_down if behavior else ScalingRules()
    row["first_policy"] = len(policies)
    for rules, default, name in (
        (up, _DEFAULT_UP, "n_up_policies"),
        (down, _DEFAULT_DOWN, "n_down_policies"),
    ):
        chosen = default if rules.policies is None else rules.policies
        row[name] = len(chosen)
        policies += [(_POLICY_KIND[each.type], each.value, each.period_ns) for each in chosen]
    tolerance = options.horizontal_pod_autoscaler_tolerance
    row["up_select"] = _SELECT[up.select_policy or "Max"]
    row["down_select"] = _SELECT[down.select_policy or "Max"]
    row["up_window"] = up.stabilization_window_ns or 0
    row["down_window"] = (
        options.horizontal_pod_autoscaler_downscale_stabilization
        if down.stabilization_window_ns is None
        else down.stabilization_window_ns
    )
    row["tolerance_up"] = tolerance if up.tolerance is None else up.tolerance
    row["tolerance_down"] = tolerance if down.tolerance is None else down.tolerance
