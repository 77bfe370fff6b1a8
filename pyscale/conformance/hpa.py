"""Replay recordings of the HorizontalPodAutoscaler controller.

The decision is: each metric's proposal (or that it is invalid), the replicas written, and whether
the reconcile returns an error.  Texts of conditions and errors are explanations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..manifests import pod_from_dict
from ..manifests.autoscaling import horizontal_pod_autoscaler_from_dict
from ..model.pods import Container, Pod, PodCondition, PodSpec, PodTemplate
from ..model.quantity import parse_quantity
from ..model.times import parse_timestamp
from ..policies.pod_autoscaler.horizontal import HorizontalController, Outcome
from ..policies.pod_autoscaler.pod_samples import Metrics, ResourceSample, observe
from ..policies.pod_autoscaler.replica_tables import HorizontalPodAutoscalerOptions

_SECOND = 1_000_000_000
_NANO_PER_MILLI = 1_000_000
_HAS_ERROR = (Outcome.FAILED, Outcome.PARTLY_FAILED)


def replay(case: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """Return our decision and the recorded ones."""
    given = case["input"]
    driver = _Driver(given)
    if given["kind"] == "series":
        path = [[before, after, failed] for before, after, failed in _series(driver, given)]
        recorded = [
            [[step[0], step[1], len(step) > 3] for step in outcome["path"]]
            for outcome in case["outcomes"]
        ]
        return path, recorded
    scale = given["scale"]
    pods = [pod_from_dict(pod, validate=False) for pod in given.get("pods", [])]
    now = parse_timestamp(given["now"])
    replicas, failed, proposals = driver.sync(
        now, scale["specReplicas"], scale["statusReplicas"], pods, _metrics(given.get("metrics"))
    )
    ours = {"proposals": proposals, "replicas": replicas, "error": failed}
    return ours, [_recorded(outcome, scale["specReplicas"]) for outcome in case["outcomes"]]


def _recorded(outcome: Mapping[str, Any], current: int) -> dict[str, Any]:
    return {
        "proposals": [each.get("replicas") for each in outcome["proposals"]],
        "replicas": outcome.get("scaledTo", current),
        "error": "error" in outcome,
    }


class _Driver:
    """One autoscaler under the controller."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        settings = {
            f"horizontal_pod_autoscaler_{name}": round(value * _SECOND)
            for name, value in (
                ("downscale_stabilization", _setting(given, "downscaleStabilization", 300)),
                ("cpu_initialization_period", _setting(given, "cpuInitializationPeriod", 300)),
                ("initial_readiness_delay", _setting(given, "initialReadinessDelay", 30)),
            )
        }
        self.options = HorizontalPodAutoscalerOptions(
            horizontal_pod_autoscaler_tolerance=_setting(given, "tolerance", 0.1),
            scale_to_zero=given.get("featureGates", {}).get("HPAScaleToZero", False),
            **settings,
        )
        self.autoscaler = horizontal_pod_autoscaler_from_dict(given["hpa"], validate=False)
        self.controller = HorizontalController([self.autoscaler], self.options)

    def edit_behavior(self, behavior: Mapping[str, Any]) -> None:
        """Replace ``spec.behavior`` as a user would."""
        edited = horizontal_pod_autoscaler_from_dict(
            {"spec": {"maxReplicas": 1, "behavior": behavior}}, validate=False
        )
        self.autoscaler = replace(self.autoscaler, behavior=edited.behavior)
        self.controller.replace([self.autoscaler])

    def sync(
        self, now: int, current: int, status: int, pods: Sequence[Pod], metrics: Metrics
    ) -> tuple[int, bool, list[int | None]]:
        """Return (replicas afterwards, whether an error is returned, the proposals)."""
        rows = self.controller.metrics
        for row, metric in zip(rows, self.autoscaler.metrics, strict=True):
            observe(row, metric, pods, metrics, now, self.options)
        scale = np.array([current], np.int32), np.array([status], np.int32)
        (proposals,) = self.controller.proposals(*scale)
        result = self.controller.reconcile(now, *scale)
        return int(result.desired[0]), int(result.outcome[0]) in _HAS_ERROR, proposals


def _setting(given: Mapping[str, Any], name: str, default: float) -> float:
    value: float = given.get("controller", {}).get(name, default)
    return value


def _milli(quantity: str | float) -> int:
    return -(-parse_quantity(quantity) // _NANO_PER_MILLI)


def _metrics(given: Mapping[str, Any] | None) -> Metrics:
    given = given or {}
    resource = {
        item["name"]: ResourceSample(
            parse_timestamp(item["timestamp"]),
            int(item["window"].removesuffix("s")) * _SECOND,
            {
                container: {name: _milli(amount) for name, amount in usage.items()}
                for container, usage in item["containers"].items()
            },
        )
        for item in given.get("resource", [])
    }
    pods = {
        name: {item["pod"]: _milli(item["value"]) for item in items}
        for name, items in given.get("pods", {}).items()
    }
    return Metrics(
        resource,
        pods,
        {name: _milli(value) for name, value in given.get("object", {}).items()},
        {name: [_milli(v) for v in values] for name, values in given.get("external", {}).items()},
    )


@dataclass(frozen=True, slots=True)
class _SeriesPod:
    name: str
    start: int


def _series(driver: _Driver, given: Mapping[str, Any]) -> Iterator[tuple[int, int, bool]]:
    """Drive the recordings' simulated workload; yield replicas before, after, and the error."""
    begin = parse_timestamp(given["now"])
    delay = given.get("podReadyDelay", 0) * _SECOND
    request = parse_quantity(given["podRequest"])
    spec = PodSpec(containers=(Container("c", requests={"cpu": request, "memory": request}),))
    template = PodTemplate(spec)
    replicas = given["scale"]["specReplicas"]
    pods = [_SeriesPod(f"p{i}", begin - 3600 * _SECOND) for i in range(replicas)]
    n_created = replicas
    for step in given["steps"]:
        now = begin + step["t"] * _SECOND
        if step.get("setReplicas") is not None:
            replicas = step["setReplicas"]
        if step.get("behavior"):
            driver.edit_behavior(step["behavior"])
        del pods[replicas:]
        while len(pods) < replicas:
            pods.append(_SeriesPod(f"p{n_created}", now))
            n_created += 1
        before = replicas
        metrics = _series_metrics(step, pods, now, delay)
        objects = [_series_pod(pod, template, now, delay) for pod in pods]
        replicas, failed, _ = driver.sync(now, replicas, replicas, objects, metrics)
        yield before, replicas, failed


def _series_pod(pod: _SeriesPod, template: PodTemplate, now: int, delay: int) -> Pod:
    is_ready = now >= pod.start + delay
    transition = pod.start + delay if is_ready else pod.start
    condition = PodCondition("Ready", str(is_ready), last_transition_ns=transition)
    return Pod(pod.name, template, start_ns=pod.start, phase="Running", conditions=(condition,))


def _series_metrics(
    step: Mapping[str, Any], pods: Sequence[_SeriesPod], now: int, delay: int
) -> Metrics:
    load = step.get("load")
    if load is None:
        return Metrics({}, {}, {}, {})
    ready = {pod.name for pod in pods if now >= pod.start + delay}
    usage = {
        pod.name: load // len(ready) if pod.name in ready else 0
        for pod in pods[step.get("missing", 0) :]
    }
    samples = {
        name: ResourceSample(
            now - 5 * _SECOND, 30 * _SECOND, {"c": {"cpu": amount, "memory": amount}}
        )
        for name, amount in usage.items()
    }
    return Metrics(samples, {"m": usage}, {"m": load}, {"m": [load]})
