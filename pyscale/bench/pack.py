"""``pyscale bench pack``: the fit check and the packing rules.

The expected answers were computed once by a second engine: the pods one at a time, by the class
cursors of `pyscale.place_sequence` (first fit decreasing), or by a scan from the first node
(interleaved arrivals).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.bench._frame import Row, Work
from pyscale.bench._instances import Instance, below, web_mix
from pyscale.kernel import _fit
from pyscale.packing import Packing, SequencePlacement, pack, pack_each, place_sequence

NODES_IN_CACHE = 10_000
SCANS = 500


def fit_check(dtype: type[np.signedinteger[Any]]) -> Callable[[Path | None], Work]:
    """Ask every node for a request that none has room for, in the last resource."""

    def prepare(golden: Path | None) -> Work:
        room = np.full((3, NODES_IN_CACHE), 50, dtype=dtype)
        request = np.array([10, 20, 51], dtype=dtype)

        def run() -> int:
            found = 0
            for _ in range(SCANS):
                found += _fit.next_fit(room, request, 0, NODES_IN_CACHE)
            return found

        return Work(run, expected=-SCANS, units=SCANS * NODES_IN_CACHE)

    return prepare


def checksum(classes: NDArray[np.int64], nodes: NDArray[np.int64]) -> int:
    """Sum (class + 1) * (node + 1) over pods, modulo 2^64."""
    with np.errstate(over="ignore"):
        product = (classes + 1).astype(np.uint64) * (nodes + 1).astype(np.uint64)
    return int(product.sum(dtype=np.uint64))


def packing_answer(packing: Packing) -> tuple[int, int, int]:
    """Nodes, pods without a place, and a checksum of who sits where."""
    pod_class, first, n_nodes, copies = packing.records.T
    # Nodes first .. first + n - 1, each plus 1, sum to n * (2 * first + n + 1) / 2.
    nodes = copies * (n_nodes * (2 * first + n_nodes + 1) // 2)
    return packing.n_nodes, packing.n_unplaced, checksum(pod_class, nodes - 1)


def sequence_answer(placed: SequencePlacement) -> tuple[int, int, int]:
    """Nodes used, pods without a place, and a checksum of who sits where."""
    here = placed.node_of_event >= 0
    nodes = placed.node_of_event[here].astype(np.int64)
    return (
        int(nodes.max(initial=-1)) + 1,
        placed.n_unplaced,
        checksum(placed.events[here], nodes),
    )


def first_fit_decreasing(
    n_classes: int, n_resources: int, n_pods: int, expected: tuple[int, int, int]
) -> Callable[[Path | None], Work]:
    """Pack one instance through the public door."""

    def prepare(golden: Path | None) -> Work:
        instance = web_mix(n_classes, n_resources, n_pods)

        def run() -> Packing:
            return pack(instance.requests, instance.counts, instance.capacity)

        return Work(run, expected, packing_answer)

    return prepare


def interleaved_case() -> tuple[Instance, NDArray[np.int64], NDArray[np.int64]]:
    """10^6 pods of 10^3 classes in random order, and 5 * 10^4 empty nodes."""
    instance = web_mix(1000, 3, 10**6)
    arrivals = below(77, 10**6, 1000)
    return instance, arrivals, np.tile(instance.capacity, (50_000, 1))


def interleaved(golden: Path | None) -> Work:
    """Place pods in the order they arrive."""
    instance, arrivals, free = interleaved_case()

    def run() -> SequencePlacement:
        return place_sequence(instance.requests, arrivals, free=free)

    return Work(run, INTERLEAVED, sequence_answer)


def what_if(golden: Path | None) -> Work:
    """Pack the same pods on every one of 300 machines."""
    instance = web_mix(100, 3, 20_000)
    grown = 1 + np.arange(300)[:, None] * np.array([1, 2, 1]) % np.array([37, 41, 5])
    machines = np.maximum(instance.capacity * grown // 10, instance.requests.max(axis=0))

    def run() -> list[Packing]:
        return pack_each(instance.requests, instance.counts, machines)

    return Work(run, WHAT_IF, lambda results: sum(result.n_nodes for result in results))


FFD_1E3_1E6 = (52_886, 0, 20_109_304_265_547)
FFD_1E3_1E7 = (528_413, 0, 2_006_132_402_561_035)
FFD_1E4_1E7 = (589_337, 0, 21_748_147_667_349_870)
FFD_1E5_1E7 = (606_546, 0, 223_333_267_116_615_572)
INTERLEAVED = (49_459, 0, 12_360_422_953_326)
WHAT_IF = 425_618

ROWS = (
    Row(
        "pack/fit-int64",
        "fit check per node, 3 resources, int64",
        fit_check(np.int64),
        0.5e-9,
    ),
    Row(
        "pack/fit-int32",
        "fit check per node, 3 resources, int32",
        fit_check(np.int32),
        0.25e-9,
    ),
    Row(
        "pack/ffd-1e3-1e6",
        "first fit decreasing, 10^6 pods in 10^3 classes, 3 resources",
        first_fit_decreasing(10**3, 3, 10**6, FFD_1E3_1E6),
        0.005,
    ),
    Row(
        "pack/ffd-1e3-1e7",
        "first fit decreasing, 10^7 pods in 10^3 classes, 3 resources",
        first_fit_decreasing(10**3, 3, 10**7, FFD_1E3_1E7),
        0.010,
    ),
    Row(
        "pack/ffd-1e4-1e7",
        "first fit decreasing, 10^7 pods in 10^4 classes, 6 resources",
        first_fit_decreasing(10**4, 6, 10**7, FFD_1E4_1E7),
        0.2,
    ),
    Row(
        "pack/ffd-1e5-1e7",
        "first fit decreasing, 10^7 pods in 10^5 classes, 4 resources",
        first_fit_decreasing(10**5, 4, 10**7, FFD_1E5_1E7),
        3.0,
        repeats=3,
    ),
    Row(
        "pack/interleaved",
        "first fit in order of arrival, 10^6 pods in 10^3 classes onto 5*10^4 nodes",
        interleaved,
        0.2,
    ),
    Row(
        "pack/what-if",
        "first fit decreasing on each of 300 machines, 2*10^4 pods in 100 classes",
        what_if,
        0.05,
    ),
)
