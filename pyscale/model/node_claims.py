"""NodeClaims: the machines that Karpenter has asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .nodes import NODEPOOL_LABEL, NodeCondition
from .requirements import Requirement
from .resources import Resources
from .taints import Taint


@dataclass(frozen=True, slots=True)
class NodeClaim:
    """A ``karpenter.sh/v1`` NodeClaim; times in nanoseconds since the Unix epoch.

    ``expire_after_ns`` None means Never; ``termination_grace_period_ns`` None means absent.
    ``last_pod_event_ns`` is when a pod came to its node or left it last, as far as its status says.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()
    taints: tuple[Taint, ...] = ()
    startup_taints: tuple[Taint, ...] = ()
    requests: Resources = field(default_factory=dict)
    node_class: tuple[str, str, str] = ("", "", "")
    expire_after_ns: int | None = None
    termination_grace_period_ns: int | None = None
    provider_id: str = ""
    node_name: str = ""
    capacity: Resources = field(default_factory=dict)
    allocatable: Resources = field(default_factory=dict)
    conditions: tuple[NodeCondition, ...] = ()
    creation_ns: int | None = None
    deletion_ns: int | None = None
    last_pod_event_ns: int | None = None

    @property
    def node_pool(self) -> str:
        """Name of the NodePool, empty for a claim that stands alone."""
        return self.labels.get(NODEPOOL_LABEL, "")
