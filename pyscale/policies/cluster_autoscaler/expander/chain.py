"""Chains of expanders; ties at the end are broken by order or by a seeded generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .filters import least_nodes, least_waste, most_pods
from .option import Option
from .price import PodPrice, cheapest
from .priority import highest_priority

Filter = Callable[[Sequence[Option]], list[Option]]


class Expander:
    """Narrows options by the filters of a chain until one is left.

    Parameters
    ----------
    names : sequence of str
        The chain, as in ``--expander``.
    priorities : str, optional
        Text of the ConfigMap's key ``priorities``, for ``priority``.
    pod_price : PodPrice
        The price model's pod prices, for ``price``.
    gpu_label : str
        Label of the provider that marks nodes with GPUs.
    generator : numpy.random.Generator, optional
        Breaks ties uniformly, as upstream does; without it the first option in node-group order
        wins, which is one of upstream's possible choices.
    """

    def __init__(
        self,
        names: Sequence[str],
        priorities: str | None = None,
        pod_price: PodPrice | None = None,
        gpu_label: str = "",
        generator: np.random.Generator | None = None,
    ) -> None:
        self._names = tuple(names)
        self._priorities = priorities
        self._pod_price = pod_price or PodPrice()
        self._gpu_label = gpu_label
        self._generator = generator

    def narrow(self, options: Sequence[Option], cluster_size: int) -> list[list[Option]]:
        """Return what each filter of the chain keeps, up to ``random`` or a single option left.

        Parameters
        ----------
        options : sequence of Option
            In node-group order.
        cluster_size : int
            Number of nodes, which the price expander's preferred node depends on.
        """
        filters: dict[str, Filter] = {
            "most-pods": most_pods,
            "least-nodes": least_nodes,
            "least-waste": least_waste,
            "price": lambda left: cheapest(left, cluster_size, self._pod_price, self._gpu_label),
            "priority": lambda left: highest_priority(left, self._priorities),
        }
        kept: list[list[Option]] = []
        left = list(options)
        for name in self._names:
            if name == "random":
                break
            left = filters[name](left)
            kept.append(left)
            if len(left) <= 1:
                break
        return kept

    def best(self, options: Sequence[Option], cluster_size: int) -> Option | None:
        """Return the option taken, None if all were filtered out."""
        kept = self.narrow(options, cluster_size)
        left = kept[-1] if kept else list(options)
        if not left:
            return None
        if self._generator is not None and len(left) > 1:
            return left[int(self._generator.integers(len(left)))]
        return left[0]
