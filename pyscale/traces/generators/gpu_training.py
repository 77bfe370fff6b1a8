"""``gpu-training``: two days of training gangs, with inference and data preparation beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyscale.model.pod_table import NEVER
from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.model.taints import NO_SCHEDULE, Toleration

from ..assemble import Rows, assemble
from ..templates import APP_LABEL, GPU, make_template
from ..trace import Trace
from ..units import GIB, HOUR_NS, MILLI, SECOND_NS
from .integers import ONE, Integers, day_wave

NAME = "gpu-training"

TOLERATION = Toleration(GPU, "Exists", "", NO_SCHEDULE)
"""Lets GPU pods onto nodes that are kept for them, as is usual."""

PRIORITIES = {"inference": 1000, "production": 500, "research": 0}

# gpus, milli-cpu, GiB of one worker; workers of a gang; weight.  Sizes fit common GPU machines.
_GANGS = (
    (1, 6000, 24, 1, 34),
    (1, 3500, 13, 1, 20),
    (1, 6000, 24, 4, 12),
    (4, 40000, 150, 1, 12),
    (4, 40000, 150, 2, 6),
    (8, 88000, 600, 1, 10),
    (8, 88000, 600, 4, 5),
    (8, 88000, 600, 8, 1),
)
_HOURS = 48
_INFERENCE = ((1, 3500, 13, 6), (1, 6000, 24, 4), (1, 3500, 13, 10))
_DATA_SHAPE = (4000, 16)
_BUSY_HOUR = 15


def gpu_training(*, seed: int = 0, n_jobs: int = 600, priorities: bool = False) -> Trace:
    """Generate 48 hours of a team's GPU cluster.

    Training jobs are gangs of equal workers with 1, 4 or 8 GPUs each that start together and run
    for minutes to a day; most are submitted in the afternoon.  A third of them is preceded by
    data preparation without GPUs.  Three inference deployments stay.

    Parameters
    ----------
    seed : int
        Draws another cluster of the same kind.
    n_jobs : int
        Training jobs, at least 1.
    priorities : bool
        Inference 1000, production training 500, research 0; otherwise no pod has a priority.

    Returns
    -------
    Trace
        Owners are the deployments and jobs.  GPU pods tolerate ``nvidia.com/gpu:NoSchedule``.

    Raises
    ------
    ValueError
        For a parameter out of range.

    Notes
    -----
    Integer arithmetic on PCG64's words only: the same bytes on every machine.
    """
    if n_jobs < 1:
        raise ValueError(f"n_jobs must be >= 1, found {n_jobs}")
    draw = Integers(seed, 3)
    submitted = _submissions(draw, n_jobs)
    gang = draw.choice([weight for *_, weight in _GANGS], n_jobs)
    production = draw.below(100, n_jobs) < 30
    seconds = np.minimum(draw.lognormal(3_600, ONE * 5 // 2, n_jobs), 24 * 3600)
    prepared = draw.below(3, n_jobs) == 0
    preparation = draw.lognormal(900, ONE, n_jobs)
    workers_of_preparation = draw.between(2, 12, n_jobs)

    templates, of_kind = _templates(priorities)
    rows: list[tuple[int, int, int, int, str]] = []  # class, arrival, duration, count, owner
    for index, (_, _, _, replicas) in enumerate(_INFERENCE):
        rows.append((of_kind["inference", index], 0, NEVER, replicas, f"inference-{index}"))
    for index in range(n_jobs):
        kind = int(gang[index])
        workers = _GANGS[kind][3]
        start = int(submitted[index])
        name = f"training-{index:04d}"
        if prepared[index]:
            length = int(preparation[index]) * SECOND_NS
            number = int(workers_of_preparation[index])
            rows.append((of_kind["data", 0], start, length, number, f"data-{index:04d}"))
            start += length
        team = "production" if production[index] else "research"
        length = int(seconds[index]) * SECOND_NS
        rows.append((of_kind[team, kind], start, length, workers, name))
    owners = [f"default/{owner}" for *_, owner in rows]
    columns = np.array([row[:4] for row in rows], dtype=np.int64)
    metadata = {
        "format": "example",
        "example": NAME,
        "seed": seed,
        "n_jobs": n_jobs,
        "priorities": priorities,
        "times": "arrival; no schedule; the pods of a job arrive together",
    }
    return assemble(
        NAME,
        Rows(
            templates=templates,
            class_id=columns[:, 0],
            arrival_ns=columns[:, 1],
            duration_ns=columns[:, 2],
            count=columns[:, 3],
            names=[owner.removeprefix("default/") for owner in owners],
            owner_id=np.arange(len(rows)),
            owners=owners,
        ),
        metadata,
        name=NAME,
    )


def _submissions(draw: Integers, n_jobs: int) -> NDArray[np.int64]:
    """Return times of submission, more by day than by night."""
    hours = np.arange(_HOURS)
    weights = 1100 + 900 * day_wave((hours - _BUSY_HOUR) * 60) // 1000
    hour = draw.choice(weights.tolist(), n_jobs)
    within = draw.below(3_600_000, n_jobs)
    result: NDArray[np.int64] = np.sort(hour * HOUR_NS + within * (SECOND_NS // 1000))
    return result


def _templates(priorities: bool) -> tuple[list[PodTemplate], dict[tuple[str, int], int]]:
    templates: list[PodTemplate] = []
    index: dict[tuple[str, int], int] = {}

    def add(kind: tuple[str, int], gpus: int, cpu: int, gibibytes: int, controller: str) -> None:
        index[kind] = len(templates)
        priority = PRIORITIES.get(kind[0], 0)
        templates.append(
            make_template(
                {CPU: cpu * MILLI, MEMORY: gibibytes * GIB * NANO, GPU: gpus * NANO},
                labels={APP_LABEL: f"{kind[0]}-{kind[1]}"},
                controller=controller,
                tolerations=[TOLERATION] if gpus else [],
                priority=priority if priorities else None,
            )
        )

    for number, (gpus, cpu, gibibytes, _) in enumerate(_INFERENCE):
        add(("inference", number), gpus, cpu, gibibytes, "ReplicaSet")
    for team in ("production", "research"):
        for number, (gpus, cpu, gibibytes, _, _) in enumerate(_GANGS):
            add((team, number), gpus, cpu, gibibytes, "Job")
    add(("data", 0), 0, *_DATA_SHAPE, "Job")
    return templates, index
