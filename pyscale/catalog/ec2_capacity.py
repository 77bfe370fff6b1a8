"""What an EC2 machine offers to pods, and what it keeps for itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pyscale.model.catalog import InstanceType, Overhead
from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO, PODS, Resources

from .ec2_data import EC2Shape
from .ec2_labels import MEMORY_LABEL

MEBIBYTE = 2**20
GIBIBYTE = 2**30
NVIDIA_GPU = "nvidia.com/gpu"
AMD_GPU = "amd.com/gpu"
GAUDI = "habana.ai/gaudi"
NEURON = "aws.amazon.com/neuron"
NEURON_CORE = "aws.amazon.com/neuroncore"
EFA = "vpc.amazonaws.com/efa"

_GPU_RESOURCES = {"NVIDIA": NVIDIA_GPU, "AMD": AMD_GPU, "Habana": GAUDI}
# Reserved share of each band of the machine's cores: up to this many millicores, per 10,000.
_CPU_BANDS = ((1_000, 600), (2_000, 100), (4_000, 50), (1 << 31, 25))
_CLUSTER_AUTOSCALER_PODS = 110


@dataclass(frozen=True, slots=True)
class MachineOptions:
    """How machines are set up; the defaults are those of Karpenter with Amazon Linux 2023.

    Parameters
    ----------
    max_pods, pods_per_core : int, optional
        The kubelet's limits; without the first it follows from the network interfaces.
    reserved_enis : int
        Interfaces that pods do not get (Karpenter's ``RESERVED_ENIS``).
    vm_memory_overhead_percent : float
        Share of the memory that the hypervisor takes (``VM_MEMORY_OVERHEAD_PERCENT``).
    uses_instance_store : bool
        Whether local disks make the node's storage (``instanceStorePolicy: RAID0``).
    root_volume_bytes : int
        Size of the root volume.
    kube_reserved, system_reserved, eviction_hard : Resources
        In nano-units; a resource named here replaces the default for that resource.
    """

    max_pods: int | None = None
    pods_per_core: int | None = None
    reserved_enis: int = 0
    vm_memory_overhead_percent: float = 0.075
    uses_instance_store: bool = False
    root_volume_bytes: int = 20 * GIBIBYTE
    kube_reserved: Resources = field(default_factory=dict)
    system_reserved: Resources = field(default_factory=dict)
    eviction_hard: Resources = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values that no machine can have."""
        if not 0 <= self.vm_memory_overhead_percent < 1:
            raise ValueError(
                "vm_memory_overhead_percent must be a share from 0 to 1, "
                f"found {self.vm_memory_overhead_percent}"
            )
        for name in ("max_pods", "pods_per_core", "reserved_enis", "root_volume_bytes"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must be >= 0, found {value}")


def eni_limited_pods(shape: EC2Shape, reserved_enis: int = 0) -> int:
    """Return how many pods can have an address of their own on the machine.

    Notes
    -----
    Follows the AWS provider's ``types.go:ENILimitedPods``; only the default network card counts.
    """
    enis = max(0, shape.enis - reserved_enis)
    return enis * (shape.ipv4_per_eni - 1) + 2 if enis else 0


def capacity_of(shape: EC2Shape, options: MachineOptions) -> dict[str, int]:
    """Return the capacity in nano-units, without the devices that the machine lacks.

    Notes
    -----
    Follows the AWS provider's ``types.go:computeCapacity``, but for ``vpc.amazonaws.com/pod-eni``,
    whose limits EC2 does not publish.
    """
    capacity = {
        CPU: shape.vcpu * NANO,
        MEMORY: _memory_bytes(shape, options) * NANO,
        EPHEMERAL_STORAGE: _storage_bytes(shape, options) * NANO,
        PODS: _pods(shape, options) * NANO,
    }
    return {**capacity, **_devices(shape)}


def overhead_of(shape: EC2Shape, options: MachineOptions) -> Overhead:
    """Return what kubelet, system and eviction thresholds take from the capacity.

    Notes
    -----
    Follows the AWS provider's ``types.go:kubeReservedResources`` and ``evictionThreshold``.
    """
    storage = _storage_bytes(shape, options)
    kube = {
        CPU: _reserved_millicores(shape.vcpu) * NANO // 1000,
        # All of AL2, AL2023 and custom images count the interfaces, whatever max_pods says.
        MEMORY: (255 + 11 * eni_limited_pods(shape)) * MEBIBYTE * NANO,
        EPHEMERAL_STORAGE: GIBIBYTE * NANO,
    }
    eviction = {MEMORY: 100 * MEBIBYTE * NANO, EPHEMERAL_STORAGE: -(-storage // 10) * NANO}
    return Overhead(
        kube_reserved={**kube, **options.kube_reserved},
        system_reserved=dict(options.system_reserved),
        eviction_threshold={**eviction, **options.eviction_hard},
    )


def cluster_autoscaler_view(
    instance_type: InstanceType, resource_tags: Mapping[str, int] | None = None
) -> InstanceType:
    """Return the machine as Cluster Autoscaler imagines it before a node of its group exists.

    110 pods whatever the network allows, the advertised memory, no overhead, no storage, and a
    count of NVIDIA GPUs even where it is 0.

    Parameters
    ----------
    instance_type : InstanceType
        From any catalogue; the advertised memory is known for EC2 only, elsewhere it is the
        capacity.
    resource_tags : Mapping[str, int], optional
        Nano-units from the group's ``node-template/resources`` tags; they overwrite the capacity.

    Notes
    -----
    Follows Cluster Autoscaler ``cloudprovider/aws/aws_manager.go:buildNodeFromTemplate``.
    """
    advertised = instance_type.labels.get(MEMORY_LABEL)
    memory = int(advertised[0]) * MEBIBYTE * NANO if advertised else instance_type.capacity[MEMORY]
    capacity = {
        PODS: _CLUSTER_AUTOSCALER_PODS * NANO,
        CPU: instance_type.capacity[CPU],
        MEMORY: memory,
        NVIDIA_GPU: instance_type.capacity.get(NVIDIA_GPU, 0),
        **(resource_tags or {}),
    }
    return replace(instance_type, capacity=capacity, overhead=Overhead())


def _memory_bytes(shape: EC2Shape, options: MachineOptions) -> int:
    # Graviton machines set 64 MiB aside for contiguous allocation.
    mebibytes = shape.memory_mib - (64 if shape.architecture == "arm64" else 0)
    # The order of the divisions is upstream's: another one rounds differently.
    lost = mebibytes * MEBIBYTE * options.vm_memory_overhead_percent / 1024 / 1024
    return (mebibytes - math.ceil(lost)) * MEBIBYTE


def _storage_bytes(shape: EC2Shape, options: MachineOptions) -> int:
    if options.uses_instance_store and shape.disk:
        return shape.disk[0] * 10**9
    return options.root_volume_bytes


def _pods(shape: EC2Shape, options: MachineOptions) -> int:
    if options.max_pods is None:
        pods = eni_limited_pods(shape, options.reserved_enis)
    else:
        pods = options.max_pods
    if options.pods_per_core:
        pods = min(pods, options.pods_per_core * shape.vcpu)
    return pods


def _devices(shape: EC2Shape) -> dict[str, int]:
    counts: dict[str, int] = {}
    if shape.gpu and shape.gpu[1] in _GPU_RESOURCES:
        counts[_GPU_RESOURCES[shape.gpu[1]]] = shape.gpu[2]
    if shape.accelerator:
        # Devices with Neuron cores are Amazon's own; others have no resource name.
        counts[NEURON] = shape.accelerator[2] if shape.accelerator[3] else 0
        counts[NEURON_CORE] = shape.accelerator[3]
    counts[EFA] = shape.efas
    return {name: count * NANO for name, count in counts.items() if count}


def _reserved_millicores(vcpu: int) -> int:
    reserved, start = 0, 0
    for end, share in _CPU_BANDS:
        band = min(vcpu * 1000, end) - start
        if band > 0:
            reserved += band * share // 10_000
        start = end
    return reserved
