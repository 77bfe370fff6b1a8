"""The expanders that need nothing but the options: most-pods, least-nodes, least-waste."""

from __future__ import annotations

from collections.abc import Sequence

from ....model.resources import CPU, MEMORY
from .option import Option


def most_pods(options: Sequence[Option]) -> list[Option]:
    """Keep the options that place most pods."""
    return lowest(options, [-option.pod_count for option in options])


def least_nodes(options: Sequence[Option]) -> list[Option]:
    """Keep the options with the fewest nodes."""
    return lowest(options, [option.node_count for option in options])


def least_waste(options: Sequence[Option]) -> list[Option]:
    """Keep the options that leave the smallest shares of cpu and memory unused."""
    return lowest(options, [waste(option) for option in options])


def waste(option: Option) -> float:
    """Return unused share of cpu plus unused share of memory, of the template's capacity.

    Floats, as upstream compares them; pods that start with the node do not count as use.
    """
    cpu = memory = 0
    for group, count in option.placed:
        requests = group.pod_class.requests
        cpu += requests.get(CPU, 0) * count
        memory += requests.get(MEMORY, 0) * count
    total = 0.0
    for resource, requested in ((CPU, cpu), (MEMORY, memory)):
        available = option.shape.capacity.get(resource, 0) * option.node_count
        total += (available - requested) / available
    return total


def lowest(options: Sequence[Option], scores: Sequence[float]) -> list[Option]:
    """Keep the options with the lowest score, exact ties included."""
    least = min(scores, default=0)
    return [option for option, score in zip(options, scores, strict=True) if score == least]
