"""The node labels that Karpenter's AWS provider derives from an instance type."""

from __future__ import annotations

import re

from pyscale.model.nodes import REGION_LABEL

from .ec2_data import EC2Shape

PREFIX = "karpenter.k8s.aws/"
WINDOWS_BUILD_LABEL = "node.kubernetes.io/windows-build"
MEMORY_LABEL = f"{PREFIX}instance-memory"

WELL_KNOWN = frozenset(
    PREFIX + suffix
    for suffix in (
        "capacity-reservation-id",
        "capacity-reservation-interruptible",
        "capacity-reservation-type",
        "instance-accelerator-count",
        "instance-accelerator-manufacturer",
        "instance-accelerator-name",
        "instance-capability-flex",
        "instance-category",
        "instance-cpu",
        "instance-cpu-manufacturer",
        "instance-cpu-sustained-clock-speed-mhz",
        "instance-ebs-bandwidth",
        "instance-encryption-in-transit-supported",
        "instance-family",
        "instance-generation",
        "instance-gpu-count",
        "instance-gpu-manufacturer",
        "instance-gpu-memory",
        "instance-gpu-name",
        "instance-hypervisor",
        "instance-local-nvme",
        "instance-memory",
        "instance-network-bandwidth",
        "instance-size",
        "instance-tenancy",
    )
)

# Category letters, for some high-memory types "-<n>tb", generation digits.
_SCHEME = re.compile(r"^([a-z]+)(-[0-9]+tb)?([0-9]+).*\.")


def labels_of(shape: EC2Shape, region: str) -> dict[str, tuple[str, ...]]:
    """Return label key -> possible values; a key that the type lacks has none.

    Notes
    -----
    Follows the AWS provider's ``pkg/providers/instancetype/types.go:computeRequirements``.  The
    zone id label is left out: which id a zone has differs from account to account.
    """
    family, _, size = shape.name.partition(".")
    scheme = _SCHEME.match(shape.name)
    values: dict[str, tuple[object, ...]] = dict.fromkeys(sorted(WELL_KNOWN), ())

    def define(suffix: str, *found: object) -> None:
        values[PREFIX + suffix] = found

    define("instance-cpu", shape.vcpu)
    define("instance-cpu-manufacturer", _lower_kebab(shape.cpu_manufacturer))
    define("instance-memory", shape.memory_mib)
    define("instance-network-bandwidth", shape.network_mbps)
    define("instance-family", family)
    define("instance-size", size)
    define("instance-capability-flex", str("-flex" in family).lower())
    define("instance-encryption-in-transit-supported", str(shape.encryption_in_transit).lower())
    define("instance-tenancy", "default", "dedicated")
    if scheme:
        define("instance-category", scheme[1])
        define("instance-generation", scheme[3])
    if shape.clock_mhz:
        define("instance-cpu-sustained-clock-speed-mhz", shape.clock_mhz)
    if shape.ebs_mbps:
        define("instance-ebs-bandwidth", shape.ebs_mbps)
    if shape.hypervisor:
        define("instance-hypervisor", shape.hypervisor)
    if shape.disk and shape.disk[2]:
        define("instance-local-nvme", shape.disk[0])
    if shape.gpu:
        name, manufacturer, count, mebibytes = shape.gpu
        define("instance-gpu-name", _lower_kebab(name))
        define("instance-gpu-manufacturer", _lower_kebab(manufacturer))
        define("instance-gpu-count", count)
        define("instance-gpu-memory", mebibytes)
    if shape.accelerator:
        name, manufacturer, count, _ = shape.accelerator
        define("instance-accelerator-name", _lower_kebab(name))
        define("instance-accelerator-manufacturer", _lower_kebab(manufacturer))
        define("instance-accelerator-count", count)
    labels = {key: tuple(str(value) for value in found) for key, found in values.items()}
    return {REGION_LABEL: (region,), WINDOWS_BUILD_LABEL: (), **labels}


def _lower_kebab(text: str) -> str:
    return text.replace(" ", "-").lower()
