"""``web-and-batch``: a day of web deployments, nightly batch and a flash crowd."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..assemble import Rows, assemble
from ..trace import Trace
from ..units import MINUTE_NS
from .batch import Batch, batch_row_names, make_batch
from .replicas import lifetimes
from .web import Web, make_web

NAME = "web-and-batch"

_BATCH_SHARE = 4  # one workload in so many is a family of batch jobs
_LARGEST_SCALE = 100_000


def web_and_batch(
    *,
    seed: int = 0,
    scale: float | str | Fraction = 1,
    n_pods: int | None = None,
    n_workloads: int = 200,
    zone_spread: bool = False,
    priorities: bool = False,
) -> Trace:
    """Generate 24 hours of a company's cluster.

    Three workloads in four are web deployments whose load follows the day and whose replicas
    follow the load; the others are batch jobs at night and cron jobs every hour.  At 20:25 a
    flash crowd comes to one web deployment in five.  At scale 1 there are about 5,000 pods at the
    peak.

    Parameters
    ----------
    seed : int
        Draws another cluster of the same kind.
    scale : number or text
        Factor on every load and on every job's pods; read as a decimal number.
    n_pods : int, optional
        Number of pods over the whole day instead of ``scale``, met exactly.
    n_workloads : int
        Deployments and families of jobs, at least 8.
    zone_spread : bool
        Web deployments spread evenly over zones (``DoNotSchedule``, skew 1).
    priorities : bool
        Web pods have priority 1000, batch pods 0; otherwise no pod has one.

    Returns
    -------
    Trace
        Owners are the workloads.  ``loads`` holds the requests per second of the web deployments:
        with a pod autoscaler, leave out the rows of the owners that it scales.

    Raises
    ------
    ValueError
        For a parameter out of range.

    Notes
    -----
    Integer arithmetic on PCG64's words only: the same bytes on every machine.  The youngest
    replicas leave first.
    """
    if n_workloads < 2 * _BATCH_SHARE:
        raise ValueError(f"n_workloads must be >= {2 * _BATCH_SHARE}, found {n_workloads}")
    if n_pods is not None and n_pods < 10 * n_workloads:
        raise ValueError(f"n_pods must be >= {10 * n_workloads}, found {n_pods}")
    factor = Fraction(str(scale)).limit_denominator(_LARGEST_SCALE)
    if not 0 < factor <= _LARGEST_SCALE:
        raise ValueError(f"scale must be > 0 and <= {_LARGEST_SCALE}, found {scale}")
    n_batch = n_workloads // _BATCH_SHARE

    def make(factor: Fraction) -> tuple[Web, Batch, Rows]:
        ratio = (factor.numerator, factor.denominator)
        web = make_web(
            seed, n_workloads - n_batch, ratio, zone_spread=zone_spread, priorities=priorities
        )
        batch = make_batch(seed, n_batch, ratio, priorities=priorities)
        return web, batch, _rows(web, batch)

    web, _, rows = make(factor)
    if n_pods is not None:
        for _ in range(3):  # replicas are rounded, so the total is not quite proportional
            factor = (factor * n_pods / _total(rows)).limit_denominator(_LARGEST_SCALE)
            web, _, rows = make(factor)
        _meet(rows, n_pods)
    metadata = {
        "format": "example",
        "example": NAME,
        "seed": seed,
        "scale": str(factor),
        "n_workloads": n_workloads,
        "zone_spread": zone_spread,
        "priorities": priorities,
        "times": "arrival; no schedule",
    }
    return assemble(NAME, rows, metadata, loads=web.loads, name=NAME)


def _rows(web: Web, batch: Batch) -> Rows:
    n_web = len(web.templates)
    arrivals, durations, counts, classes = [], [], [], []
    names: list[str] = []
    for index in range(n_web):
        arrival, duration, count = lifetimes(
            web.replicas[:, index], MINUTE_NS, int(web.offset_ns[index])
        )
        arrivals.append(arrival)
        durations.append(duration)
        counts.append(count)
        classes.append(np.full(len(count), index, dtype=np.int64))
        names += [f"web-{index:03d}-{number}" for number in range(len(count))]
    arrivals.append(batch.arrival_ns)
    durations.append(batch.duration_ns)
    counts.append(batch.count)
    classes.append(batch.job + n_web)
    names += batch_row_names(batch)
    class_id = np.concatenate(classes)
    owners = [workload.name for workload in web.loads.workloads]
    return Rows(
        templates=(*web.templates, *batch.templates),
        class_id=class_id,
        arrival_ns=np.concatenate(arrivals),
        duration_ns=np.concatenate(durations),
        count=np.concatenate(counts),
        names=names,
        owner_id=class_id,
        owners=[*owners, *(f"default/{name}" for name in batch.names)],
    )


def _counts(rows: Rows) -> NDArray[np.int64]:
    assert rows.count is not None
    return rows.count


def _total(rows: Rows) -> int:
    return int(_counts(rows).sum())


def _meet(rows: Rows, n_pods: int) -> None:
    """Add or take single pods, row by row from the last, until there are ``n_pods``."""
    count = _counts(rows)
    missing = n_pods - int(count.sum())
    while missing:
        able = np.flatnonzero(count > 1) if missing < 0 else np.arange(len(count))
        chosen = able[-abs(missing) :]
        count[chosen] += 1 if missing > 0 else -1
        missing = n_pods - int(count.sum())
