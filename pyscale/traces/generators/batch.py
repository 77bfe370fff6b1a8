"""Batch jobs: runs of equal pods that end by themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyscale.model.nodes import ARCH_LABEL
from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.model.taints import NO_SCHEDULE, Toleration

from ..templates import APP_LABEL, make_template
from ..units import MIB, MILLI, SECOND_NS
from .integers import ONE, Integers

BATCH_PRIORITY = 0

DEDICATED = Toleration("dedicated", "Equal", "batch", NO_SCHEDULE)
"""Lets batch pods onto nodes that an operator keeps for them."""

_SHAPES = (  # milli-cpu, MiB, weight
    (500, 1024, 12),
    (1000, 4096, 26),
    (2000, 8192, 26),
    (4000, 16384, 16),
    (4000, 8192, 10),
    (8000, 32768, 6),
    (1000, 8192, 4),
)
_ARM64_PERCENT = 12
_DEDICATED_PERCENT = 40
_PARTS = 4
_HOURS = 24


@dataclass(frozen=True, slots=True)
class Batch:
    """Batch pods: columns of equal length, one row per group of pods with one duration."""

    templates: tuple[PodTemplate, ...]
    names: tuple[str, ...]
    job: NDArray[np.int64]
    run: NDArray[np.int64]
    arrival_ns: NDArray[np.int64]
    duration_ns: NDArray[np.int64]
    count: NDArray[np.int64]


def make_batch(seed: int, n_workloads: int, scale: tuple[int, int], *, priorities: bool) -> Batch:
    """Return the batch jobs of one day: one in six runs hourly, the others at night.

    Parameters
    ----------
    seed : int
    n_workloads : int
        Families of jobs.
    scale : tuple of int
        Numerator and denominator of a factor on every run's pods.
    priorities : bool
        Whether the pods carry their (low) priority.
    """
    draw = Integers(seed, 2)
    hourly = np.arange(n_workloads) % 6 == 5
    prefix = np.where(hourly, "cron", "batch")
    names = tuple(f"{prefix[index]}-{index:03d}" for index in range(n_workloads))
    templates = make_batch_templates(draw, names, priorities=priorities)
    pods = np.where(
        hourly, draw.lognormal(10, ONE, n_workloads), draw.lognormal(80, ONE, n_workloads)
    )
    seconds = np.where(
        hourly,
        draw.lognormal(240, ONE // 2, n_workloads),
        draw.lognormal(1_100, ONE * 9 // 10, n_workloads),
    )
    runs_at_night = draw.between(1, 4, n_workloads)
    jobs, starts = [], []
    for index in range(n_workloads):
        if hourly[index]:
            minute = int(draw.below(60, 1)[0])
            starts += [(hour * 60 + minute) * 60 for hour in range(_HOURS)]
            jobs += [index] * _HOURS
            continue
        first = 60 * 60 + int(draw.below(3 * 3600, 1)[0])
        runs = int(runs_at_night[index])
        gaps = draw.exponential(3_000, runs)
        starts += (first + np.cumsum(gaps) - gaps[0]).tolist()
        jobs += [index] * runs
    job = np.array(jobs, dtype=np.int64)
    start_s = np.minimum(np.array(starts, dtype=np.int64), _HOURS * 3600 - 1)
    sizes = np.maximum(pods[job] * draw.between(700, 1300, len(job)) // 1000, 1)
    sizes = np.maximum(sizes * scale[0] // scale[1], 1)
    return split_runs(draw, templates, names, job, start_s, sizes, seconds[job])


def make_batch_templates(
    draw: Integers, names: tuple[str, ...], *, priorities: bool
) -> tuple[PodTemplate, ...]:
    """Return one template per family of jobs."""
    shape = draw.choice([weight for *_, weight in _SHAPES], len(names))
    arm64 = draw.below(100, len(names)) < _ARM64_PERCENT
    dedicated = draw.below(100, len(names)) < _DEDICATED_PERCENT
    templates = []
    for index, name in enumerate(names):
        cpu, mebibytes, _ = _SHAPES[int(shape[index])]
        templates.append(
            make_template(
                {CPU: cpu * MILLI, MEMORY: mebibytes * MIB * NANO},
                labels={APP_LABEL: name, "tier": "batch"},
                controller="Job",
                node_selector={ARCH_LABEL: "arm64"} if arm64[index] else {},
                tolerations=[DEDICATED] if dedicated[index] else [],
                priority=BATCH_PRIORITY if priorities else None,
            )
        )
    return tuple(templates)


def split_runs(
    draw: Integers,
    templates: tuple[PodTemplate, ...],
    names: tuple[str, ...],
    job: NDArray[np.int64],
    start_s: NDArray[np.int64],
    sizes: NDArray[np.int64],
    seconds: NDArray[np.int64],
) -> Batch:
    """Split every run into up to four groups that differ in duration, stragglers last."""
    n_runs = len(job)
    part = np.tile(np.arange(_PARTS), n_runs)
    run = np.repeat(np.arange(n_runs), _PARTS)
    count = (sizes[run] + _PARTS - 1 - part) // _PARTS
    stretch = draw.between(850, 1150, n_runs * _PARTS) + np.where(part == _PARTS - 1, 350, 0)
    duration = np.maximum(seconds[run] * stretch // 1000, 1) * SECOND_NS
    keep = count > 0
    return Batch(
        templates,
        names,
        job[run][keep],
        run[keep],
        (start_s[run] * SECOND_NS)[keep],
        duration[keep],
        count[keep],
    )


def batch_row_names(batch: Batch) -> list[str]:
    """Return a name per row: job, run and part."""
    names = []
    part = previous = -1
    for job, run in zip(batch.job.tolist(), batch.run.tolist(), strict=True):
        part = part + 1 if run == previous else 0
        previous = run
        names.append(f"{batch.names[job]}-{run}-{part}")
    return names
