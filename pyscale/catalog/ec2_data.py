"""The shipped table of EC2 instance types, zones and on-demand prices."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pyscale.errors import InvalidObjectError
from pyscale.model.catalog import nearest


@dataclass(frozen=True, slots=True)
class EC2Shape:
    """What EC2 says of one instance type, the same in every region.

    ``gpu`` is (name, manufacturer, count, MiB each), ``accelerator`` is (name, manufacturer,
    count, Neuron cores in all), ``disk`` is (GB in all, number of disks, whether NVMe).
    """

    name: str
    vcpu: int
    memory_mib: int
    architecture: str
    enis: int
    ipv4_per_eni: int
    efas: int
    network_mbps: int
    encryption_in_transit: bool
    cpu_manufacturer: str
    clock_mhz: int
    ebs_mbps: int
    hypervisor: str
    is_bare_metal: bool
    is_current_generation: bool
    has_spot: bool
    gpu: tuple[str, str, int, int] | None = None
    accelerator: tuple[str, str, int, int] | None = None
    disk: tuple[int, int, bool] | None = None

    @property
    def runs_kubernetes(self) -> bool:
        """Whether Kubernetes has nodes of the type's architecture (it has none on Macs)."""
        return self.architecture in ("amd64", "arm64")


@dataclass(frozen=True, slots=True)
class EC2Region:
    """Zones of a region and, per instance type, where it is sold and its on-demand price.

    ``zone_mask`` has bit ``i`` set where ``zones[i]`` sells the type; ``on_demand`` is in US
    dollars per hour, 0 where the price is not known.  Both are in the order of :func:`shapes`.
    """

    name: str
    zones: tuple[str, ...]
    zone_mask: tuple[int, ...]
    on_demand: tuple[float, ...]

    def zones_of(self, index: int) -> tuple[str, ...]:
        """Return the zones that sell a type, sorted."""
        mask = self.zone_mask[index]
        return tuple(zone for i, zone in enumerate(self.zones) if mask >> i & 1)


@cache
def _load() -> Mapping[str, Any]:
    packed = files("pyscale.catalog").joinpath("data", "ec2.json.gz").read_bytes()
    data: Mapping[str, Any] = json.loads(gzip.decompress(packed))
    return data


@cache
def shapes() -> tuple[EC2Shape, ...]:
    """Return every known type, sorted by name."""
    data = _load()
    columns, devices = data["types"], data["devices"]
    flags = ("encryption_in_transit", "is_bare_metal", "is_current_generation", "has_spot")
    found = []
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        row.update({flag: bool(row[flag]) for flag in flags})
        for kind in ("gpu", "accelerator"):
            if row["name"] in devices[kind]:
                row[kind] = tuple(devices[kind][row["name"]])
        if row["name"] in devices["disk"]:
            gigabytes, count, is_nvme = devices["disk"][row["name"]]
            row["disk"] = (gigabytes, count, bool(is_nvme))
        found.append(EC2Shape(**row))
    return tuple(found)


def region_names() -> tuple[str, ...]:
    """Return the names of all known regions, sorted."""
    return tuple(sorted(_load()["regions"]))


@cache
def region(name: str) -> EC2Region:
    """Return one region.

    Raises
    ------
    InvalidObjectError
        If the region is unknown; names the nearest spellings.
    """
    known = _load()["regions"]
    if name not in known:
        raise InvalidObjectError("catalogue ec2", f"unknown region {name!r}{nearest(name, known)}")
    row = known[name]
    return EC2Region(
        name, tuple(row["zones"]), tuple(row["zone_mask"]), tuple(map(float, row["on_demand"]))
    )


def source() -> str:
    """Return where the table comes from, with versions and the date of the price list."""
    parts = _load()["source"]
    return f"shapes and zones: {parts['shapes_and_zones']}; prices: {parts['prices']}"
