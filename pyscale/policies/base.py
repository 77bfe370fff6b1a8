"""What a policy sees, and what it must be: ``decide(view) -> Decision``.

Times are int nanoseconds since the start of the run; ``setting.epoch_ns`` more gives Unix time.
All arrays of a view are read-only and belong to the policy for the length of one ``decide``: keep
copies.  Ids of pods, nodes, classes and kinds never change their meaning within a run, so a policy
may key its own memory by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import Catalog
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.nodes import Node
from pyscale.model.pods import PodTemplate

from .decision import Decision, WakeOn

if TYPE_CHECKING:
    from pyscale.kernel._placer import Placer

Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]

BOOTING = 0
"""The machine was bought and has not joined the cluster."""
READY = 1
"""The node takes pods, unless it is cordoned."""
DRAINING = 2
"""The node is cordoned for good and its pods are being evicted."""
TERMINATING = 3
"""The node has no pods any more and its machine is on its way out; it still costs."""


@dataclass(frozen=True)
class Setting:
    """What holds for a whole run, or for one decision on a dump.

    Attributes
    ----------
    templates : tuple of PodTemplate
        Pod classes; the index is the class id of the views.
    catalog : Catalog
        Machines and prices at time zero; ``view.catalog`` has the prices of the moment.
    resources : tuple of str
        Names of the resources, the row order of all tables; ``cpu`` in milli-cores, all else in
        its own unit (bytes, counts).  ``pods`` is one of them.
    requests : ndarray of int64, shape (n_resources, n_classes)
        Effective request of a pod of each class, rounded up; 1 for ``pods``.
    disruption_budgets : tuple of PodDisruptionBudget
        The specifications; what they allow at a moment is ``view.disruptions_allowed``.
    daemon_classes : tuple of int
        Classes of DaemonSets: the world runs one pod of them on every node that takes it.
    nodes : tuple of Node
        Nodes that are there from the start and belong to no group or pool.
    expected_running : ndarray of float64, shape (n_classes,)
        How many pods of each class run on average, for policies that plan ahead.
    epoch_ns : int
        Unix time of time zero.
    seed : int
        For policies that draw random numbers.
    objects : mapping of str to tuple
        Other objects of the cluster by kind, as a trace has them: Namespace, Service, Workload,
        PersistentVolume, PersistentVolumeClaim, StorageClass, CSINode.
    """

    templates: tuple[PodTemplate, ...]
    catalog: Catalog
    resources: tuple[str, ...]
    requests: Int64s
    disruption_budgets: tuple[PodDisruptionBudget, ...] = ()
    daemon_classes: tuple[int, ...] = ()
    nodes: tuple[Node, ...] = ()
    expected_running: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    epoch_ns: int = 0
    seed: int = 0
    objects: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeKind:
    """What nodes have in common: nodes of one kind differ in name only.

    Attributes
    ----------
    node : Node
        Labels (without the hostname), taints, annotations, capacity and allocatable in nano-units,
        as the cluster sees a node of this kind once it is ready; its name is the kind's own.
    instance_type, zone, capacity_type : str
        The offering that was bought; empty for nodes that are there from the start.
    group : int
        Index into ``view.groups``, -1 for none.
    pool : int
        Index into ``view.pools``, -1 for none.
    """

    node: Node
    instance_type: str = ""
    zone: str = ""
    capacity_type: str = ""
    group: int = -1
    pool: int = -1


@dataclass(frozen=True, slots=True)
class Placements:
    """The pods on all nodes, daemon pods included, in compressed rows.

    Pods of the node in row ``i`` are ``pod[start[i]:start[i + 1]]``, in ascending order of id;
    the other columns go with it.

    Attributes
    ----------
    start : ndarray of int64, shape (n_nodes + 1,)
    pod : ndarray of int64, shape (n_placed,)
    class_id : ndarray of int32, shape (n_placed,)
    bound_ns : ndarray of int64, shape (n_placed,)
    """

    start: Int64s
    pod: Int64s
    class_id: Int32s
    bound_ns: Int64s


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that a policy asked for and did not get, or that the cloud took away.

    Attributes
    ----------
    time_ns : int
    code : str
        ``InsufficientCapacity`` (no offering had room; ``detail`` says which were tried),
        ``LaunchFailed`` (the machine never joined), ``Interrupted`` (the cloud takes the machine
        back at ``view.node_lost_ns``), ``DrainTimeout``, ``ReplacementFailed`` (the nodes to be
        replaced stay), ``MinSize`` (a group that is as small as it may be keeps its machine).
    node : int
        Node id, -1 where there is none.
    group, pool : int
        Index of the group or pool, -1 for none.
    token : int
        The token of the AddNodes, -1 for none.
    instance_type, zone, capacity_type : str
        The offering, empty where none was chosen.
    detail : str
    """

    time_ns: int
    code: str
    node: int = -1
    group: int = -1
    pool: int = -1
    token: int = -1
    instance_type: str = ""
    zone: str = ""
    capacity_type: str = ""
    detail: str = ""


