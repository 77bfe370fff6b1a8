"""Packing instances from whole numbers alone: the same on every machine and NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEBIBYTE = 2**20
CPU = np.array([50, 100, 200, 250, 500, 1000, 2000, 4000, 8000], dtype=np.int64)  # milli
CPU_SHARE = np.array([8, 18, 12, 14, 18, 15, 9, 4, 2])  # per cent
MEMORY_PER_CPU = np.array([512, 1024, 2048, 4096, 8192], dtype=np.int64)  # MiB per core
MEMORY_SHARE = np.array([10, 20, 30, 25, 15])
# milli-CPU, bytes, pods, MiB of scratch disk, volumes, GPUs
CAPACITY = np.array([15_890, 60_000 * MEBIBYTE, 110, 90_000, 24, 4], dtype=np.int64)


@dataclass(frozen=True)
class Instance:
    """Classes of pods and the shape of a node."""

    requests: NDArray[np.int64]
    counts: NDArray[np.int64]
    capacity: NDArray[np.int64]


def draws(seed: int, n: int) -> NDArray[np.uint64]:
    """Return n words of SplitMix64 (Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        state = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def below(seed: int, n: int, limit: int) -> NDArray[np.int64]:
    """Return n whole numbers from 0 to limit - 1."""
    return (draws(seed, n) % np.uint64(limit)).astype(np.int64)


def chosen(seed: int, n: int, share: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return n indices, each as often as its share of a hundred."""
    return np.searchsorted(np.cumsum(share), below(seed, n, 100), side="right")


def web_mix(n_classes: int, n_resources: int, n_pods: int, seed: int = 1) -> Instance:
    """Make pods as web clusters have them: few sizes of CPU, memory in proportion, small extras.

    Parameters
    ----------
    n_classes, n_resources, n_pods : int
        Size of the instance; 3 to 6 resources.
    seed : int
        Another seed, another instance.
    """
    n = n_classes
    cpu = CPU[chosen(seed, n, CPU_SHARE)]
    per_core = MEMORY_PER_CPU[chosen(seed + 1, n, MEMORY_SHARE)]
    memory = np.maximum(64, cpu * per_core // 1000) + below(seed + 2, n, 64)
    columns = [
        cpu + below(seed + 3, n, 25),
        memory * MEBIBYTE,
        np.ones(n, dtype=np.int64),
        below(seed + 4, n, 4) * below(seed + 5, n, 2000),
        below(seed + 6, n, 8) // 6,
        below(seed + 7, n, 50) // 48,
    ]
    requests = np.minimum(np.column_stack(columns[:n_resources]), CAPACITY[:n_resources])
    counts = np.bincount(below(seed + 8, n_pods, n), minlength=n)
    return Instance(requests, counts, CAPACITY[:n_resources])
