"""Replay recordings of KEDA's own decisions: activation of ScaledObjects, ScaledJob arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..manifests.keda import scaled_job_from_dict, scaled_object_from_dict
from ..model.quantity import parse_quantity
from ..model.times import parse_timestamp
from ..policies.pod_autoscaler.scaled_job import TriggerValue, decide_jobs
from ..policies.pod_autoscaler.scaled_object import decide_activation

_SECOND = 1_000_000_000


def replay(case: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """Return our decision and the recorded ones."""
    given = case["input"]
    if given["kind"] == "scaledjob":
        recorded = [{k: v for k, v in each.items() if k != "n"} for each in case["outcomes"]]
        return _jobs(given), recorded
    return _activation(given), [each["path"] for each in case["outcomes"]]


def _jobs(given: Mapping[str, Any]) -> dict[str, Any]:
    triggers = [
        TriggerValue(_number(each["value"]), _number(each["target"]), each["active"])
        for each in given["triggers"]
    ]
    job = scaled_job_from_dict(given["scaledJob"], validate=False)
    decision = decide_jobs(job, triggers, given["running"], given["pending"])
    return {
        "triggers": [list(pair) for pair in decision.triggers],
        "active": decision.is_active,
        "queueLength": decision.queue_length,
        "maxScale": decision.max_scale,
        "effectiveMaxScale": decision.effective_max_scale,
        "scaleTo": decision.scale_to,
        "jobsToCreate": decision.jobs_to_create,
    }


def _number(quantity: str | float) -> float:
    return parse_quantity(quantity) / 1_000_000_000


def _activation(given: Mapping[str, Any]) -> list[list[Any]]:
    begin = parse_timestamp(given["now"])
    scaled = scaled_object_from_dict(given["scaledObject"], validate=False)
    replicas, last_active = given["replicas"], scaled.last_active_ns
    path: list[list[Any]] = []
    for step in given["steps"]:
        if step.get("setReplicas") is not None:
            replicas = step["setReplicas"]
        before = replicas
        decision = decide_activation(
            scaled,
            replicas,
            last_active,
            begin + step["t"] * _SECOND,
            step["active"],
            step.get("error", False),
        )
        replicas, last_active = decision.replicas, decision.last_active_ns
        condition = f"{decision.is_active}:{decision.reason}"
        since = None if last_active is None else (last_active - begin) // _SECOND
        path.append([before, replicas, condition, since])
    return path
