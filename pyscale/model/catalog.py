"""Instance types, offerings and the catalogue that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

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

    def allocatable(self) -> dict[str, int]:
        """Return capacity less overhead, in nano-units.

        Huge pages are taken out of memory.  Follows Karpenter core
        ``pkg/cloudprovider/types.go:computeAllocatable``.
        """
        overhead = self.overhead.total()
        result = {name: amount - overhead.get(name, 0) for name, amount in self.capacity.items()}
        for name, amount in self.capacity.items():
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


@dataclass(frozen=True)
class Catalog:
    """Instance types in provider order.

    ``well_known_labels`` are the label keys that a requirement may use without a pool defining
    them, beyond those that every provider knows.
    """

    name: str
    instance_types: tuple[InstanceType, ...]
    region: str = ""
    well_known_labels: frozenset[str] = frozenset()
    source: str = ""

    @cached_property
    def by_name(self) -> Mapping[str, InstanceType]:
        """Instance types by name."""
        return {kind.name: kind for kind in self.instance_types}

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """All zones with an offering, sorted."""
        return tuple(sorted({o.zone for kind in self.instance_types for o in kind.offerings}))
