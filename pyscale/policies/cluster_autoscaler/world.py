"""What Cluster Autoscaler sees of the world, and what it does to it.

The loop reads an :class:`Observation` once per iteration and acts through a :class:`World`, which
a recording or a simulation stands behind.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...model.disruption import PodDisruptionBudget
from ...model.nodes import Node
from ...model.pods import PodTemplate
from ...model.taints import Taint
from .classes import PREFIX, PodClass
from .node_shapes import NodeShape

if TYPE_CHECKING:
    from .succession import Succession

T = TypeVar("T", covariant=True)

Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Flags = NDArray[np.bool_]

TO_BE_DELETED = "ToBeDeletedByClusterAutoscaler"
DELETION_CANDIDATE = "DeletionCandidateOfClusterAutoscaler"
SCALE_DOWN_DISABLED = PREFIX + "scale-down-disabled"

OUT_OF_RESOURCES = "OutOfResources"


class Lookup(Protocol[T]):
    """Anything that is asked by a pod's id."""

    def __getitem__(self, pod: int, /) -> T:
        """Return what is known of a pod."""


@dataclass(slots=True, eq=False)  # frozen ones take thrice as long to make
class PodList:
    """Pods as columns, in order; not changed in place.

    Attributes
    ----------
    ids : ndarray of int64
    keys : ndarray of int64
        Pods of one key share a hint.
    classes : ndarray of int32
        Index into the table of classes.
    """

    ids: Int64s
    keys: Int64s
    classes: Int32s

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids.tolist())

    def where(self, chosen: Flags | Int64s | slice) -> PodList:
        """Return the pods of a mask, of positions, or of a slice."""
        return PodList(self.ids[chosen], self.keys[chosen], self.classes[chosen])

    @classmethod
    def joined(cls, parts: Sequence[PodList]) -> PodList:
        """Return the pods of several lists, one behind the other."""
        if not parts:
            return NO_PODS
        return cls(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.keys for part in parts]),
            np.concatenate([part.classes for part in parts]),
        )


def no_numbers() -> Int64s:
    """Return an empty array."""
    return np.empty(0, np.int64)


NO_PODS = PodList(no_numbers(), no_numbers(), np.empty(0, np.int32))


@dataclass(slots=True)
class PodsByNode:
    """Pods of several nodes: those of the i-th are the ones from ``starts[i]`` to the next start.

    Attributes
    ----------
    starts : ndarray of int64, shape (n_nodes + 1,)
    pods : PodList
    """

    starts: Int64s
    pods: PodList

    @classmethod
    def of(cls, parts: Sequence[PodList]) -> PodsByNode:
        """Put the lists of nodes together."""
        starts = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        return cls(starts, PodList.joined(parts))

    def where(self, chosen: Flags) -> PodsByNode:
        """Return the pods of a mask."""
        passed = np.append(0, np.cumsum(chosen))
        return PodsByNode(passed[self.starts], self.pods.where(chosen))

    def split(self, node: int) -> tuple[PodsByNode, PodsByNode]:
        """Return the pods of the nodes before one, and of that one and those behind it."""
        starts, pods = self.starts, self.pods
        first = int(starts[node])
        return (
            PodsByNode(starts[: node + 1], pods.where(slice(first))),
            PodsByNode(starts[node:] - first, pods.where(slice(first, None))),
        )


class Pods(Protocol):
    """What is known of pods, by id; times in nanoseconds."""

    @property
    def table(self) -> Sequence[PodClass]:
        """All classes, by index."""

    @property
    def classes(self) -> Lookup[PodClass]:
        """Class of a pod."""

    @property
    def deletion_ns(self) -> Lookup[int | None]:
        """Deletion timestamp."""

    def created_ns(self, ids: Int64s) -> Int64s:
        """Times of creation."""


