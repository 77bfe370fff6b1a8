"""The price expander: price per use, moderated by a preferred size of node.

Specification section 4.6, Price; upstream ``expander/price``; one-hour horizon.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ....model.resources import CPU
from ..quotas import GPU_RESOURCES
from .filters import lowest
from .option import Option

GIB = 2**30
STABILISING_CPU = 500
STABILISING_MEMORY = 500 * 2**20
GPU_SUPPRESSED = 1000.0
NOT_EXISTING_COEFFICIENT = 2.0
PREFERRED_CORES = ((2, 1), (6, 2), (20, 4), (60, 8), (200, 16))
PREFERRED_CORES_BEYOND = 32


@dataclass(frozen=True, slots=True)
class PodPrice:
    """The price of a pod, in dollars per hour and unit."""

    per_core: float = 0.03
    per_gib: float = 0.004

    def of(self, cpu: int, memory: int) -> float:
        """Return the price of so many milli-CPU and bytes for an hour."""
        return cpu / 1000 * self.per_core + memory / GIB * self.per_gib


@dataclass(frozen=True, slots=True)
class PriceScore:
    """The parts of an option's score; the lowest ``total`` wins."""

    ratio: float
    unfitness: float
    suppressed: float
    coefficient: float = 1.0

    @property
    def total(self) -> float:
        """The score."""
        return self.suppressed * self.ratio * self.coefficient


def preferred_cores(cluster_size: int) -> int:
    """Return the cores of the node that suits a cluster of so many nodes."""
    for largest, cores in PREFERRED_CORES:
        if cluster_size <= largest:
            return cores
    return PREFERRED_CORES_BEYOND


def price_score(
    option: Option, cluster_size: int, pod_price: PodPrice, gpu_label: str
) -> PriceScore:
    """Score an option that has a price, in floats as upstream."""
    assert option.price is not None
    capacity = option.shape.capacity
    node_cpu = capacity.get(CPU, 0)
    stabilising = pod_price.of(STABILISING_CPU, STABILISING_MEMORY)
    pods = _sum_of_prices(option.placed_requests(), pod_price)
    ratio = (option.price * option.node_count + stabilising) / (pods + stabilising)
    preferred = preferred_cores(cluster_size) * 1000
    unfitness = max(preferred / node_cpu, node_cpu / preferred)
    suppressed = (unfitness - 1) * (1 - math.tanh((option.node_count - 1) / 15)) + 1
    has_gpu = (gpu_label and gpu_label in option.shape.labels) or any(
        name in capacity for name in GPU_RESOURCES
    )
    return PriceScore(
        ratio,
        unfitness,
        GPU_SUPPRESSED if has_gpu else suppressed,
        1.0 if option.exists else NOT_EXISTING_COEFFICIENT,
    )


def cheapest(
    options: Sequence[Option], cluster_size: int, pod_price: PodPrice, gpu_label: str
) -> list[Option]:
    """Keep the options with the lowest score; those without a price are skipped."""
    priced = [option for option in options if option.price is not None]
    scores = [price_score(option, cluster_size, pod_price, gpu_label).total for option in priced]
    return lowest(priced, scores)


def _sum_of_prices(requests: Iterable[tuple[int, int, int]], pod_price: PodPrice) -> float:
    """Add pod by pod: float sums depend on the order, and upstream adds in this one."""
    total = 0.0
    for cpu, memory, count in requests:
        each = pod_price.of(cpu, memory)
        for _ in range(count):
            total += each
    return total
