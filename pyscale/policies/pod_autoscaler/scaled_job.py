"""How many jobs a KEDA ScaledJob creates at one poll.

Follows KEDA ``pkg/scaling/scaledjob/metrics.go`` and ``pkg/scaling/executor/scale_jobs.go``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...model.autoscaling import ScaledJob

_DEFAULT_MAXIMUM = 100


@dataclass(frozen=True, slots=True)
class TriggerValue:
    """What a trigger's scaler says: queue length, target per job, whether it is active."""

    value: float
    target: float
    is_active: bool


@dataclass(frozen=True, slots=True)
class JobDecision:
    """How a poll ended; ``triggers`` holds (queue length, jobs asked for) of each trigger."""

    triggers: tuple[tuple[float, float], ...]
    is_active: bool
    queue_length: int
    max_scale: int
    effective_max_scale: int
    scale_to: int

    @property
    def jobs_to_create(self) -> int:
        """Number of jobs that the poll creates."""
        if self.effective_max_scale <= 0:
            return 0
        return min(self.scale_to, self.effective_max_scale)


def decide_jobs(
    job: ScaledJob, triggers: Sequence[TriggerValue], running: int, pending: int
) -> JobDecision:
    """Decide how many jobs to create.

    Parameters
    ----------
    job : ScaledJob
    triggers : sequence of TriggerValue
    running, pending : int
        Jobs that run, and those of them whose pods are not up yet.

    Notes
    -----
    In every formula the maximum is ``maxReplicaCount - minReplicaCount``, with two exceptions: an
    unset maximum is not reduced, and a minimum above the maximum is the maximum.
    """
    minimum, maximum = _limits(job)
    asked = [
        (trigger.value, min(trigger.value / trigger.target, float(maximum))) for trigger in triggers
    ]
    length, wanted, is_active = _combine(
        job, [pair for pair, trigger in zip(asked, triggers, strict=True) if trigger.is_active]
    )
    max_scale = min(math.ceil(min(wanted, float(maximum))), maximum)
    queue_length = math.ceil(length)
    effective, scale_to = _new_jobs(
        job, minimum, maximum, max_scale, queue_length, running, pending
    )
    return JobDecision(
        tuple(asked), is_active or minimum > 0, queue_length, max_scale, effective, scale_to
    )


def _limits(job: ScaledJob) -> tuple[int, int]:
    if job.max_replica_count is None:
        return job.min_replica_count, _DEFAULT_MAXIMUM
    if job.min_replica_count > job.max_replica_count:
        return job.max_replica_count, job.max_replica_count
    return job.min_replica_count, job.max_replica_count - job.min_replica_count


def _combine(job: ScaledJob, active: Sequence[tuple[float, float]]) -> tuple[float, float, bool]:
    """Return (queue length, jobs asked for, active) over the active triggers.

    ``max`` and ``min`` go by queue length; an empty queue never makes a trigger active in them.
    """
    if job.calculation in ("sum", "avg"):
        length = sum(pair[0] for pair in active)
        wanted = sum(pair[1] for pair in active)
        if job.calculation == "avg" and active:
            length /= len(active)
            wanted /= len(active)
        return length, wanted, bool(active)
    length, wanted, is_active = 0.0, 0.0, False
    for value, jobs in active:
        is_longer, is_shorter = value > length, value < length or length == 0
        if is_longer if job.calculation == "max" else is_shorter:
            length, wanted, is_active = value, jobs, True
    return length, wanted, is_active


def _new_jobs(
    job: ScaledJob,
    minimum: int,
    maximum: int,
    max_scale: int,
    queue_length: int,
    running: int,
    pending: int,
) -> tuple[int, int]:
    """Return (effective max scale, scale to)."""
    if running < minimum:
        return minimum - running, minimum - running
    above = running - minimum
    if job.strategy == "custom":
        return _custom(job, max_scale, above, maximum), queue_length
    if job.strategy == "accurate":
        is_full = max_scale + above - pending > maximum
        return (maximum - above if is_full else max_scale - pending), queue_length
    if job.strategy == "eager":
        return min(maximum - above - pending, max_scale), maximum
    return max_scale - above, queue_length


def _custom(job: ScaledJob, max_scale: int, above: int, maximum: int) -> int:
    try:
        percentage = float(job.custom_running_job_percentage)
    except ValueError:
        return max_scale - above  # upstream falls back to the default strategy
    deduction = job.custom_queue_length_deduction
    return min(max_scale - deduction - int(above * percentage), maximum)
