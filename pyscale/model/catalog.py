"""Instance types, offerings and the catalogue that holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from pyscale.errors import InvalidObjectError

from .nodes import ARCH_LABEL, CAPACITY_TYPE_LABEL, INSTANCE_TYPE_LABEL, OS_LABEL, ZONE_LABEL
from .requirements import Requirement
from .resources import MEMORY, Resources

ON_DEMAND = "on-demand"
SPOT = "spot"
RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Overhead:
    """What the machine keeps for itself, per source."""

    kube_reserved: Resources = field(default_factory=dict)
    system_reserved: Resources = field(default_factory=dict)
    eviction_threshold: Resources = field(default_factory=dict)

    def total(self) -> dict[str, int]:
        """Return the sum of the three, per resource, in nano-units."""
        result: dict[str, int] = {}
        for part in (self.kube_reserved, self.system_reserved, self.eviction_threshold):
            for name, amount in part.items():
                result[name] = result.get(name, 0) + amount
        return result


@dataclass(frozen=True, slots=True)
class Offering:
    """One way to buy an instance type.

    ``price`` is in US dollars per hour, a float64 because the programs that are reproduced compare
    float64; accounting uses :attr:`price_nano`.
    """

    zone: str
    capacity_type: str
    price: float
    available: bool = True
    reservation_id: str = ""
    reservation_capacity: int = 0
    capacity_override: Resources | None = None
    overhead_override: Overhead | None = None

    @property
    def price_nano(self) -> int:
        """Price in nano-dollars per hour, rounded to nearest."""
        return round(self.price * 1_000_000_000)


@dataclass(frozen=True, slots=True)
class InstanceType:
    """A machine shape: ``labels`` maps a label key to all the values it can have.

    No value at all says that a node of this type never carries the label (DoesNotExist); a key
    that is not mentioned is left open.
    """

    name: str
    architecture: str
    os: tuple[str, ...]
    capacity: Resources
    overhead: Overhead = field(default_factory=Overhead)
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    offerings: tuple[Offering, ...] = ()

    def allocatable(self, offering: Offering | None = None) -> dict[str, int]:
        """Return capacity less overhead, in nano-units, with the overrides of an offering.

        Huge pages are taken out of memory.  Follows Karpenter core
        ``pkg/cloudprovider/types.go:computeAllocatable``.
        """
        capacity, overhead = dict(self.capacity), self.overhead.total()
        if offering is not None:
            capacity.update(offering.capacity_override or {})
            if offering.overhead_override is not None:
                overhead.update(offering.overhead_override.total())
        result = {name: amount - overhead.get(name, 0) for name, amount in capacity.items()}
        for name, amount in capacity.items():
            if name.startswith("hugepages-"):
                result[MEMORY] = max(0, result.get(MEMORY, 0) - amount)
        return result

    def requirements(self) -> tuple[Requirement, ...]:
        """Return what a node of this type can be, as one condition per label key.

        Zones and capacity types are those of the available offerings, in offering order.
        """
        available = [offering for offering in self.offerings if offering.available]
        values = {
            INSTANCE_TYPE_LABEL: (self.name,),
            ARCH_LABEL: (self.architecture,),
            OS_LABEL: self.os,
            ZONE_LABEL: tuple(dict.fromkeys(offering.zone for offering in available)),
            CAPACITY_TYPE_LABEL: tuple(
                dict.fromkeys(offering.capacity_type for offering in available)
            ),
            **self.labels,
        }
        return tuple(
            Requirement(key, "In", some) if some else Requirement(key, "DoesNotExist")
            for key, some in values.items()
        )


class SpotPrices(Protocol):
    """Where spot prices come from, in int nano-dollars per hour; equal questions, equal answers."""

    def price(self, instance_type: str, zone: str, at_ns: int) -> int | None:
        """Return the price in force at a time, None where there is none."""

    def prices(self, offers: Sequence[tuple[str, str]], at_ns: int) -> list[int | None]:
        """Return the prices of many (instance type, zone) at one time."""

    def next_change_ns(self, at_ns: int) -> int | None:
        """Return the first time after ``at_ns`` at which any price may change, None if never."""

    def with_on_demand(self, prices: Mapping[str, int]) -> SpotPrices:
        """Return the same source after on-demand prices, by instance type, became known."""


@dataclass(frozen=True)
class Catalog:
    """Instance types in provider order.

    ``well_known_labels`` are the label keys that a requirement may use without a pool defining
    them, beyond those that every provider knows.  ``spot_prices`` moves the spot prices with time
    (None: they stand still) and ``priced_at_ns`` is the time for which the offerings hold them.
    """

    name: str
    instance_types: tuple[InstanceType, ...]
    region: str = ""
    well_known_labels: frozenset[str] = frozenset()
    source: str = ""
    spot_prices: SpotPrices | None = field(default=None, compare=False, repr=False)
    priced_at_ns: int = 0

    @cached_property
    def by_name(self) -> Mapping[str, InstanceType]:
        """Instance types by name."""
        return {kind.name: kind for kind in self.instance_types}

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of all instance types."""
        return frozenset(self.by_name)

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """All zones with an offering, sorted."""
        return tuple(sorted({o.zone for kind in self.instance_types for o in kind.offerings}))

    def instance_type(self, name: str, where: str = "") -> InstanceType:
        """Return the type of that name.

        Raises
        ------
        InvalidObjectError
            If there is none; names the nearest spellings, and ``where`` it was asked for.
        """
        kind = self.by_name.get(name)
        if kind is None:
            problem = f"unknown instance type {name!r}{nearest(name, self.by_name)}"
            raise InvalidObjectError(where or f"catalogue {self.name}", problem)
        return kind

    def check_zone(self, zone: str, where: str = "") -> None:
        """Raise InvalidObjectError, naming the nearest spellings, unless the zone is known."""
        if zone not in self.zones:
            problem = f"unknown zone {zone!r}{nearest(zone, self.zones)}"
            raise InvalidObjectError(where or f"catalogue {self.name}", problem)

    def offering(self, instance_type: str, zone: str, capacity_type: str) -> Offering | None:
        """Return the first offering with exactly these three, available or not."""
        kind = self.by_name.get(instance_type)
        if kind is None:
            return None
        return next(
            (o for o in kind.offerings if o.zone == zone and o.capacity_type == capacity_type), None
        )

    def at(self, at_ns: int) -> Catalog:
        """Return the catalogue with the spot prices in force at a time.

        Types and offerings keep their number and order, so an index into them stays valid; a spot
        offering without a price is not available.
        """
        if self.spot_prices is None:
            return self
        offers = [
            (kind.name, offering.zone)
            for kind in self.instance_types
            for offering in kind.offerings
            if offering.capacity_type == SPOT
        ]
        prices = iter(self.spot_prices.prices(offers, at_ns))
        types = tuple(_repriced(kind, prices) for kind in self.instance_types)
        return replace(self, instance_types=types, priced_at_ns=at_ns)

    def with_prices(self, prices: Mapping[str, float]) -> Catalog:
        """Return the catalogue with other on-demand prices, in US dollars per hour, by type.

        A type that was known without a price becomes available wherever it is offered, and its
        spot offerings too where ``spot_prices`` derives them from the on-demand price.

        Raises
        ------
        InvalidObjectError
            If a type is unknown, is offered in no zone, or a price is not a positive number.
        """
        for name, price in prices.items():
            where = f"catalogue {self.name}, {name}"
            if not self.instance_type(name).offerings:
                raise InvalidObjectError(where, "cannot set a price: no zone offers the type")
            if not 0 < price < float("inf"):
                raise InvalidObjectError(where, f"price must be a number > 0, found {price!r}")
        types = tuple(
            _with_on_demand(kind, float(prices[kind.name])) if kind.name in prices else kind
            for kind in self.instance_types
        )
        spot = self.spot_prices
        if spot is not None:
            nano = {name: round(price * 1_000_000_000) for name, price in prices.items()}
            spot = spot.with_on_demand(nano)
        return replace(self, instance_types=types, spot_prices=spot).at(self.priced_at_ns)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``": did you mean A, B?"`` for the spellings nearest to ``name``, or nothing."""
    import difflib

    close = difflib.get_close_matches(name, sorted(known), n=3)
    return f": did you mean {', '.join(close)}?" if close else ""


def _repriced(kind: InstanceType, prices: Iterable[int | None]) -> InstanceType:
    # Takes one price per spot offering from ``prices``; a type that stays as it was is shared.
    prices = iter(prices)
    offerings = []
    for offering in kind.offerings:
        if offering.capacity_type == SPOT:
            nano = next(prices)
            price = 0.0 if nano is None else nano / 1_000_000_000
            if (price, nano is not None) != (offering.price, offering.available):
                offering = replace(offering, price=price, available=nano is not None)
        offerings.append(offering)
    if all(new is old for new, old in zip(offerings, kind.offerings, strict=True)):
        return kind
    return replace(kind, offerings=tuple(offerings))


def _with_on_demand(kind: InstanceType, price: float) -> InstanceType:
    offerings = tuple(
        replace(o, price=price, available=True) if o.capacity_type == ON_DEMAND else o
        for o in kind.offerings
    )
    return replace(kind, offerings=offerings)
