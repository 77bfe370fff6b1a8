"""The EC2 instance types of one region, with prices."""

from __future__ import annotations

from functools import lru_cache

from pyscale.model.catalog import (
    ON_DEMAND,
    SPOT,
    Catalog,
    InstanceType,
    Offering,
    SpotPrices,
)

from . import ec2_data
from .ec2_capacity import MachineOptions, capacity_of, overhead_of
from .ec2_labels import WELL_KNOWN, labels_of
from .spot import SpotProcess


def ec2(
    region: str,
    *,
    seed: int = 0,
    spot_prices: SpotPrices | None = None,
    options: MachineOptions | None = None,
    at_ns: int = 0,
) -> Catalog:
    """Return all EC2 instance types as one region sells them.

    Parameters
    ----------
    region : str
        For example ``us-east-1``.
    seed : int
        Seed of the spot price process.
    spot_prices : SpotPrices, optional
        Another source of spot prices, such as :func:`read_spot_prices`.
    options : MachineOptions, optional
        How the machines are set up.
    at_ns : int
        The time for which the catalogue holds spot prices; ``catalog.at`` gives others.

    Returns
    -------
    Catalog
        Every type that EC2 has, sorted by name.  A type that the region does not sell has no
        offerings.  One that it sells at a price that the shipped list does not know has offerings
        that are not available (price 0), until :meth:`Catalog.with_prices` supplies it.

    Raises
    ------
    InvalidObjectError
        If the region is unknown.

    Notes
    -----
    Linear in types times zones: some 80 ms; the catalogues of the default options are kept, so that
    asking again costs nothing.  Capacity, overhead and labels follow Karpenter's AWS
    provider; shapes, zones and on-demand prices are facts of the date in ``source``; spot prices
    of the default process are *estimates* (see :class:`SpotProcess`).

    Examples
    --------
    >>> from pyscale.catalog import ec2
    >>> machine = ec2("us-east-1").by_name["m5.large"]
    >>> machine.capacity["pods"] // 10**9, machine.allocatable()["cpu"] // 10**6
    (29, 1930)
    """
    if spot_prices is None and options is None:
        return _default(region, seed).at(at_ns) if at_ns else _default(region, seed)
    return _build(region, seed, spot_prices, options or MachineOptions()).at(at_ns)


@lru_cache(maxsize=8)
def _default(region: str, seed: int) -> Catalog:
    return _build(region, seed, None, MachineOptions()).at(0)


def _build(
    region: str, seed: int, spot_prices: SpotPrices | None, options: MachineOptions
) -> Catalog:
    table = ec2_data.region(region)
    if spot_prices is None:
        on_demand = {
            shape.name: round(price * 1_000_000_000)
            for shape, price in zip(ec2_data.shapes(), table.on_demand, strict=True)
            if price > 0
        }
        spot_prices = SpotProcess(seed, region, on_demand)
    types = tuple(
        InstanceType(
            name=shape.name,
            architecture=shape.architecture,
            os=("linux",),
            capacity=capacity_of(shape, options),
            overhead=overhead_of(shape, options),
            labels=labels_of(shape, region),
            offerings=_offerings(shape, table, index),
        )
        for index, shape in enumerate(ec2_data.shapes())
    )
    return Catalog(
        name=f"ec2:{region}",
        instance_types=types,
        region=region,
        well_known_labels=WELL_KNOWN,
        source=ec2_data.source(),
        spot_prices=spot_prices,
    )


def _offerings(
    shape: ec2_data.EC2Shape, table: ec2_data.EC2Region, index: int
) -> tuple[Offering, ...]:
    if not shape.runs_kubernetes:
        return ()
    price = table.on_demand[index]
    offerings = []
    for zone in table.zones_of(index):
        offerings.append(Offering(zone, ON_DEMAND, price, available=price > 0))
        if shape.has_spot:
            offerings.append(Offering(zone, SPOT, 0.0, available=False))
    return tuple(offerings)
