"""The named catalogues, regenerated from their formulas."""

from functools import cache

from .instance_types import AllocatableGroup, InstanceType, Offering, allocatable_of
from .labels import ARCH, CAPACITY_TYPE, INSTANCE_TYPE, KWOK_PREFIX, OS, ZONE
from .quantities import BILLION, parse_quantity, parse_resources
from .requirements import does_not_exist, one_of, requirements_from_labels

GI = 2**30
OVERHEAD = parse_resources({"cpu": "100m", "memory": "10Mi"})
KWOK_ZONES = ("test-zone-a", "test-zone-b", "test-zone-c", "test-zone-d")
# Two recorded types differ from the formula in the last bit of the price: on-demand, spot.
KWOK_PRICE_EXCEPTIONS = {
    "c-48x-arm64-windows": (1.303079215104, 0.9121554505728),
    "c-192x-arm64-linux": (5.212316860416, 3.6486218022912),
}
FAKE_OFFERINGS = (
    ("spot", "test-zone-1"),
    ("spot", "test-zone-2"),
    ("on-demand", "test-zone-1"),
    ("on-demand", "test-zone-2"),
    ("on-demand", "test-zone-3"),
)


@cache
def named_catalogue(name):
    """`kwok`, `fake-assorted` or `fake:N`."""
    if name == "kwok":
        return kwok_catalogue()
    if name == "fake-assorted":
        return assorted_catalogue()
    return [
        fake_type(f"fake-it-{i}", i + 1, 2 * (i + 1), 10 * (i + 1))
        for i in range(int(name.removeprefix("fake:")))
    ]


def build_type(name, capacity, requirements, prices):
    """`prices` lists (capacity type, zone, price) in offering order; everything is available."""
    offerings = [
        Offering(
            requirements_from_labels({CAPACITY_TYPE: capacity_type, ZONE: zone}),
            zone,
            capacity_type,
            price,
        )
        for capacity_type, zone, price in prices
    ]
    requirements.add(
        [
            one_of(ZONE, [offering.zone for offering in offerings]),
            one_of(CAPACITY_TYPE, [offering.capacity_type for offering in offerings]),
        ]
    )
    groups = [AllocatableGroup(allocatable_of(capacity, OVERHEAD), list(offerings))]
    return InstanceType(name, capacity, requirements, offerings, groups)


def kwok_catalogue():
    return [
        kwok_type(cpu, family, memory_per_cpu, os, arch)
        for cpu in (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256)
        for memory_per_cpu, family in ((2, "c"), (4, "s"), (8, "m"))
        for os in ("linux", "windows")
        for arch in ("amd64", "arm64")
    ]


def kwok_type(cpu, family, memory_per_cpu, os, arch):
    name = f"{family}-{cpu}x-{arch}-{os}"
    gibibytes = cpu * memory_per_cpu
    on_demand = 0.025 * cpu + 0.001 * (gibibytes * GI) / 1e9
    on_demand, spot = KWOK_PRICE_EXCEPTIONS.get(name, (on_demand, on_demand * 0.7))
    capacity = {
        "cpu": cpu * BILLION,
        "memory": gibibytes * GI * BILLION,
        "pods": min(cpu * 16, 1024) * BILLION,
        "ephemeral-storage": parse_quantity("20Gi"),
    }
    memory_text = f"{gibibytes // 1024}Ti" if gibibytes % 1024 == 0 else f"{gibibytes}Gi"
    requirements = requirements_from_labels(
        {
            INSTANCE_TYPE: name,
            ARCH: arch,
            OS: os,
            KWOK_PREFIX + "size": str(cpu),
            KWOK_PREFIX + "family": family,
            KWOK_PREFIX + "cpu": str(cpu),
            KWOK_PREFIX + "memory": memory_text,
        }
    )
    prices = [
        offer
        for zone in KWOK_ZONES
        for offer in (("spot", zone, spot), ("on-demand", zone, on_demand))
    ]
    return build_type(name, capacity, requirements, prices)


def fake_type(
    name,
    cpu,
    gibibytes,
    pods,
    arch="amd64",
    systems=("linux", "windows", "darwin"),
    offers=FAKE_OFFERINGS,
):
    memory_bytes = gibibytes * GI
    price = 0.1 * cpu + 0.1 * memory_bytes / 1e9
    large = cpu > 4 and gibibytes > 8
    requirements = requirements_from_labels(
        {
            INSTANCE_TYPE: name,
            ARCH: arch,
            "size": "large" if large else "small",
            "integer": str(cpu),
        }
    )
    requirements.add(
        [
            one_of(OS, systems),
            one_of("special", ["optional"]) if large else does_not_exist("special"),
        ]
    )
    capacity = {"cpu": cpu * BILLION, "memory": memory_bytes * BILLION, "pods": pods * BILLION}
    return build_type(
        name,
        capacity,
        requirements,
        [(capacity_type, zone, price) for capacity_type, zone in offers],
    )


def assorted_catalogue():
    return [
        fake_type(
            f"{cpu}-cpu-{memory}-mem-{arch}-{os}-{zone}-{capacity_type}",
            cpu,
            memory,
            5,
            arch,
            (os,),
            ((capacity_type, zone),),
        )
        for cpu in (1, 2, 4, 8, 16, 32, 64)
        for memory in (1, 2, 4, 8, 16, 32, 64, 128)
        for zone in ("test-zone-1", "test-zone-2", "test-zone-3")
        for capacity_type in ("spot", "on-demand")
        for os in ("linux", "windows")
        for arch in ("amd64", "arm64")
    ]
