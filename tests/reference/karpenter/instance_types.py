"""Instance types, offerings and allocatable groups."""

import json
import sys
from dataclasses import dataclass, field

from ..go_sort import sort_slice
from .labels import ARCH, CAPACITY_TYPE, CAPACITY_TYPES, INSTANCE_TYPE, OS, RESERVATION_ID, ZONE
from .quantities import add_resources, parse_resources
from .requirements import (
    Requirements,
    does_not_exist,
    make_requirement,
    one_of,
    requirements_from_labels,
)

MAX_PRICE = sys.float_info.max


@dataclass(eq=False)
class Offering:
    """One way to buy an instance type: a zone and a capacity type at a price."""

    requirements: Requirements
    zone: str
    capacity_type: str
    price: float
    available: bool = True
    reservation_id: str | None = None
    reservation_capacity: int = 0


@dataclass(eq=False)
class AllocatableGroup:
    """The available offerings that share the same capacity and overhead."""

    allocatable: dict
    offerings: list


@dataclass(eq=False)
class InstanceType:
    name: str
    capacity: dict
    requirements: Requirements
    offerings: list
    allocatable_groups: list = field(default_factory=list)

    def compatible_available_offerings(self, requirements, well_known):
        return [
            offering
            for offering in self.offerings
            if offering.available and requirements.compatible(offering.requirements, well_known)
        ]

    def cheapest_price(self, requirements, well_known):
        offerings = self.compatible_available_offerings(requirements, well_known)
        return min((offering.price for offering in offerings), default=MAX_PRICE)

    def worst_launch_price(self, requirements, well_known):
        """The highest price of the first capacity type that has any compatible offering."""
        offerings = self.compatible_available_offerings(requirements, well_known)
        for capacity_type in CAPACITY_TYPES:
            prices = [
                offering.price for offering in offerings if offering.capacity_type == capacity_type
            ]
            if prices:
                return max(prices)
        return MAX_PRICE

    def price_at(self, zone, capacity_type):
        """The price a node pays, available or not; 0 when unknown."""
        for offering in self.offerings:
            if offering.zone == zone and offering.capacity_type == capacity_type:
                return offering.price
        return 0.0


def ordered_by_price(instance_types, requirements, well_known):
    """Cheapest first, ties as Go's unstable sort leaves them."""
    price = {
        id(instance_type): instance_type.cheapest_price(requirements, well_known)
        for instance_type in instance_types
    }
    ordered = list(instance_types)
    sort_slice(ordered, lambda left, right: price[id(left)] < price[id(right)])
    return ordered


def allocatable_of(capacity, overhead):
    """Capacity minus overhead; huge pages are taken out of memory."""
    allocatable = {name: quantity - overhead.get(name, 0) for name, quantity in capacity.items()}
    for name, quantity in capacity.items():
        if name.startswith("hugepages-"):
            allocatable["memory"] = max(0, allocatable.get("memory", 0) - quantity)
    return allocatable


def total_overhead(parts):
    total = {}
    for part in (parts or {}).values():
        total = add_resources(total, parse_resources(part))
    return total


def instance_type_from_input(description, well_known_keys):
    """A type of the case input; what it requires is fixed by the recordings' README ("own
    instance types")."""
    capacity, overhead = (
        parse_resources(description["capacity"]),
        total_overhead(description["overhead"]),
    )
    base = AllocatableGroup(allocatable_of(capacity, overhead), [])
    groups = {None: base}
    offerings = []
    for given in description["offerings"]:
        offering = offering_from_input(given)
        offerings.append(offering)
        if not offering.available:
            continue
        identity = override_identity(given)
        if identity not in groups:
            capacity_here = {**capacity, **parse_resources(given.get("capacityOverride"))}
            overhead_here = {**overhead, **total_overhead(given.get("overheadOverride"))}
            groups[identity] = AllocatableGroup(allocatable_of(capacity_here, overhead_here), [])
        groups[identity].offerings.append(offering)

    available = [offering for offering in offerings if offering.available]
    reservation_ids = {offering.reservation_id for offering in available if offering.reservation_id}
    requirements = Requirements().add(
        [
            one_of(INSTANCE_TYPE, [description["name"]]),
            one_of(ARCH, [description["architecture"]]),
            one_of(OS, description["os"]),
            one_of(ZONE, [offering.zone for offering in available]),
            one_of(CAPACITY_TYPE, [offering.capacity_type for offering in available]),
            one_of(RESERVATION_ID, reservation_ids),
        ]
    )
    labels = description.get("labels", {})
    requirements.add(make_requirement(key, "In", values) for key, values in labels.items())
    requirements.add(does_not_exist(key) for key in well_known_keys if key not in labels)
    return InstanceType(
        description["name"], capacity, requirements, offerings, list(groups.values())
    )


def override_identity(given):
    capacity, overhead = given.get("capacityOverride"), given.get("overheadOverride")
    if not capacity and overhead is None:
        return None
    return json.dumps([capacity, overhead], sort_keys=True)


def offering_from_input(given):
    reservation_id = given.get("reservationID")
    requirements = requirements_from_labels(
        {CAPACITY_TYPE: given["capacityType"], ZONE: given["zone"]}
    )
    requirements.add([one_of(RESERVATION_ID, [reservation_id] if reservation_id else [])])
    return Offering(
        requirements,
        given["zone"],
        given["capacityType"],
        given["price"],
        given.get("available", True),
        reservation_id,
        given.get("reservationCapacity", 0),
    )
