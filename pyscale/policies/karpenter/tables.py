"""A cluster compiled for Solve: the kernel's tables, filled once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._provision import Provisioner
from pyscale.model.pods import Pod
from pyscale.model.resources import NANO

from .batch import PendingPods, pending_columns
from .bound_pods import NOTHING_USED, BoundPods
from .classes import PodForm
from .memory import CompileMemory, NodeMeasure
from .oracle import Oracle
from .parity import NODE_LIMIT, UNSTABLE_SORT
from .podspec import ports_conflict, untolerated
from .relaxation import relax
from .state import ClusterObjects, Settings, StateNode
from .templates import NODES, limits_left
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
    moving : list of Pod
        Those of nodes that are being deleted, which every round places.
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
        self.nodes = sorted(objects.nodes, key=lambda node: (not node.initialized, node.name))
        self.node_number = {node.name: i for i, node in enumerate(self.nodes)}
        self._by_node_name = {
            node.node_name: i for i, node in enumerate(self.nodes) if node.has_node
        }
        self._memory = memory = memory or CompileMemory()
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
        self._compile()

    def pods_on(self, node: StateNode) -> list[Pod]:
        """Return the pods of a state node; none without a Node."""
        if not node.has_node:
            return []
        return [self.bound[i] for i in self.bound.on_node(node.node_name)]

    # ------------------------------------------------------------------ compile

    def _compile(self) -> None:
        pending_forms = self.pending.forms(self.forms)
        bound_forms = self.bound.forms(self.forms)
        # Classes are the forms that occur; the table may hold others, of earlier rounds.
        occurring = np.unique(np.concatenate([pending_forms, bound_forms]))
        self.pending_classes = np.searchsorted(occurring, pending_forms).astype(np.int32)
        self.bound_classes = np.searchsorted(occurring, bound_forms).astype(np.int32)
        self.occurring_forms = [self.forms.forms[i] for i in occurring.tolist()]
        self.tolerate_prefer_no_schedule = any(
            taint.effect == "PreferNoSchedule" for pool in self.pools for taint in pool.taints
        )
        self._intern_taints()
        self._intern_ports()
        self._intern_reservations()
        measures = self._measure_nodes()
        active = [node for node in self.nodes if not node.marked_for_deletion]
        limits = [limits_left(template.pool, active) for template in self.templates]
        self.scale = self._memory.scale(self.templates, self.occurring_forms, measures)
        self.topology = TopologyTables(self)
        self.oracle = Oracle(self)
        sizes = (len(template.columns.columns) for template in self.templates)
        self._n_words = max([1, *((size + 63) // 64 for size in sizes)])
        self.kernel = Provisioner(
            self.oracle,
            len(self.scale.names),
            self._n_words,
            self.topology.domain_counts,
            self._port_conflicts,
            len(self.reservations) if self.settings.reserved_capacity else 0,
            len(self.taint_lists),
        )
        self.kernel.set_domain_ranks(self.topology.domain_ranks)
        repaired = self.settings.repaired
        self.kernel.set_repairs(NODE_LIMIT in repaired, UNSTABLE_SORT in repaired)
        self._add_templates(limits)
        self._add_nodes(measures)
        self._class_of_form: dict[int, int] = {}
        self._form_of_class: list[int] = []
        self._add_bound()
        for form in occurring.tolist():
            self._add_class(form)
        self.topology.connect(range(len(self._form_of_class)))
        self._add_batch()

    def _add_bound(self) -> None:
        deleting = frozenset(node.node_name for node in self.nodes if node.marked_for_deletion)
        self.bound_nodes = self.bound.nodes(self._by_node_name)
        self.bound_flags = self.bound.flags(deleting)
        self.kernel.set_bound(self.bound_classes, self.bound_nodes, self.bound_flags)

    def _add_batch(self) -> None:
        """Tell the kernel who is pending, who leaves with which node, and the queue's order."""
        objects = self.objects
        leaves = self.bound.leave(objects.budgets, objects.now_ns)
        # Node by node, and on each in the order of the list.
        nodes = np.where(leaves, self.bound_nodes, -1)
        order = np.argsort(nodes, kind="stable")
        counts = np.bincount(nodes[nodes >= 0], minlength=len(self.nodes))
        self.leavers = order[np.count_nonzero(nodes < 0) :].astype(np.int32)
        self.leavers_off = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        moving: list[int] = []
        for node in objects.nodes:
            if node.marked_for_deletion:
                first, end = self.leavers_off[self.node_number[node.name] :][:2].tolist()
                moving += self.leavers[first:end].tolist()
        self.moving = [self.bound[number] for number in moving]
        pending_ranks, bound_ranks = self._ranks()
        self.kernel.set_batch(
            self.pending_classes,
            pending_ranks,
            np.argsort(pending_ranks, kind="stable").astype(np.int32),
            bound_ranks,
            self.leavers_off,
            self.leavers,
            np.array(moving, dtype=np.int32),
        )

    def _ranks(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Number the pods in the queue's order: cpu, memory, creation, uid."""
        sizes = [form.size for form in self.occurring_forms]
        place = {size: i for i, size in enumerate(sorted(set(sizes)))}
        size_rank = np.array([place[size] for size in sizes], dtype=np.int64)
        created = np.concatenate([self.pending.created_ns, self.bound.created_ns()])
        uids = self._uid_ranks()
        sizes_of_pods = size_rank[np.concatenate([self.pending_classes, self.bound_classes])]
        ranks = np.empty(len(uids), dtype=np.int64)
        ranks[np.lexsort((uids, created, sizes_of_pods))] = np.arange(len(uids))
        return ranks[: len(self.pending)], ranks[len(self.pending) :]

    def _uid_ranks(self) -> NDArray[np.int64]:
        """Number the pods, pending ones first, in the order of their uids."""
        pending, bound = self.pending.ids, self.bound.ids
        if pending is not None and bound is not None:
            return np.concatenate([pending, bound])
        uids = [*self.pending.uid_keys(), *self.bound.uids()]
        ranks = np.empty(len(uids), dtype=np.int64)
        ranks[sorted(range(len(uids)), key=uids.__getitem__)] = np.arange(len(uids))
        return ranks

    def _intern_taints(self) -> None:
        self.taint_lists: list[tuple[Any, ...]] = []
        self._tolerations: dict[tuple[Any, ...], NDArray[np.uint8]] = {}
        self._taint_ids: dict[tuple[Any, ...], int] = {}
        for taints in [
            *(template.pool.taints for template in self.templates),
            *(node.taints for node in self.nodes),
            (),
        ]:
            if taints not in self._taint_ids:
                self._taint_ids[taints] = len(self.taint_lists)
                self.taint_lists.append(taints)

    def _intern_ports(self) -> None:
        self._port_sets: list[tuple[Any, ...]] = []
        self._port_ids: dict[tuple[Any, ...], int] = {}
        for form in self.occurring_forms:
            ports = form.ports
            if ports and ports not in self._port_ids:
                self._port_ids[ports] = len(self._port_sets)
                self._port_sets.append(ports)
        self._port_conflicts = np.array(
            [
                [ports_conflict(ours, theirs) for theirs in self._port_sets]
                for ours in self._port_sets
            ],
            dtype=np.uint8,
        ).reshape(len(self._port_sets), len(self._port_sets))

    def _intern_reservations(self) -> None:
        capacity = self._memory.reservations(tuple(self.types_of_pool.values()))
        self.reservations = list(capacity)
        self.reservation_ids = {name: i for i, name in enumerate(self.reservations)}
        self._reservation_capacity = list(capacity.values())

    def _measure_nodes(self) -> list[NodeMeasure]:
        """What is in use on each node and what is left, outstanding daemons taken off."""
        usages = [
            self.bound.usage(node.node_name, self.forms) if node.has_node else NOTHING_USED
            for node in self.nodes
        ]
        return self._memory.measures(self.nodes, usages, self.daemons, self.sets)

    def _add_templates(self, limits: list[dict[str, int]]) -> None:
        for template, left in zip(self.templates, limits, strict=True):
            conflicts = [
                [
                    any(ports_conflict(ports, daemon) for daemon in group.ports)
                    for ports in self._port_sets
                ]
                for group in template.groups
            ]
            self.kernel.add_template(
                self._memory.table(template, self.scale, self._n_words),
                self.sets.set_id(template.requirements),
                self._taint_ids[template.pool.taints],
                np.array(conflicts, dtype=np.uint8),
                self.scale.vector(left),
                np.array([name in left for name in self.scale.names], dtype=np.uint8),
                NODES in left,
            )
        self.node_limits = np.array([left.get(NODES, 0) // NANO for left in limits], dtype=np.int64)
        if self.settings.reserved_capacity:
            self.kernel.set_reservations(self._reservation_capacity)

    def _add_nodes(self, measures: list[NodeMeasure]) -> None:
        numbers = {template.pool.name: i for i, template in enumerate(self.templates)}
        ports_off, ports = [0], []
        for measure in measures:
            ports += [self._port_ids[taken] for taken in measure.usage.ports]
            ports_off.append(len(ports))
        nodes = self.nodes
        scaled = [measure.scaled(self.scale) for measure in measures]
        shape = (len(nodes), len(self.scale.names))
        self.kernel.set_nodes(
            np.array([measure.set_id for measure in measures], dtype=np.int32),
            np.array([room for room, _ in scaled], dtype=np.int64).reshape(shape),
            self.topology.node_hosts,
            np.array([self._taint_ids[node.taints] for node in nodes], dtype=np.int32),
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

    def _add_class(self, number: int) -> int:
        """Give a form to the kernel; its groups follow."""
        form = self.forms.forms[number]
        parts = self._memory.class_parts(form, self.sets, self.scale)
        class_id = self.kernel.add_class(
            parts.requests,
            parts.set_id,
            parts.strict_id,
            parts.host,
            parts.strict_host,
            parts.host < 0 or self.oracle.host(parts.host, self.topology.n_hosts),
            self._tolerated(form),
            self._port_ids[form.ports] if form.ports else -1,
            -1,
            parts.alternatives,
        )
        self._class_of_form[number] = class_id
        self._form_of_class.append(number)
        return int(class_id)

    def _tolerated(self, form: PodForm) -> NDArray[np.uint8]:
        """Return which taint lists the pods tolerate."""
        tolerations = form.spec.tolerations
        known = self._tolerations.get(tolerations)
        if known is None:
            known = self._tolerations[tolerations] = np.array(
                [not untolerated(taints, tolerations) for taints in self.taint_lists],
                dtype=np.uint8,
            )
        return known

    def form_of_class(self, class_id: int) -> PodForm:
        """Return the form behind one of the kernel's classes."""
        return self.forms.forms[self._form_of_class[class_id]]

    def relaxed_class(self, class_id: int) -> int:
        """Return the class after one relaxation, -1 if nothing is left to relax."""
        form = self.form_of_class(class_id)
        step = relax(form.spec, self.tolerate_prefer_no_schedule)
        if step is None:
            return -1
        volumes = form.volumes
        if volumes.unknown:
            volumes = type(volumes)(volumes.claims_by_driver)
        number = self.forms.of(step[0], form.namespace, form.labels, volumes)
        known = self._class_of_form.get(number)
        if known is None:
            known = self._add_class(number)
            self.topology.connect((known,))
        return known
