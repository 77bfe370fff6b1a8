"""The 144 machine types that Karpenter's kwok provider ships."""

from __future__ import annotations

from functools import cache

from pyscale.model.catalog import ON_DEMAND, SPOT, Catalog, InstanceType, Offering, Overhead
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS

GIBIBYTE = 2**30

KWOK_SIZE_LABEL = "karpenter.kwok.sh/instance-size"
KWOK_FAMILY_LABEL = "karpenter.kwok.sh/instance-family"
KWOK_CPU_LABEL = "karpenter.kwok.sh/instance-cpu"
KWOK_MEMORY_LABEL = "karpenter.kwok.sh/instance-memory"

ZONES = ("test-zone-a", "test-zone-b", "test-zone-c", "test-zone-d")
OVERHEAD = Overhead(kube_reserved={CPU: NANO // 10, MEMORY: 10 * 2**20 * NANO})

# In the table that upstream embeds these two types differ from the formula in the last bit, and
# that bit breaks ties.
_ON_DEMAND_PRICES = {
    "c-48x-arm64-windows": 1.303079215104,
    "c-192x-arm64-linux": 5.212316860416,
}
_SPOT_PRICES = {
    "c-48x-arm64-windows": 0.9121554505728,
    "c-192x-arm64-linux": 3.6486218022912,
}


@cache
def kwok() -> Catalog:
    """Return the kwok catalogue: 144 types of 8 offerings each, all available.

    Returns
    -------
    Catalog
        Types in the provider's order (cpu, family, operating system, architecture); in each the
        offerings zone by zone, spot before on-demand.

    Notes
    -----
    Follows Karpenter core ``kwok/tools/gen_instance_types.go`` and
    ``kwok/cloudprovider/helpers.go``; prices equal the embedded table to the last bit.

    Examples
    --------
    >>> from pyscale.catalog import kwok
    >>> kwok().by_name["c-1x-amd64-linux"].offerings[1].price
    0.027147483648
    """
    types = tuple(
        _instance_type(cpu, family, gibibytes_per_cpu, os, architecture)
        for cpu in (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256)
        for gibibytes_per_cpu, family in ((2, "c"), (4, "s"), (8, "m"))
        for os in ("linux", "windows")
        for architecture in ("amd64", "arm64")
    )
    labels = (KWOK_SIZE_LABEL, KWOK_FAMILY_LABEL, KWOK_CPU_LABEL, KWOK_MEMORY_LABEL)
    return Catalog(
        name="kwok",
        instance_types=types,
        well_known_labels=frozenset(labels),
        source="karpenter core kwok/tools/gen_instance_types.go, revision 2266468104f3",
    )


def _instance_type(
    cpu: int, family: str, gibibytes_per_cpu: int, os: str, architecture: str
) -> InstanceType:
    name = f"{family}-{cpu}x-{architecture}-{os}"
    gibibytes = cpu * gibibytes_per_cpu
    on_demand = _ON_DEMAND_PRICES.get(name, 0.025 * cpu + 0.001 * (gibibytes * GIBIBYTE) / 1e9)
    spot = _SPOT_PRICES.get(name, on_demand * 0.7)
    memory_text = f"{gibibytes // 1024}Ti" if gibibytes % 1024 == 0 else f"{gibibytes}Gi"
    return InstanceType(
        name=name,
        architecture=architecture,
        os=(os,),
        capacity={
            CPU: cpu * NANO,
            MEMORY: gibibytes * GIBIBYTE * NANO,
            PODS: min(cpu * 16, 1024) * NANO,
            EPHEMERAL_STORAGE: 20 * GIBIBYTE * NANO,
        },
        overhead=OVERHEAD,
        labels={
            KWOK_SIZE_LABEL: (str(cpu),),
            KWOK_FAMILY_LABEL: (family,),
            KWOK_CPU_LABEL: (str(cpu),),
            KWOK_MEMORY_LABEL: (memory_text,),
        },
        offerings=tuple(
            Offering(zone, capacity_type, price)
            for zone in ZONES
            for capacity_type, price in ((SPOT, spot), (ON_DEMAND, on_demand))
        ),
    )
