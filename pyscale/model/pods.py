"""Pods: what a pod asks for, and the single pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .requirements import NodeSelectorTerm, PreferredNodeSelectorTerm
from .resources import Resources
from .taints import Toleration
from .topology import PodAffinityTerm, TopologySpreadConstraint, WeightedPodAffinityTerm
from .volumes import Volume


@dataclass(frozen=True, slots=True)
class ContainerPort:
    """A port of a container; only a ``host_port`` above 0 restricts placement."""

    container_port: int = 0
    host_port: int = 0
    host_ip: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """What placement reads of a container; an init container with Always is a sidecar."""

    name: str = ""
    image: str = ""
    requests: Resources = field(default_factory=dict)
    limits: Resources = field(default_factory=dict)
    ports: tuple[ContainerPort, ...] = ()
    restart_policy: str | None = None


@dataclass(frozen=True, slots=True)
class OwnerReference:
    """The object that a pod belongs to."""

    kind: str
    name: str
    uid: str = ""
    api_version: str = ""
    controller: bool = False


@dataclass(frozen=True, slots=True)
class PodSpec:
    """The fields of a pod's spec that decide its placement, as written.

    ``resources`` and ``resource_limits`` are the pod-level requests and limits.  ``*_affinity``
    fields are None where the manifest has no such block, which is not the same as an empty one.
    ``manifest`` is the whole spec as it was read, for rules that compare every field.
    """

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    overhead: Resources = field(default_factory=dict)
    resources: Resources = field(default_factory=dict)
    resource_limits: Resources = field(default_factory=dict)
    node_name: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    required_node_affinity: tuple[NodeSelectorTerm, ...] | None = None
    preferred_node_affinity: tuple[PreferredNodeSelectorTerm, ...] = ()
    required_pod_affinity: tuple[PodAffinityTerm, ...] = ()
    preferred_pod_affinity: tuple[WeightedPodAffinityTerm, ...] = ()
    required_pod_anti_affinity: tuple[PodAffinityTerm, ...] = ()
    preferred_pod_anti_affinity: tuple[WeightedPodAffinityTerm, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    topology_spread_constraints: tuple[TopologySpreadConstraint, ...] = ()
    volumes: tuple[Volume, ...] = ()
    priority: int | None = None
    priority_class_name: str = ""
    preemption_policy: str | None = None
    scheduler_name: str = ""
    scheduling_gates: tuple[str, ...] = ()
    host_network: bool = False
    restart_policy: str = ""
    termination_grace_period_seconds: int | None = None
    manifest: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def claims_volumes(self) -> bool:
        """Whether a volume stands for a PersistentVolumeClaim, its own or one made for the pod."""
        return any(v.kind in ("persistentVolumeClaim", "ephemeral") for v in self.volumes)


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """What many pods have in common: metadata and spec."""

    spec: PodSpec = field(default_factory=PodSpec)
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[OwnerReference, ...] = ()

    @property
    def controller(self) -> OwnerReference | None:
        """The owner marked as controller, if any."""
        return next((owner for owner in self.owners if owner.controller), None)


@dataclass(frozen=True, slots=True)
class PodCondition:
    """One entry of ``status.conditions``."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod.  Times are int64 nanoseconds since the Unix epoch, None where absent."""

    name: str
    template: PodTemplate
    uid: str = ""
    creation_ns: int | None = None
    deletion_ns: int | None = None
    start_ns: int | None = None
    node_name: str = ""
    nominated_node_name: str = ""
    phase: str = ""
    conditions: tuple[PodCondition, ...] = ()

    @property
    def namespace(self) -> str:
        """The namespace, from the template."""
        return self.template.namespace

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.template.namespace}/{self.name}"
