"""What Cluster Autoscaler sees of the world, and what it does to it.

The loop reads an :class:`Observation` once per iteration and acts through a :class:`World`, which
a recording or a simulation stands behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from ...model.disruption import PodDisruptionBudget
from ...model.nodes import Node
from ...model.pods import PodTemplate
from ...model.taints import Taint
from .classes import PodClass
from .node_shapes import NodeShape

T = TypeVar("T", covariant=True)

TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
DELETION_CANDIDATE = "DeletionCandidateOfClusterAutoscaler"

OUT_OF_RESOURCES = "OutOfResources"


class Lookup(Protocol[T]):
    """Anything that is asked by a pod's id."""

    def __getitem__(self, pod: int, /) -> T:
        """Return what is known of a pod."""


class Pods(Protocol):
    """What is known of pods, by id: class, key of hints, times in nanoseconds."""

    @property
    def classes(self) -> Lookup[PodClass]:
        """Class of a pod."""

    @property
    def keys(self) -> Lookup[str]:
        """UID, or namespace/name."""

    @property
    def created_ns(self) -> Lookup[int]:
        """Time of creation."""

    @property
    def deletion_ns(self) -> Lookup[int | None]:
        """Deletion timestamp."""


@dataclass(slots=True)
class PodColumns:
    """All pods ever seen, by id (position)."""

    names: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # UID, or namespace/name
    classes: list[PodClass] = field(default_factory=list)
    created_ns: list[int] = field(default_factory=list)
    deletion_ns: list[int | None] = field(default_factory=list)

    def add(
        self,
        name: str,
        key: str,
        pod_class: PodClass,
        created_ns: int,
        deletion_ns: int | None = None,
    ) -> int:
        """Append a pod and return its id."""
        self.names.append(name)
        self.keys.append(key)
        self.classes.append(pod_class)
        self.created_ns.append(created_ns)
        self.deletion_ns.append(deletion_ns)
        return len(self.names) - 1


@dataclass(slots=True)
class NodeRow:
    """A Node object at one time.

    ``node`` has the object's fixed part; ``taints`` and ``unschedulable`` here rule over those in
    it.  ``pods`` are ids in listing order.  ``version`` changes whenever the object does.
    """

    name: str
    group: str
    node: Node
    taints: tuple[Taint, ...]
    unschedulable: bool
    ready: bool
    ready_since_ns: int
    created_ns: int
    pods: Sequence[int]
    version: int = 0

    def taint(self, key: str) -> Taint | None:
        """Return the first taint of a key."""
        for taint in self.taints:
            if taint.key == key:
                return taint
        return None


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine as the cloud lists it; ``error`` is a class such as OutOfResources."""

    name: str
    deleting: bool = False
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether the creation failed and nobody has cleaned up yet."""
        return bool(self.error) and not self.deleting


@dataclass(slots=True)
class NodeGroupRow:
    """A node group as the cloud knows it."""

    name: str
    min_size: int
    max_size: int
    target: int
    template: NodeShape | None
    options: Mapping[str, Any] = field(default_factory=dict)
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Controller:
    """A workload object; ``replicas`` is ``parallelism`` for a Job."""

    kind: str
    namespace: str
    name: str
    replicas: int


class Controllers(Protocol):
    """Workload objects by (kind, namespace, name)."""

    def get(self, key: tuple[str, str, str], /) -> Controller | None:
        """Return the object, None if there is none."""


@dataclass(frozen=True, slots=True)
class DaemonSet:
    """A DaemonSet: what each of its pods looks like."""

    name: str
    namespace: str
    template: PodTemplate
    pod_class: PodClass


@dataclass(slots=True)
class Observation:
    """Everything one iteration reads, in listing order."""

    pods: Pods
    nodes: Sequence[NodeRow]
    pending: Sequence[int]
    groups: Sequence[NodeGroupRow]
    budgets: Sequence[PodDisruptionBudget] = ()
    controllers: Controllers = field(default_factory=dict[tuple[str, str, str], Controller])
    daemon_sets: Sequence[DaemonSet] = ()


class World(Protocol):
    """The cloud and the API server; calls return an error text, "" for success."""

    def now(self) -> int:
        """Return the time in nanoseconds."""

    def advance(self, to_ns: int) -> None:
        """Let time pass up to an instant, between iterations."""

    def sleep(self, duration_ns: int) -> None:
        """Let time pass within an iteration."""

    def observe(self) -> Observation:
        """List everything."""

    def instances(self, group: str) -> Sequence[Instance]:
        """List a group's instances, in order of their ids."""

    def target_size(self, group: str) -> int:
        """Return a group's target size."""

    def increase_size(self, group: str, delta: int, atomic: bool = False) -> str:
        """Raise a group's target."""

    def delete_nodes(self, group: str, names: Sequence[str], force: bool = False) -> str:
        """Delete instances and lower the target by their number."""

    def decrease_target(self, group: str, delta: int) -> str:
        """Lower a group's target by ``-delta`` without touching registered nodes."""

    def node(self, name: str) -> NodeRow | None:
        """Read one Node object afresh."""

    def update_taints(
        self,
        name: str,
        version: int,
        add: Sequence[Taint] = (),
        remove: Sequence[str] = (),
        unschedulable: bool | None = None,
    ) -> bool:
        """Write a Node object read at ``version``; False on a conflict."""

    def pods_of(self, name: str) -> Sequence[int]:
        """List the pods of one node afresh."""

    def budgets(self) -> Sequence[PodDisruptionBudget]:
        """List the disruption budgets afresh."""

    def evict(self, pod: int) -> str:
        """Ask for an eviction: "", ``refused`` or another error."""

    def pod_exists(self, pod: int, node: str) -> bool:
        """Whether a pod is still on a node."""
