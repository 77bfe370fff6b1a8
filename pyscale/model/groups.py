"""Where nodes come from: node groups (Cluster Autoscaler) and NodePools (Karpenter)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .catalog import ON_DEMAND
from .disruption import DisruptionSettings
from .requirements import Requirement
from .resources import Resources
from .taints import Taint

#: Annotations in which Karpenter notes down what its objects were made from.
POOL_HASH = "karpenter.sh/nodepool-hash"
NODE_CLASS_HASH = "karpenter.k8s.aws/ec2nodeclass-hash"


def noted_hash(annotations: Mapping[str, str], key: str) -> tuple[str, str]:
    """Return the hash that an annotation notes down, and the version of its algorithm."""
    return annotations.get(key, ""), annotations.get(f"{key}-version", "")


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """An EC2 Auto Scaling group as Cluster Autoscaler keeps it.

    ``instance_types`` with more than one entry is a mixed group, whose first type makes the
    template.  ``options`` overrides the policy's options for this group, by flag name with
    underscores; durations are int nanoseconds.  ``resource_tags`` are the group's
    ``node-template/resources`` tags, with which an operator corrects that template.
    """

    name: str
    instance_types: tuple[str, ...]
    zones: tuple[str, ...]
    min_size: int = 0
    max_size: int = 1000
    desired_size: int = 0
    capacity_type: str = ON_DEMAND
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    resource_tags: Resources = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodePool:
    """A ``karpenter.sh/v1`` NodePool; durations None mean Never (or absent, for the grace period).

    ``requirements``, ``labels``, ``annotations``, ``taints`` and the rest of the second block are
    those of ``spec.template``.  ``template_hash`` is what Karpenter noted down of the template in
    the pool's annotations: hash and version of the hash.
    """

    name: str
    weight: int = 0
    limits: Resources | None = None
    replicas: int | None = None
    disruption: DisruptionSettings = field(default_factory=DisruptionSettings)

    requirements: tuple[Requirement, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    startup_taints: tuple[Taint, ...] = ()
    node_class: tuple[str, str, str] = ("karpenter.test.sh", "TestNodeClass", "default")
    expire_after_ns: int | None = 720 * 3600 * 1_000_000_000
    termination_grace_period_ns: int | None = None

    ready: bool = True
    deletion_ns: int | None = None
    template_hash: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class NodeClass:
    """What a provider knows of a node class, an ``EC2NodeClass`` for instance.

    ``template_hash`` is as in :class:`NodePool`.
    """

    group: str
    kind: str
    name: str
    template_hash: tuple[str, str] = ("", "")
