"""Instance types as Karpenter sees them: what they require, allocatable groups, offerings.

Follows Karpenter core ``pkg/cloudprovider/types.go``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyscale.errors import InvalidObjectError
from pyscale.kernel._gosort import go_resort
from pyscale.model.catalog import RESERVED, Catalog, InstanceType, Offering
from pyscale.model.nodes import (
    ARCH_LABEL,
    CAPACITY_TYPE_LABEL,
    INSTANCE_TYPE_LABEL,
    OS_LABEL,
    ZONE_LABEL,
)
from pyscale.model.resources import MEMORY, Resources

from .requirements import Requirement, Requirements, one_of

MAX_PRICE = sys.float_info.max


@dataclass(frozen=True, slots=True)
class Offer:
    """An offering with its requirement set."""

    offering: Offering
    requirements: Requirements


@dataclass(frozen=True, slots=True)
class AllocatableGroup:
    """The available offerings of a type that share one capacity and overhead."""

    allocatable: Resources
    offers: tuple[Offer, ...]


@dataclass(frozen=True, eq=False)
class CompiledType:
    """An instance type with its requirements."""

    name: str
    kind: InstanceType
    requirements: Requirements
    offers: tuple[Offer, ...]
    groups: tuple[AllocatableGroup, ...]

    @property
    def capacity(self) -> Resources:
        """What the machine has, in nano-units."""
        return self.kind.capacity

    @cached_property
    def zones(self) -> frozenset[str]:
        """Where it is offered, available or not."""
        return frozenset(offer.offering.zone for offer in self.offers)

    @cached_property
    def capacity_types(self) -> frozenset[str]:
        """How it is offered, available or not."""
        return frozenset(offer.offering.capacity_type for offer in self.offers)

    @cached_property
    def available(self) -> frozenset[tuple[Requirements, str]]:
        """Requirement set and capacity type of each available offering."""
        return frozenset(
            (offer.requirements, offer.offering.capacity_type)
            for offer in self.offers
            if offer.offering.available
        )


class Offered(NamedTuple):
    """How a type is offered; see :class:`CompiledType`."""

    available: frozenset[tuple[Requirements, str]]
    zones: frozenset[str]
    capacity_types: frozenset[str]


def compile_catalog(catalog: Catalog, reservation_label: str = "") -> tuple[CompiledType, ...]:
    """Compile every type of a catalogue, in its order.

    Raises
    ------
    InvalidObjectError
        For a type without offerings, an offering without a price, or two types of one name.
    """
    seen: set[str] = set()
    shared: dict[tuple[str, str, str], Requirements] = {}
    compiled = []
    for kind in catalog.instance_types:
        if kind.name in seen:
            raise InvalidObjectError(f"instance type {kind.name}", "the name is taken twice")
        seen.add(kind.name)
        compiled.append(compile_type(kind, reservation_label, shared))
    return tuple(compiled)


def compile_type(
    kind: InstanceType,
    reservation_label: str = "",
    shared: dict[tuple[str, str, str], Requirements] | None = None,
) -> CompiledType:
    """Compile one type; see :func:`compile_catalog`.

    ``shared`` keeps the requirement sets of offerings, of which there are few.
    """
    if not kind.offerings:
        raise InvalidObjectError(f"instance type {kind.name}", "expected at least one offering")
    for i, offering in enumerate(kind.offerings):
        if offering.price != offering.price:
            where = f"instance type {kind.name}: offerings[{i}].price"
            raise InvalidObjectError(where, "expected a price, found none")
    shared = {} if shared is None else shared
    offers = []
    for offering in kind.offerings:
        key = offering.capacity_type, offering.zone, offering.reservation_id
        requirements = shared.get(key)
        if requirements is None:
            requirements = shared[key] = _offering_requirements(offering, reservation_label)
        offers.append(Offer(offering, requirements))
    available = [offering for offering in kind.offerings if offering.available]
    parts = [
        one_of(INSTANCE_TYPE_LABEL, (kind.name,)),
        one_of(ARCH_LABEL, (kind.architecture,)),
        one_of(OS_LABEL, kind.os),
        one_of(ZONE_LABEL, (offering.zone for offering in available)),
        one_of(CAPACITY_TYPE_LABEL, (offering.capacity_type for offering in available)),
    ]
    if reservation_label:
        ids = (offering.reservation_id for offering in available if offering.reservation_id)
        parts.append(one_of(reservation_label, ids))
    parts.extend(one_of(key, values) for key, values in kind.labels.items())
    return CompiledType(kind.name, kind, Requirements(parts), tuple(offers), _groups(kind, offers))


def _offering_requirements(offering: Offering, reservation_label: str) -> Requirements:
    parts = [
        one_of(CAPACITY_TYPE_LABEL, (offering.capacity_type,)),
        one_of(ZONE_LABEL, (offering.zone,)),
    ]
    if reservation_label:
        reserved = (offering.reservation_id,) if offering.reservation_id else ()
        parts.append(one_of(reservation_label, reserved))
    return Requirements(parts)


def _groups(kind: InstanceType, offers: Sequence[Offer]) -> tuple[AllocatableGroup, ...]:
    overhead = kind.overhead.total()
    order: list[object] = [None]
    members: dict[object, list[Offer]] = {None: []}
    allocatable: dict[object, Resources] = {None: _allocatable(kind.capacity, overhead)}
    for offer in offers:
        offering = offer.offering
        if not offering.available:
            continue
        identity: object = None
        if offering.capacity_override or offering.overhead_override is not None:
            replaced = dict(offering.capacity_override or {})
            less = (
                None if offering.overhead_override is None else (offering.overhead_override.total())
            )
            identity = (
                tuple(sorted(replaced.items())),
                None if less is None else tuple(sorted(less.items())),
            )
            if identity not in members:
                order.append(identity)
                members[identity] = []
                allocatable[identity] = _allocatable(
                    {**kind.capacity, **replaced}, {**overhead, **(less or {})}
                )
        members[identity].append(offer)
    return tuple(AllocatableGroup(allocatable[key], tuple(members[key])) for key in order)


def _allocatable(capacity: Resources, overhead: Resources) -> dict[str, int]:
    result = {name: amount - overhead.get(name, 0) for name, amount in capacity.items()}
    for name, amount in capacity.items():
        if name.startswith("hugepages-"):
            result[MEMORY] = max(0, result.get(MEMORY, 0) - amount)
    return result


@dataclass(eq=False)
class TypeColumns:
    """The types that a template may launch, as columns: a type with one allocatable group each.

    Bitsets of columns are Python integers here and little-endian words in the kernel.
    """

    types: tuple[CompiledType, ...]
    columns: tuple[tuple[int, AllocatableGroup], ...]
    first_column: tuple[int, ...]
    well_known: frozenset[str]
    _by_requirement: dict[str, dict[Requirement, int]] = field(default_factory=dict)
    _key_bits: dict[Requirement, int] = field(default_factory=dict)
    _columns_of_offer: dict[Requirements, int] = field(default_factory=dict)
    _prices: dict[Requirements, NDArray[np.float64]] = field(default_factory=dict)
    _price_memo: dict[frozenset[Requirements], NDArray[np.float64]] = field(default_factory=dict)
    _prices_of: dict[Requirements, NDArray[np.float64]] = field(default_factory=dict)

    @staticmethod
    def of(types: Sequence[CompiledType], well_known: frozenset[str]) -> TypeColumns:
        """Lay the types out; groups without room for anything are left out."""
        columns: list[tuple[int, AllocatableGroup]] = []
        first = []
        for i, compiled in enumerate(types):
            first.append(len(columns))
            columns.extend(
                (i, group)
                for group in compiled.groups
                if group.offers and all(amount >= 0 for amount in group.allocatable.values())
            )
        first.append(len(columns))
        self = TypeColumns(tuple(types), tuple(columns), tuple(first), well_known)
        self._index()
        return self

    def _index(self) -> None:
        for i, compiled in enumerate(self.types):
            first, end = self.first_column[i], self.first_column[i + 1]
            bits = ((1 << end) - 1) ^ ((1 << first) - 1)
            for requirement in compiled.requirements:
                by_requirement = self._by_requirement.setdefault(requirement.key, {})
                by_requirement[requirement] = by_requirement.get(requirement, 0) | bits
            for offer in compiled.offers:
                if not offer.offering.available:
                    continue
                prices = self._prices.get(offer.requirements)
                if prices is None:
                    prices = np.full(len(self.types), MAX_PRICE)
                    self._prices[offer.requirements] = prices
                prices[i] = min(prices[i], offer.offering.price)
        for column, (_, group) in enumerate(self.columns):
            for offer in group.offers:
                known = self._columns_of_offer.get(offer.requirements, 0)
                self._columns_of_offer[offer.requirements] = known | (1 << column)

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Number of each type by its name."""
        return {compiled.name: i for i, compiled in enumerate(self.types)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the types, by number."""
        return tuple(compiled.name for compiled in self.types)

    @cached_property
    def _offers(self) -> tuple[list[int], list[Offered]]:
        """Per type the number of how it is offered, and what the numbers stand for."""
        distinct: dict[Offered, int] = {}
        numbers = [
            distinct.setdefault(
                Offered(compiled.available, compiled.zones, compiled.capacity_types), len(distinct)
            )
            for compiled in self.types
        ]
        return numbers, list(distinct)

    def offered(self, types: Iterable[int]) -> list[Offered]:
        """Return the distinct ways in which some types are offered: they are few."""
        numbers, distinct = self._offers
        return [distinct[number] for number in {*map(numbers.__getitem__, types)}]

    @property
    def offer_sets(self) -> Iterable[Requirements]:
        """The distinct requirement sets of available offerings."""
        return self._prices

    @property
    def all_columns(self) -> int:
        """Every column."""
        return (1 << len(self.columns)) - 1

    def allowed(self, requirements: Requirements) -> int:
        """Return the columns that intersect the set and have a compatible available offering."""
        bits = 0
        for offer, columns in self._columns_of_offer.items():
            if requirements.compatible(offer, self.well_known):
                bits |= columns
        for requirement in requirements:
            if not bits:
                break
            bits &= self._bits_of(requirement)
        return bits

    def _bits_of(self, requirement: Requirement) -> int:
        """Columns whose type does not conflict with one requirement."""
        known = self._key_bits.get(requirement)
        if known is None:
            known = self.all_columns
            for held, bits in self._by_requirement.get(requirement.key, {}).items():
                if held.conflicts(requirement):
                    known &= ~bits
            self._key_bits[requirement] = known
        return known

    def prices(self, requirements: Requirements) -> NDArray[np.float64]:
        """Return, per type, the cheapest available compatible offering, else the largest float."""
        known = self._prices_of.get(requirements)
        if known is None:
            known = self._prices_of[requirements] = self._compatible_prices(requirements)
        return known

    def _compatible_prices(self, requirements: Requirements) -> NDArray[np.float64]:
        compatible = frozenset(
            offer for offer in self._prices if requirements.compatible(offer, self.well_known)
        )
        known = self._price_memo.get(compatible)
        if known is None:
            known = np.full(len(self.types), MAX_PRICE)
            for offer in compatible:
                np.minimum(known, self._prices[offer], out=known)
            self._price_memo[compatible] = known
        return known

    def least_prices(self, requirements: Requirements) -> NDArray[np.float64]:
        """Return, per column, a price that none of its type is below, however a set is narrowed.

        That is the cheapest available offering of a capacity type and zone that the set allows.
        The price of a type that the set excludes for good is the largest float: values that are
        listed stay so when they are intersected, while "exists" may become "not in", which a type
        without the label satisfies.
        """
        least = np.full(len(self.types), MAX_PRICE)
        for offer, prices in self._prices.items():
            if all(
                requirements.get_or_exists(key).has(value)
                for key in (CAPACITY_TYPE_LABEL, ZONE_LABEL)
                for value in offer.get_or_exists(key).values
            ):
                np.minimum(least, prices, out=least)
        bits = self.all_columns
        for requirement in requirements:
            if requirement.values and not requirement.complement:
                bits &= self._bits_of(requirement)
        words = bits.to_bytes((len(self.columns) + 7) // 8, "little")
        allowed = np.unpackbits(np.frombuffer(words, dtype=np.uint8), bitorder="little")
        return np.where(allowed[: len(self.columns)], least[self._type_of_column], MAX_PRICE)

    def types_of(self, columns: int) -> list[int]:
        """Return the numbers of the types of some columns, ascending."""
        words = columns.to_bytes((len(self.columns) + 7) // 8, "little")
        bits = np.unpackbits(np.frombuffer(words, dtype=np.uint8), bitorder="little")
        numbers = self._type_of_column[np.flatnonzero(bits)]
        found: list[int] = numbers[np.flatnonzero(np.diff(numbers, prepend=-1))].tolist()
        return found

    @cached_property
    def _type_of_column(self) -> NDArray[np.int32]:
        return np.array([i for i, _ in self.columns], dtype=np.int32)

    def ordered_by_price(
        self, types: Sequence[int], requirements: Requirements, *, stable: bool = False
    ) -> list[int]:
        """Sort types, cheapest first; ties as Go's unstable sort leaves them, or as they were."""
        order = np.array(types, dtype=np.int32)
        if stable:
            prices = self.prices(requirements)[order]
            order = order[np.argsort(prices, kind="stable")]
        else:
            go_resort(order, self.prices(requirements))
        found: list[int] = order.tolist()
        return found

    def missed_min_values(self, types: Sequence[int], requirements: Requirements) -> dict[str, int]:
        """Return key -> number of values offered, for each minValues that is not reached.

        No types at all miss nothing.
        """
        missed: dict[str, int] = {}
        if not types:
            return missed
        for requirement in requirements:
            if requirement.min_values is None:
                continue
            values: set[str] = set()
            for i in types:
                held = self.types[i].requirements.get(requirement.key)
                if held is not None:
                    values |= held.values
            if len(values) < requirement.min_values:
                missed[requirement.key] = len(values)
        return missed

    def reserved_offers(self, requirements: Requirements) -> list[tuple[int, int, str]]:
        """Return (first column, end, reservation) of each compatible reserved offering."""
        found = []
        for i, compiled in enumerate(self.types):
            for offer in compiled.offers:
                offering = offer.offering
                if offering.capacity_type != RESERVED or not offering.available:
                    continue
                if requirements.compatible(offer.requirements, self.well_known):
                    found.append(
                        (self.first_column[i], self.first_column[i + 1], offering.reservation_id)
                    )
        return found
