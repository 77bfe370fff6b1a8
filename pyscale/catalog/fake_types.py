"""The machine types of Karpenter's unit tests and of its benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

from pyscale.model.catalog import ON_DEMAND, SPOT, Catalog, InstanceType, Offering
from pyscale.model.resources import CPU, MEMORY, NANO, PODS

from .kwok_types import GIBIBYTE, OVERHEAD

SIZE_LABEL = "size"
SPECIAL_LABEL = "special"
INTEGER_LABEL = "integer"
GPU_VENDOR_A = "fake.com/vendor-a"
GPU_VENDOR_B = "fake.com/vendor-b"

ZONES = ("test-zone-1", "test-zone-2", "test-zone-3")
_ARCHITECTURES = ("amd64", "arm64")
_OFFERINGS = (
    (SPOT, "test-zone-1"),
    (SPOT, "test-zone-2"),
    (ON_DEMAND, "test-zone-1"),
    (ON_DEMAND, "test-zone-2"),
    (ON_DEMAND, "test-zone-3"),
)
_SYSTEMS = ("linux", "windows", "darwin")


@lru_cache(maxsize=16)
def fake(n: int) -> Catalog:
    """Return ``n`` machines that grow by 1 cpu, 2 GiB and 10 pods each: ``fake-it-0`` and so on.

    Parameters
    ----------
    n : int
        Number of types, at least 1.

    Raises
    ------
    ValueError
        If ``n`` is below 1.

    Notes
    -----
    Follows Karpenter core ``pkg/cloudprovider/fake/instancetype.go:InstanceTypes``.

    Examples
    --------
    >>> from pyscale.catalog import fake
    >>> fake(400).instance_types[-1].name
    'fake-it-399'
    """
    if n < 1:
        raise ValueError(f"n must be >= 1, found {n}")
    return _catalog(
        f"fake:{n}",
        tuple(_machine(f"fake-it-{i}", i + 1, 2 * (i + 1), 10 * (i + 1)) for i in range(n)),
    )


@cache
def fake_assorted() -> Catalog:
    """Return the 1,344 types of one offering each: cpu, memory, zone, purchase option, os, arch.

    Notes
    -----
    Follows Karpenter core ``pkg/cloudprovider/fake/instancetype.go:InstanceTypesAssorted``.
    """
    types = tuple(
        _machine(
            f"{cpu}-cpu-{gibibytes}-mem-{architecture}-{os}-{zone}-{capacity_type}",
            cpu,
            gibibytes,
            architecture=architecture,
            systems=(os,),
            offerings=((capacity_type, zone),),
        )
        for cpu in (1, 2, 4, 8, 16, 32, 64)
        for gibibytes in (1, 2, 4, 8, 16, 32, 64, 128)
        for zone in ZONES
        for capacity_type in (SPOT, ON_DEMAND)
        for os in ("linux", "windows")
        for architecture in _ARCHITECTURES
    )
    return _catalog("fake-assorted", types)


@cache
def fake_default() -> Catalog:
    """Return the six types that the fake provider has when a test asks for none.

    Notes
    -----
    Follows Karpenter core ``pkg/cloudprovider/fake/cloudprovider.go:GetInstanceTypes``.
    """
    types = (
        _machine("default-instance-type"),
        _machine("small-instance-type", 2, 2),
        _machine("gpu-vendor-instance-type", gpus={GPU_VENDOR_A: 2}),
        _machine("gpu-vendor-b-instance-type", gpus={GPU_VENDOR_B: 2}),
        _machine(
            "arm-instance-type",
            16,
            128,
            architecture="arm64",
            systems=("ios", "linux", "windows", "darwin"),
        ),
        _machine("single-pod-instance-type", pods=1),
    )
    return _catalog("fake-default", types)


def _catalog(name: str, types: tuple[InstanceType, ...]) -> Catalog:
    return Catalog(
        name=name,
        instance_types=types,
        well_known_labels=frozenset((SIZE_LABEL, SPECIAL_LABEL, INTEGER_LABEL)),
        source="karpenter core pkg/cloudprovider/fake, revision 2266468104f3",
    )


def _machine(
    name: str,
    cpu: int = 4,
    gibibytes: int = 4,
    pods: int = 5,
    *,
    architecture: str = "amd64",
    systems: tuple[str, ...] = _SYSTEMS,
    gpus: Mapping[str, int] | None = None,
    offerings: tuple[tuple[str, str], ...] = _OFFERINGS,
) -> InstanceType:
    memory_bytes = gibibytes * GIBIBYTE
    # The order of the additions is upstream's: another one rounds differently.
    price = 0.1 * cpu + 0.1 * memory_bytes / 1e9
    gpus = gpus or {}
    price += 1.0 * len(gpus)
    is_large = cpu > 4 and gibibytes > 8
    return InstanceType(
        name=name,
        architecture=architecture,
        os=systems,
        capacity={
            CPU: cpu * NANO,
            MEMORY: memory_bytes * NANO,
            PODS: pods * NANO,
            **{vendor: count * NANO for vendor, count in gpus.items()},
        },
        overhead=OVERHEAD,
        labels={
            SIZE_LABEL: ("large" if is_large else "small",),
            SPECIAL_LABEL: ("optional",) if is_large else (),
            INTEGER_LABEL: (str(cpu),),
        },
        offerings=tuple(Offering(zone, kind, price) for kind, zone in offerings),
    )
