"""Nodes: what a machine offers and how it is labelled and tainted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .resources import Resources
from .taints import Taint

HOSTNAME_LABEL = "kubernetes.io/hostname"
ZONE_LABEL = "topology.kubernetes.io/zone"
REGION_LABEL = "topology.kubernetes.io/region"
INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"
ARCH_LABEL = "kubernetes.io/arch"
OS_LABEL = "kubernetes.io/os"
CAPACITY_TYPE_LABEL = "karpenter.sh/capacity-type"
NODEPOOL_LABEL = "karpenter.sh/nodepool"


@dataclass(frozen=True, slots=True)
class ContainerImage:
    """An image present on a node."""

    names: tuple[str, ...]
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class NodeCondition:
    """One entry of ``status.conditions``."""

    type: str
    status: str
    reason: str = ""
    last_transition_ns: int | None = None
    last_heartbeat_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One node.  Times are int64 nanoseconds since the Unix epoch, None where absent."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    capacity: Resources = field(default_factory=dict)
    allocatable: Resources = field(default_factory=dict)
    images: tuple[ContainerImage, ...] = ()
    provider_id: str = ""
    creation_ns: int | None = None
    deletion_ns: int | None = None
    conditions: tuple[NodeCondition, ...] = ()
