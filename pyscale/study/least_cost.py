"""How far runs are from the cheapest that is possible: a bound that is proven."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import inf
from typing import Any

import numpy as np

from pyscale.model.catalog import Catalog
from pyscale.simulation.clock import HOUR
from pyscale.simulation.metrics import amount_time, exact_sums, pod_time
from pyscale.simulation.result import Result

from .best_prices import best_prices
from .buyable import Machine, buyable


@dataclass(frozen=True, slots=True)
class LeastCost:
    """What a run cost, and what its pods must have cost at least.

    Attributes
    ----------
    name : str
        Of the run.
    cost_nano, least_nano : int
        Nano-dollars.
    prices : dict of str to float
        The proof: US dollars per hour for one unit of each resource (milli-core, byte, count) at
        which no machine is worth more than it costs.
    machines : int
        Kinds of machines that were considered.
    """

    name: str
    cost_nano: int
    least_nano: int
    prices: dict[str, float]
    machines: int

    @property
    def above(self) -> float:
        """How much of the least cost the run cost more; infinite if that is 0."""
        if self.least_nano == 0:
            return inf if self.cost_nano else 0.0
        return self.cost_nano / self.least_nano - 1

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self)


def least_costs(results: Iterable[Result], catalog: Catalog) -> tuple[LeastCost, ...]:
    """Bound from below what the pods of each run must have cost, whoever decides.

    Parameters
    ----------
    results : iterable of Result
        Runs over one trace; a comparison is one.
    catalog : Catalog
        That of the runs.

    Returns
    -------
    tuple of LeastCost
        In the order of the runs.

    Raises
    ------
    ValueError
        If there is no run, or the runs are not of one trace.

    Notes
    -----
    The pods of a run, for as long as each of them ran, on machines that any of the runs might have
    bought.  Nobody can do with less: give every unit of every resource a price per hour such that
    no machine is worth more than it costs; what all pods are worth then is what the machines under
    them cost at least, however pods are placed and moved.  :func:`.best_prices.best_prices` finds
    the prices for which that is most.

    The bound is below the optimum as far as pods do not fill machines exactly, are not allowed
    everywhere, machines boot and drain, or DaemonSets need room.  Machines that were there from
    the start cost nothing, and what they are worth is taken off.
    """
    results = list(results)
    if not results:
        raise ValueError("results: expected at least one run, found none")
    if len({(result.metadata["trace_hash"], result.resources) for result in results}) > 1:
        raise ValueError("results: expected runs over one trace, found several traces")
    machines = buyable(results, catalog)
    return tuple(_least_cost(result, machines) for result in results)


def _least_cost(result: Result, machines: Sequence[Machine]) -> LeastCost:
    wanted = pod_time(result.pods, result.requests, result.end_ns)
    free = _free_time(result)
    demand = [most - least for most, least in zip(wanted, free, strict=True)]
    prices = best_prices(demand, machines)
    worth = sum((p * d for p, d in zip(prices, demand, strict=True)), Fraction(0))
    return LeastCost(
        name=result.name,
        cost_nano=result.metrics.cost_nano,
        least_nano=max(0, int(worth // HOUR)),
        prices={
            name: float(price) / 1e9 for name, price in zip(result.resources, prices, strict=True)
        },
        machines=len(machines),
    )


def _free_time(result: Result) -> list[int]:
    """Return per resource what machines that cost nothing have from when they came to the end."""
    is_free = np.array([not kind.instance_type for kind in result.kinds], np.bool_)
    mine = is_free[result.nodes.kind]
    lengths = result.end_ns - result.nodes.created_ns[mine]
    times = exact_sums(result.nodes.kind[mine], lengths, len(result.kinds))
    return amount_time(result.allocatable, times)


def least_cost_rows(found: Sequence[LeastCost]) -> list[tuple[str, list[str]]]:
    """Return the figures for people: a name, and one text per run; nothing without runs."""
    if not found:
        return []
    return [
        ("at least, whoever decides", [f"${each.least_nano / 1e9:,.2f}" for each in found]),
        ("above it, at most", [_share(each.above) for each in found]),
    ]


def _share(above: float) -> str:
    return "-" if above == inf else f"{above:.1%}"