class PodColumns:
    """All pods ever seen, by id (position).

    Parameters
    ----------
    table : sequence of PodClass
        All classes, by index; may grow.
    """

    def __init__(self, table: Sequence[PodClass] = ()) -> None:
        self.table = table
        self.names: list[str] = []
        self.classes: list[PodClass] = []
        self.deletion_ns: list[int | None] = []
        self._keys: dict[str, int] = {}
        self._key_ids, self._created = array("q"), array("q")
        self._class_ids = array("i")

    def add(
        self,
        name: str,
        key: str,
        pod_class: PodClass,
        created_ns: int,
        deletion_ns: int | None = None,
    ) -> int:
        """Append a pod and return its id; ``key`` is its UID, or namespace/name."""
        self.names.append(name)
        self.classes.append(pod_class)
        self.deletion_ns.append(deletion_ns)
        self._key_ids.append(self._keys.setdefault(key, len(self._keys)))
        self._created.append(created_ns)
        self._class_ids.append(pod_class.index)
        return len(self.names) - 1

    def created_ns(self, ids: Int64s) -> Int64s:
        """Return times of creation."""
        found: Int64s = np.frombuffer(self._created, np.int64)[ids] if len(ids) else ids
        return found

    def listed(self, ids: Sequence[int]) -> PodList:
        """Return pods as columns."""
        if not ids:
            return NO_PODS
        chosen = np.array(ids, np.int64)
        return PodList(
            chosen,
            np.frombuffer(self._key_ids, np.int64)[chosen],
            np.frombuffer(self._class_ids, np.int32)[chosen],
        )


@dataclass(slots=True)
class NodeRow:
    """A Node object at one time.

    ``node`` has the object's fixed part; ``taints`` and ``unschedulable`` here rule over those in
    it.  ``pods`` are in listing order.  ``version`` changes whenever the object does.  Rows are
    not changed in place: what is the same row has not changed since it was seen last.
    """

    name: str
    group: str
    node: Node
    taints: tuple[Taint, ...]
    unschedulable: bool
    ready: bool
    ready_since_ns: int
    created_ns: int
    pods: PodList
    version: int = 0

    def with_pods(self, pods: PodList) -> NodeRow:
        """Return the object with other pods on the node."""
        return NodeRow(
            self.name,
            self.group,
            self.node,
            self.taints,
            self.unschedulable,
            self.ready,
            self.ready_since_ns,
            self.created_ns,
            pods,
            self.version,
        )

    def written(self, taints: tuple[Taint, ...], unschedulable: bool) -> NodeRow:
        """Return the object as a write of taints and cordon leaves it."""
        return NodeRow(
            self.name,
            self.group,
            self.node,
            taints,
            unschedulable,
            self.ready,
            self.ready_since_ns,
            self.created_ns,
            self.pods,
            self.version + 1,
        )

    def taint(self, key: str) -> Taint | None:
        """Return the first taint of a key."""
        for taint in self.taints:
            if taint.key == key:
                return taint
        return None


def is_disabled(node: NodeRow) -> bool:
    """Whether an annotation forbids the removal."""
    annotations = node.node.annotations
    return bool(annotations) and annotations.get(SCALE_DOWN_DISABLED) == "true"


@dataclass(slots=True)  # frozen ones take thrice as long to make
class Instance:
    """A machine as the cloud lists it, not changed in place; ``error`` as OutOfResources."""

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
    """Everything one iteration reads, in listing order.

    ``controllers`` is another object if what it says has changed.  ``nodes`` is not changed once it
    was handed out; ``succession``, if it is known, says how it follows from an earlier one.
    """

    pods: Pods
    nodes: Sequence[NodeRow]
    pending: PodList
    groups: Sequence[NodeGroupRow]
    budgets: Sequence[PodDisruptionBudget] = ()
    controllers: Controllers = field(default_factory=dict[tuple[str, str, str], Controller])
    daemon_sets: Sequence[DaemonSet] = ()
    succession: Succession | None = None


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
        """List a group's instances, in order of their ids; a list is not changed afterwards."""

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
