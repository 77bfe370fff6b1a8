"""What runs could have bought: how much fits on each machine, and the least that it cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pyscale.model.catalog import SPOT, Catalog, InstanceType, Offering
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.policies.karpenter.instance_types import TypeColumns, compile_catalog
from pyscale.policies.karpenter.state import ClusterObjects
from pyscale.policies.karpenter.templates import template_requirements
from pyscale.policies.snapshot import amounts_of
from pyscale.simulation.result import Result

#: What fits, in the units of a run's resources, and nano-dollars per hour.
Machine = tuple[tuple[int, ...], int]

_Offer = tuple[InstanceType, Offering]


def buyable(results: Sequence[Result], catalog: Catalog) -> list[Machine]:
    """Return the machines that node groups and NodePools of some runs allow, each once.

    Parameters
    ----------
    results : sequence of Result
        Runs over one trace and this catalogue, at least one.  A run with neither groups nor pools
        may buy whatever is sold.
    catalog : Catalog
        As at the start of the runs.

    Returns
    -------
    list of (tuple of int, int)
        Allocatable in the units of the runs' resources, daemons included, and the price; a spot
        machine has the lowest one that it had while the runs lasted.

    Notes
    -----
    O(offers), and with spot machines O(offers x changes of prices): some milliseconds per change.
    """
    offers: dict[tuple[str, str, str], _Offer] = {}
    for result in results:
        for kind, offering in _offers_of(result, catalog):
            offers[kind.name, offering.zone, offering.capacity_type] = kind, offering
    spot = [(name, zone) for name, zone, capacity_type in offers if capacity_type == SPOT]
    least = _least_spot_prices(spot, results, catalog)
    found: dict[Machine, None] = {}
    for (name, zone, capacity_type), (kind, offering) in offers.items():
        price = offering.price_nano
        if capacity_type == SPOT:
            price = least.get((name, zone), price)
        fits = amounts_of(results[0].resources, kind.allocatable(offering))
        found[tuple(fits.tolist()), price] = None
    return list(found)


def _offers_of(result: Result, catalog: Catalog) -> Iterator[_Offer]:
    if not result.node_groups and not result.node_pools:
        for kind in catalog.instance_types:
            yield from ((kind, offering) for offering in kind.offerings if offering.available)
        return
    for group in result.node_groups:
        yield from _offers_of_group(group, catalog)
    if result.node_pools:
        yield from _offers_of_pools(result.node_pools, catalog)


def _offers_of_group(group: NodeGroup, catalog: Catalog) -> Iterator[_Offer]:
    for name in group.instance_types:
        for zone in group.zones:
            offering = catalog.offering(name, zone, group.capacity_type)
            if offering is not None and offering.available:
                yield catalog.by_name[name], offering


def _offers_of_pools(pools: Iterable[NodePool], catalog: Catalog) -> Iterator[_Offer]:
    sold = replace(
        catalog, instance_types=tuple(kind for kind in catalog.instance_types if kind.offerings)
    )
    well_known = ClusterObjects((), sold).well_known
    columns = TypeColumns.of(compile_catalog(sold), well_known)
    for pool in pools:
        required = template_requirements(pool)
        for number in columns.types_of(columns.allowed(required)):
            compiled = columns.types[number]
            for offer in compiled.offers:
                if offer.offering.available and required.compatible(offer.requirements, well_known):
                    yield compiled.kind, offer.offering


def _least_spot_prices(
    spot: Sequence[tuple[str, str]], results: Sequence[Result], catalog: Catalog
) -> dict[tuple[str, str], int]:
    """Return the lowest price of each (instance type, zone) while the runs lasted."""
    source = catalog.spot_prices
    if not spot or source is None:
        return {}
    least: dict[tuple[str, str], int] = {}
    time_ns: int | None = results[0].metadata["epoch_ns"]
    end_ns = results[0].metadata["epoch_ns"] + max(result.end_ns for result in results)
    while time_ns is not None and time_ns <= end_ns:
        for offer, price in zip(spot, source.prices(spot, time_ns), strict=True):
            if price is not None:
                least[offer] = min(price, least.get(offer, price))
        time_ns = source.next_change_ns(time_ns)
    return least