def _no_numbers() -> Int64s:
    return np.empty(0, np.int64)


@dataclass(frozen=True)
class ClusterView:
    """The cluster and the cloud at one moment; columns, read-only.

    Pending pods are in order of creation (``pending_since_ns``, then id); an evicted pod of a
    controller counts as created at its eviction and has a new id.  The scheduler has already tried
    all of them.  Nodes are in ascending order of id, which is the order of purchase; a node is in
    the view from the purchase until its machine is gone.

    Attributes
    ----------
    setting : Setting
    now_ns : int
    woken_by : WakeOn
        What happened since the last call; NOTHING for the first call or when ``wake_ns`` came.
    groups : tuple of NodeGroup
    pools : tuple of NodePool
        As the policy gave them.
    group_desired : ndarray of int64, shape (n_groups,)
        Desired capacity; more than the group's nodes while instances can't be had.
    pending_pod : ndarray of int64, shape (n_pending,)
        Pod ids.
    pending_class : ndarray of int32, shape (n_pending,)
    pending_since_ns : ndarray of int64, shape (n_pending,)
    node_id : ndarray of int64, shape (n_nodes,)
    node_kind : ndarray of int32, shape (n_nodes,)
        Index into ``kinds``.
    node_state : ndarray of uint8, shape (n_nodes,)
        BOOTING, READY, DRAINING or TERMINATING.
    node_cordoned : ndarray of bool, shape (n_nodes,)
        Takes no new pods: draining, or waiting for its replacement.
    node_created_ns : ndarray of int64, shape (n_nodes,)
        Time of purchase.
    node_ready_ns : ndarray of int64, shape (n_nodes,)
        When it joined the cluster; -1 while it boots.
    node_lost_ns : ndarray of int64, shape (n_nodes,)
        When the cloud takes the machine back, as announced; -1 where nothing is announced.
    node_token : ndarray of int64, shape (n_nodes,)
        Token of the AddNodes that bought it, -1 for none.
    node_version : ndarray of int64, shape (n_nodes,)
        Grows whenever a pod is bound to the node or leaves it, or its state changes: what a policy
        keeps about a node holds while this number stays.
    node_requested : ndarray of int64, shape (n_resources, n_nodes)
        Sum of the requests of its pods, in the units of ``setting.resources``.
    kinds : sequence of NodeKind
        Grows within a run; a kind keeps its index.
    kind_allocatable : ndarray of int64, shape (n_resources, n_kinds)
        Allocatable of a node of the kind, rounded down.
    kind_price_nano : ndarray of int64, shape (n_kinds,)
        Price of the moment in nano-dollars per hour.
    disruptions_allowed : ndarray of int64, shape (n_budgets,)
        What each disruption budget allows now.
    failures : tuple of Failure
        Since the last call, in order of time.
    prices_change_ns : int or None
        When prices may change next, None for never.
    catalog : Catalog
        With the prices of the moment.
    placements : Placements
        Made when it is first read: O(live pods).
    """

    setting: Setting
    now_ns: int
    pending_pod: Int64s
    pending_class: Int32s
    pending_since_ns: Int64s
    node_id: Int64s
    node_kind: Int32s
    node_state: NDArray[np.uint8]
    node_cordoned: NDArray[np.bool_]
    node_created_ns: Int64s
    node_ready_ns: Int64s
    node_lost_ns: Int64s
    node_token: Int64s
    node_version: Int64s
    node_requested: Int64s
    kinds: Sequence[NodeKind]
    kind_allocatable: Int64s
    kind_price_nano: Int64s
    read_placements: Callable[[], Placements] = field(repr=False)
    read_catalog: Callable[[], Catalog] = field(repr=False)
    read_pods_of: Callable[[Sequence[int] | Int64s], Placements] = field(repr=False)
    woken_by: WakeOn = WakeOn.NOTHING
    groups: tuple[NodeGroup, ...] = ()
    pools: tuple[NodePool, ...] = ()
    group_desired: Int64s = field(default_factory=_no_numbers)
    disruptions_allowed: Int64s = field(default_factory=_no_numbers)
    failures: tuple[Failure, ...] = ()
    prices_change_ns: int | None = None

    @property
    def n_pending(self) -> int:
        """Number of pending pods."""
        return len(self.pending_pod)

    @property
    def n_nodes(self) -> int:
        """Number of nodes, machines that boot included."""
        return len(self.node_id)

    @cached_property
    def placements(self) -> Placements:
        """The pods on all nodes."""
        return self.read_placements()

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue with the prices of the moment."""
        return self.read_catalog()

    def pods_on(self, row: int) -> tuple[Int64s, Int32s, Int64s]:
        """Return ids, classes and binding times of the pods on the node in a row, by id.

        O(pods on the node); for a few nodes this is cheaper than :attr:`placements`.
        """
        held = self.read_pods_of([row])
        return held.pod, held.class_id, held.bound_ns

    def pods_of(self, rows: Sequence[int] | Int64s) -> Placements:
        """Return the pods on the nodes in some rows; node ``rows[i]`` is row ``i`` of the result.

        The arrays are the caller's to keep.  O(pods on the nodes).
        """
        return self.read_pods_of(rows)

    def row_of(self, node: int) -> int:
        """Return the row of a node id, -1 if the node is gone.  O(log n_nodes)."""
        ids = self.node_id
        row = int(ids.searchsorted(node))
        return row if row < len(ids) and ids[row] == node else -1


@runtime_checkable
class Policy(Protocol):
    """An autoscaler.  Derive from this class, or provide the same methods.

    A policy is a small frozen object of options.  What a run must remember from call to call lives
    in the object that :meth:`begin` returns, so one policy serves many runs; a policy without
    memory is its own run.  Equal views and equal memory must give equal decisions: no clock, no
    random numbers but from ``setting.seed``.

    ``name`` stands in tables; a comparison tells equal names apart by a number.
    """

    name: ClassVar[str] = "policy"

    def begin(self, setting: Setting) -> Policy:
        """Return what decides in one run: itself, or a fresh object with a memory."""
        return self

    def node_groups(self) -> tuple[NodeGroup, ...]:
        """Return the Auto Scaling groups that somebody maintains for this policy.

        Read once, from the object that :meth:`begin` returned; each starts with its
        ``desired_size`` booted at time zero.
        """
        return ()

    def node_pools(self) -> tuple[NodePool, ...]:
        """Return the NodePools that ``AddNodes.pool`` may name; read once as the groups are."""
        return ()

    def decide(self, view: ClusterView) -> Decision:
        """Look at the view and say what to do, and when to be asked again.

        Called first at time zero, and then as the last decision wished.
        """
        ...


@runtime_checkable
class Scheduler(Protocol):
    """What binds pods: a factory of the compiled placer that the event loop calls."""

    name: ClassVar[str] = "scheduler"

    def placer(self, setting: Setting) -> Placer:
        """Return a fresh placer for the classes of ``setting``; it has no nodes yet.

        Raises
        ------
        UnsupportedError
            If a class asks for something that the scheduler does not know.
        """
        ...
