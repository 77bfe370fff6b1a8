"""Web deployments: a day of requests per second, and the replicas that follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyscale.model.nodes import ARCH_LABEL, ZONE_LABEL
from pyscale.model.pods import PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO

from ..load import Loads, Workload
from ..templates import APP_LABEL, make_spread, make_template
from ..units import MIB, MILLI, MILLISECOND_NS, MINUTE_NS
from .integers import ONE, Integers, day_wave
from .replicas import follow

MINUTES = 1440
TARGET_PERMILLE = 650
"""Share of its cpu request that a pod uses when the replicas fit the load."""

WEB_PRIORITY = 1000

_SHAPES = (  # milli-cpu, MiB, weight
    (100, 128, 10),
    (250, 256, 20),
    (250, 512, 14),
    (500, 512, 14),
    (500, 1024, 14),
    (1000, 1024, 8),
    (1000, 2048, 10),
    (2000, 4096, 6),
    (500, 4096, 3),
    (4000, 8192, 1),
)
_ARCHITECTURES = (("", 70), ("arm64", 20), ("amd64", 10))
_PEAKS = ((14 * 60, 60), (20 * 60, 30), (9 * 60, 10))  # minute of the day, weight
_MEDIAN_REPLICAS_MILLI = 23_500
_REPLICAS_SPREAD = ONE * 11 // 10
_CROWD_MINUTE = 20 * 60 + 25
_CROWD_RISE, _CROWD_HOLD, _CROWD_FALL = 3, 25, 40
_CROWD_SHARE = 5  # one deployment in so many is hit
_STABILISE_MINUTES = 5
_TOLERANCE = 10
_MINUTE_MILLISECONDS = 60_000


@dataclass(frozen=True, slots=True)
class Web:
    """Web deployments of one day.

    ``replicas`` is int64 (n_minutes, n_workloads), ``offset_ns`` int64 (n_workloads,): how long
    after a full minute each workload changes; ``loads`` has the same workloads.
    """

    templates: tuple[PodTemplate, ...]
    replicas: NDArray[np.int64]
    offset_ns: NDArray[np.int64]
    loads: Loads


def make_web(
    seed: int, n_workloads: int, scale: tuple[int, int], *, zone_spread: bool, priorities: bool
) -> Web:
    """Return web deployments and their day.

    Parameters
    ----------
    seed : int
    n_workloads : int
    scale : tuple of int
        Numerator and denominator of a factor on every deployment's load.
    zone_spread, priorities : bool
        Whether deployments of six and more replicas spread over zones, and whether they have a
        priority.
    """
    draw = Integers(seed, 1)
    shape = draw.choice([weight for *_, weight in _SHAPES], n_workloads)
    architecture = draw.choice([weight for _, weight in _ARCHITECTURES], n_workloads)
    peak_replicas = draw.lognormal(_MEDIAN_REPLICAS_MILLI, _REPLICAS_SPREAD, n_workloads)
    peak_replicas = np.minimum(peak_replicas, 20 * _MEDIAN_REPLICAS_MILLI)
    peak_replicas = peak_replicas * scale[0] // scale[1]
    ebb = draw.between(180, 550, n_workloads)
    peak_minute = np.array([minute for minute, _ in _PEAKS])[
        draw.choice([weight for _, weight in _PEAKS], n_workloads)
    ] + draw.between(-75, 75, n_workloads)
    cost_us = draw.lognormal(9_000, ONE * 12 // 10, n_workloads)
    hit = draw.below(_CROWD_SHARE, n_workloads) == 0
    crowd = np.where(hit, draw.between(2_000, 4_500, n_workloads), 1_000)
    activity = _activity(draw, ebb, peak_minute, crowd)

    cpu_milli = np.array([cpu for cpu, *_ in _SHAPES])[shape]
    # One pod serves cpu_milli / 1000 * target / cost requests per second.
    per_pod_milli = cpu_milli * TARGET_PERMILLE * 1000 // cost_us
    peak_load = np.maximum(peak_replicas * per_pod_milli // 1000, 1)
    load = peak_load * activity // 1000
    wanted = np.maximum(-(-load // np.maximum(per_pod_milli, 1)), 1)
    replicas = follow(wanted, _STABILISE_MINUTES, _TOLERANCE)

    templates = []
    workloads = []
    largest = replicas.max(axis=0)
    for index in range(n_workloads):
        labels = {APP_LABEL: f"web-{index:03d}", "tier": "web"}
        cpu, mebibytes, _ = _SHAPES[int(shape[index])]
        arch = _ARCHITECTURES[int(architecture[index])][0]
        spread = zone_spread and largest[index] * scale[1] >= 6 * scale[0]
        templates.append(
            make_template(
                {CPU: cpu * MILLI, MEMORY: mebibytes * MIB * NANO},
                labels=labels,
                node_selector={ARCH_LABEL: arch} if arch else {},
                spread=[make_spread(ZONE_LABEL, 1, labels)] if spread else [],
                priority=WEB_PRIORITY if priorities else None,
            )
        )
        workloads.append(
            Workload(
                name=f"default/web-{index:03d}",
                template=templates[-1],
                initial_replicas=int(replicas[0, index]),
                min_replicas=max(int(replicas[:, index].min()) // 2, 1),
                max_replicas=3 * int(largest[index]),
                cpu_us_per_request=int(cost_us[index]),
            )
        )
    times = np.arange(MINUTES, dtype=np.int64) * MINUTE_NS
    series = [(times, np.ascontiguousarray(load[:, index])) for index in range(n_workloads)]
    loads = Loads.from_series(workloads, "requests_per_second", series)
    offset_ns = draw.below(_MINUTE_MILLISECONDS, n_workloads) * MILLISECOND_NS
    return Web(tuple(templates), replicas, offset_ns, loads)


def _activity(
    draw: Integers,
    ebb: NDArray[np.int64],
    peak_minute: NDArray[np.int64],
    crowd: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the load of each minute in thousandths of the peak, int64 (n_minutes, n_workloads)."""
    n_workloads = len(ebb)
    minute = np.arange(MINUTES, dtype=np.int64)[:, None]
    since_peak = minute - peak_minute
    # A second wave, with the period of half a day, gives the midday and the evening hump.
    wave = (850 * day_wave(since_peak) + 150 * day_wave(2 * since_peak)) // 1000
    level = ebb + (1000 - ebb) * (1000 + wave) // 2000
    noise = draw.normal(MINUTES * n_workloads).reshape(MINUTES, n_workloads)
    smooth = np.zeros_like(noise)
    state = np.zeros(n_workloads, dtype=np.int64)
    for step in range(MINUTES):
        state = (state * 9 + noise[step]) // 10
        smooth[step] = state
    level = np.maximum(level * (1000 + (smooth * 80 >> 16)) // 1000, 1)
    result: NDArray[np.int64] = level * _crowd(minute, crowd) // 1000
    return result


def _crowd(minute: NDArray[np.int64], crowd: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the factor of the flash crowd in thousandths, int64 (n_minutes, n_workloads)."""
    since = minute - _CROWD_MINUTE
    rising = np.clip(since * 1000 // _CROWD_RISE, 0, 1000)
    falling = np.clip((since - _CROWD_RISE - _CROWD_HOLD) * 1000 // _CROWD_FALL, 0, 1000)
    result: NDArray[np.int64] = 1000 + (crowd - 1000) * (rising - falling) // 1000
    return result
