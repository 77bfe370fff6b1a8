"""``bursty-batch``: half a day of short pods that come in bursts."""

from __future__ import annotations

import numpy as np

from ..assemble import Rows, assemble
from ..trace import Trace
from ..units import MILLISECOND_NS
from .batch import batch_row_names, make_batch_templates, split_runs
from .integers import ONE, Integers

NAME = "bursty-batch"

_HOURS = 12
_FAMILIES = 24


def bursty_batch(
    *, seed: int = 0, n_bursts: int = 60, burst_pods: int = 400, priorities: bool = False
) -> Trace:
    """Generate 12 hours of bursts of short batch pods, with quiet in between.

    Parameters
    ----------
    seed : int
        Draws another day of the same kind.
    n_bursts : int
        Bursts, at least 1.
    burst_pods : int
        Median pods of a burst; some bursts are ten times as large.
    priorities : bool
        Whether the pods carry priority 0; otherwise they have none.

    Returns
    -------
    Trace
        Owners are the families of jobs.

    Raises
    ------
    ValueError
        For a parameter out of range.

    Notes
    -----
    Integer arithmetic on PCG64's words only: the same bytes on every machine.
    """
    if n_bursts < 1:
        raise ValueError(f"n_bursts must be >= 1, found {n_bursts}")
    if not 1 <= burst_pods < 1 << 20:
        raise ValueError(f"burst_pods must be from 1 to {(1 << 20) - 1}, found {burst_pods}")
    draw = Integers(seed, 4)
    names = tuple(f"burst-{index:03d}" for index in range(_FAMILIES))
    templates = make_batch_templates(draw, names, priorities=priorities)
    job = draw.below(_FAMILIES, n_bursts)
    start_s = np.sort(draw.below(_HOURS * 3600, n_bursts))
    sizes = draw.lognormal(burst_pods, ONE * 6 // 5, n_bursts)
    seconds = draw.lognormal(150, ONE * 4 // 5, n_bursts)
    batch = split_runs(draw, templates, names, job, start_s, sizes, seconds)
    # A burst reaches the API server over a few seconds, not in one instant.
    spread_ms = draw.below(20_000, len(batch.count))
    metadata = {
        "format": "example",
        "example": NAME,
        "seed": seed,
        "n_bursts": n_bursts,
        "burst_pods": burst_pods,
        "priorities": priorities,
        "times": "arrival; no schedule",
    }
    return assemble(
        NAME,
        Rows(
            templates=templates,
            class_id=batch.job,
            arrival_ns=batch.arrival_ns + spread_ms * MILLISECOND_NS,
            duration_ns=batch.duration_ns,
            count=batch.count,
            names=batch_row_names(batch),
            owner_id=batch.job,
            owners=[f"default/{name}" for name in names],
        ),
        metadata,
        name=NAME,
    )
