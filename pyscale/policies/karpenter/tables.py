"""A cluster compiled for Solve: the kernel's tables, filled once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._provision import Provisioner
from pyscale.model.groups import NodePool
from pyscale.model.pods import Pod
from pyscale.model.resources import NANO

from .batch import PendingPods, pending_columns
from .bound_pods import BoundPods
from .classes import PodForm
from .costs import NodeCosts
from .frame import Frame
from .memory import CompileMemory, NodeMeasure
from .podspec import ports_conflict
from .state import ClusterObjects, Settings, StateNode
from .templates import NODES, Template, limits_left
from .topology_tables import TopologyTables

# Flags of the kernel's nodes.
KNOWN, LIMITED, LIMITS_VOLUMES, UNINITIALIZED = 1, 2, 4, 8


class ClusterTables:
    """Everything of a cluster that rounds share, compiled once.

    Parameters
    ----------
    objects : ClusterObjects
    settings : Settings, optional
    pending : PendingPods, optional
        The pods to place, as columns; by default those of ``objects`` that are provisionable.
    memory : CompileMemory, optional
        What solvers made before may hand on.

    Attributes
    ----------
    nodes : list of StateNode
        All state nodes, in the order in which they are tried; numbers in a :class:`Solution`
        index it.
    templates : list of Template
        What the NodePools can launch, in the order in which they are tried.
    bound : BoundPods
        The pods that have a node.

    Notes
    -----
    Clusters of one memory share a kernel: rounds run over the one that was made last.
    """

    def __init__(
        self,
        objects: ClusterObjects,
        settings: Settings | None = None,
        pending: PendingPods | None = None,
        memory: CompileMemory | None = None,
    ) -> None:
        self.objects = objects
        self.settings = settings or Settings()
        self.well_known = objects.well_known
        self.nodes: Sequence[StateNode] = sorted(
            objects.nodes, key=lambda node: (not node.initialized, node.name)
        )
        self.node_number = {node.name: i for i, node in enumerate(self.nodes)}
        self._by_node_name = {
            node.node_name: i for i, node in enumerate(self.nodes) if node.has_node
        }
        self.memory = memory = memory or CompileMemory()
        self.compiled_types = memory.types(objects.catalog, objects.reservation_label)
        self.types_by_name = memory.types_by_name(self.compiled_types)
        self.pools = objects.pools_in_order()
        self.types_of_pool = {
            pool.name: [self.types_by_name[name] for name in objects.types_of_pool[pool.name]]
            if pool.name in objects.types_of_pool
            else self.compiled_types
            for pool in self.pools
        }
        self.sets = memory.sets(self.well_known)
        self.daemons, self.templates, self.universe = memory.templates(
            objects, self.settings, self.pools, self.types_of_pool
        )
        self.forms = memory.forms(objects, self.settings)
        self.pending = pending_columns(objects) if pending is None else pending
        self.bound = objects.bound or BoundPods([pod for pod in objects.pods if pod.node_name])
        #: Nodes that are initialized; they have the first numbers.
        self.n_nodes = len(self.nodes)
        self.n_initialized = sum(node.initialized for node in self.nodes)
        #: Solvers that share it would come to the same in every round.
        self.state = object()
        self._compile()

    @property
    def now_ns(self) -> int:
        """The moment, in Unix time."""
        return self.objects.now_ns

    @property
    def node_pools(self) -> tuple[NodePool, ...]:
        """All pools, those included that launch nothing."""
        return self.objects.node_pools

    @property
    def seen_types(self) -> Mapping[str, tuple[str, ...]]:
        """The types that a pool sees, by name, where it sees only a part of the catalogue."""
        return self.objects.types_of_pool

    def number_of(self, name: str) -> int:
        """Return the number of a state node; a KeyError if there is none of that name."""
        return self.node_number[name]

    def name_of(self, number: int) -> str:
        """Return the name of a state node."""
        return self.nodes[number].name

    def pods_states(self) -> Sequence[object]:
        """Return per node what stays the same object while its pods do; None: nobody knows."""
        return [self.bound.state(node.node_name) for node in self.nodes]

    def costs(self, node: StateNode) -> NodeCosts:
        """Return what it costs to disrupt the pods of a node."""
        return self.bound.costs(node.node_name)

    def blocker(self, node: StateNode) -> str:
        """Return which pod keeps a node from being disrupted and why, empty for none."""
        return self.bound.blocker(node.node_name, self.objects.budgets, self.objects.now_ns)

    @property
    def has_timed_pods(self) -> bool:
        """Whether some pod may have to stay on its node for a limited time."""
        return bool(self.bound.timed())

    def pods_on(self, node: StateNode) -> list[Pod]:
        """Return the pods of a state node; none without a Node."""
        if not node.has_node:
            return []
        return [self.bound[i] for i in self.bound.on_node(node.node_name)]

    @property
    def kernel(self) -> Provisioner:
        """The kernel, which serves this cluster until the next one of the same memory is made."""
        return self.frame.kernel

    @property
    def topology(self) -> TopologyTables:
        """The topology groups."""
        return self.frame.topology

    def form_of_class(self, class_id: int) -> PodForm:
        """Return the form behind one of the kernel's classes."""
        return self.frame.form_of_class(class_id)

    def relaxed_class(self, class_id: int) -> int:
        """Return the class after one relaxation, -1 if nothing is left to relax."""
        return self.frame.relaxed_class(self, class_id)

    # ------------------------------------------------------------------ compile

    def _compile(self) -> None:
        pending_forms = self.pending.forms(self.forms)
        bound_forms = self.bound.forms(self.forms)
        self.tolerate_prefer_no_schedule = any(
            taint.effect == "PreferNoSchedule" for pool in self.pools for taint in pool.taints
        )
        self._reservation_capacity = self.memory.reservations(tuple(self.types_of_pool.values()))
        self.reservations = list(self._reservation_capacity)
        self.reservation_ids = {name: i for i, name in enumerate(self.reservations)}
        measures = self._measure_nodes()
        self._begin(pending_forms, bound_forms, measures)
        self._pending_classes = self.frame.classes(pending_forms)
        self.bound_classes = self.frame.classes(bound_forms)
        self._set_nodes(measures)
        self._add_bound()
        self.topology.connect(self._new_classes)
        self._add_batch()

    def _begin(
        self,
        pending_forms: NDArray[np.int32],
        bound_forms: NDArray[np.int32],
        measures: list[NodeMeasure],
    ) -> None:
        """Go on with the frame of the last cluster if that is possible, else make one.

        Classes are the forms that occur; a frame may hold others, of earlier clusters.
        """
        active = [node for node in self.nodes if not node.marked_for_deletion]
        limits = [limits_left(template.pool, active) for template in self.templates]
        frame = self.memory.frame
        if frame is not None and frame.serves(self):
            new = _missing(frame, pending_forms, bound_forms)
            self._rescale(new, measures)
            if frame.scale is self.scale and frame.has_room_for(new, self.nodes):
                self.frame = frame
                frame.turn_to(self)
                self._new_classes = frame.add_classes(self, new)
                self._set_limits(limits)
                return
        occurring = np.unique(np.concatenate([pending_forms, bound_forms])).tolist()
        self._rescale(occurring, measures)
        self.frame = self.memory.frame = frame = Frame(self, occurring)
        for template in self.templates:
            self._add_template(template)
        self._new_classes = frame.add_classes(self, occurring)
        self._set_limits(limits)

    def _rescale(self, forms: Sequence[int], measures: list[NodeMeasure]) -> None:
        self.scale = self.memory.scale(
            self.templates, [self.forms.forms[number] for number in forms], measures
        )

    def _add_bound(self) -> None:
        deleting = frozenset(node.node_name for node in self.nodes if node.marked_for_deletion)
        self.bound_nodes = self.bound.nodes(self._by_node_name)
        self.bound_flags = self.bound.flags(deleting)
        self.kernel.set_bound(self.bound_classes, self.bound_nodes, self.bound_flags)

    def _add_batch(self) -> None:
        """Tell the kernel who is pending, who leaves with which node, and what orders the queue."""
        objects = self.objects
        leaves = self.bound.leave(objects.budgets, objects.now_ns)
        leavers = np.flatnonzero((self.bound_nodes >= 0) & np.asarray(leaves, dtype=np.bool_))
        nodes = self.bound_nodes[leavers]
        # Node by node, and on each in the order of the list; columns come like that.
        if (nodes[1:] < nodes[:-1]).any():
            order = np.argsort(nodes, kind="stable")
            leavers, nodes = leavers[order], nodes[order]
        self.leavers = leavers.astype(np.int32)
        self.leavers_off = np.searchsorted(nodes, np.arange(len(self.nodes) + 1)).astype(np.int32)
        moving: list[int] = []
        for node in objects.nodes:
            if node.marked_for_deletion:
                first, end = self.leavers_off[self.node_number[node.name] :][:2].tolist()
                moving += self.leavers[first:end].tolist()
        ids = self._uid_ranks()
        self.frame.rank()
        self.kernel.set_batch(
            self._pending_classes,
            self.pending.created_ns,
            ids[: len(self.pending)],
            self.bound.created_ns(),
            ids[len(self.pending) :],
            self.leavers_off,
            self.leavers,
            np.array(moving, dtype=np.int32),
        )

    def _uid_ranks(self) -> NDArray[np.int64]:
        """Number the pods, pending ones first, in the order of their uids."""
        pending, bound = self.pending.ids, self.bound.ids
        if pending is not None and bound is not None:
            return np.concatenate([pending, bound])
        uids = [*self.pending.uid_keys(), *self.bound.uids()]
        ranks = np.empty(len(uids), dtype=np.int64)
        ranks[sorted(range(len(uids)), key=uids.__getitem__)] = np.arange(len(uids))
        return ranks

    def _measure_nodes(self) -> list[NodeMeasure]:
        """What is in use on each node and what is left, outstanding daemons taken off."""
        return self.memory.measures(self.nodes, self.bound, self.forms, self.daemons, self.sets)

    def _add_template(self, template: Template) -> None:
        frame = self.frame
        conflicts = [
            [
                any(ports_conflict(ports, daemon) for daemon in group.ports)
                for ports in frame.port_sets
            ]
            for group in template.groups
        ]
        self.kernel.add_template(
            self.memory.table(template, self.scale, frame.n_words),
            self.sets.set_id(template.requirements),
            frame.taint_ids[template.pool.taints],
            np.array(conflicts, dtype=np.uint8),
            *self._limits({}),
        )

    def _limits(self, left: Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.uint8], bool]:
        """Return what limits leave, which resources they limit, and whether they limit nodes."""
        names = self.scale.names
        return (
            self.scale.vector(left),
            np.array([name in left for name in names], dtype=np.uint8),
            NODES in left,
        )

    def _set_limits(self, limits: Sequence[Mapping[str, int]]) -> None:
        """Tell the kernel what limits and reservations leave."""
        for number, left in enumerate(limits):
            self.kernel.set_limits(number, *self._limits(left))
        self.node_limits = np.array([left.get(NODES, 0) // NANO for left in limits], dtype=np.int64)
        if self.settings.reserved_capacity:
            self.kernel.set_reservations(list(self._reservation_capacity.values()))

    def _set_nodes(self, measures: list[NodeMeasure]) -> None:
        numbers = {template.pool.name: i for i, template in enumerate(self.templates)}
        ports_off, ports = [0], []
        for measure in measures:
            ports += [self.frame.port_ids[taken] for taken in measure.usage.ports]
            ports_off.append(len(ports))
        nodes = self.nodes
        scaled = [measure.scaled(self.scale) for measure in measures]
        shape = (len(nodes), len(self.scale.names))
        self.kernel.set_nodes(
            np.array([measure.set_id for measure in measures], dtype=np.int32),
            np.array([room for room, _ in scaled], dtype=np.int64).reshape(shape),
            self.topology.node_hosts,
            np.array([self.frame.taint_ids[node.taints] for node in nodes], dtype=np.int32),
            np.array([numbers.get(node.pool, -1) for node in nodes], dtype=np.int32),
            np.array([capacity for _, capacity in scaled], dtype=np.int64).reshape(shape),
            np.array(
                [
                    not node.marked_for_deletion and measure.is_within
                    for node, measure in zip(nodes, measures, strict=True)
                ],
                dtype=np.uint8,
            ),
            np.array(
                [
                    (0 if node.marked_for_deletion else LIMITED + KNOWN * node.has_node)
                    + LIMITS_VOLUMES * bool(node.csi_limits)
                    + UNINITIALIZED * (node.managed and not node.initialized)
                    for node in nodes
                ],
                dtype=np.uint8,
            ),
            self.topology.node_domains,
            np.array(ports_off, dtype=np.int32),
            np.array(ports, dtype=np.int32),
        )


def _missing(
    frame: Frame, pending_forms: NDArray[np.int32], bound_forms: NDArray[np.int32]
) -> list[int]:
    """Return the forms, ascending, that have no class yet."""
    missing: set[int] = set()
    for forms in (pending_forms, bound_forms):
        missing.update(forms[frame.classes(forms) < 0].tolist())
    return sorted(missing)
