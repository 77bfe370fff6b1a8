"""A cluster compiled for Solve, and rounds over it: provisioning, and what-ifs of disruption."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._provision import Provisioner
from pyscale.model.catalog import RESERVED
from pyscale.model.nodes import CAPACITY_TYPE_LABEL, HOSTNAME_LABEL
from pyscale.model.pods import Pod
from pyscale.model.resources import CPU, MEMORY, NANO

from .batch import pending_pods, reschedulable_pods
from .classes import FormTable, PodForm, form_ports
from .daemons import daemon_pods, outstanding_requests, pod_name
from .eviction import is_active, is_terminal
from .instance_types import compile_catalog
from .oracle import Oracle
from .podspec import ports_conflict, untolerated
from .relaxation import relax
from .requirements import Requirements, from_labels, one_of
from .result import Claim, Solution
from .scale import Scale
from .sets import SetTable
from .state import ClusterObjects, Settings
from .templates import NODES, build_templates, limits_left
from .topology import DomainUniverse
from .topology_tables import TopologyTables

REASONS = (
    "",
    "taints",
    "requirements",
    "volume",
    "topology",
    "types",
    "min-values",
    "limits",
    "node-limits",
    "reserved-offering",
)


class Solver:
    """Everything of a cluster that rounds share, compiled once.

    Parameters
    ----------
    objects : ClusterObjects
    settings : Settings

    Attributes
    ----------
    nodes : list of StateNode
        All state nodes, in the order in which they are tried; numbers in a :class:`Solution`
        index it.
    templates : list of Template
        What the NodePools can launch, in the order in which they are tried.
    pods_of_node : dict of str to list of Pod
        By name of the Node.
    moving : list of Pod
        Those of nodes that are being deleted, which every round places.
    """

    def __init__(self, objects: ClusterObjects, settings: Settings | None = None) -> None:
        self.objects = objects
        self.settings = settings or Settings()
        self.well_known = objects.well_known
        self.nodes = sorted(objects.nodes, key=lambda node: (not node.initialized, node.name))
        self.node_number = {node.name: i for i, node in enumerate(self.nodes)}
        self._by_node_name = {
            node.node_name: i for i, node in enumerate(self.nodes) if node.has_node
        }
        self.pods_of_node: dict[str, list[Pod]] = {}
        for pod in objects.pods:
            if pod.node_name in self._by_node_name:
                self.pods_of_node.setdefault(pod.node_name, []).append(pod)
        self.compiled_types = compile_catalog(objects.catalog, objects.reservation_label)
        by_name = {compiled.name: compiled for compiled in self.compiled_types}
        self.pools = objects.pools_in_order()
        self.types_of_pool = {
            pool.name: [by_name[name] for name in objects.types_of_pool[pool.name]]
            if pool.name in objects.types_of_pool
            else self.compiled_types
            for pool in self.pools
        }
        self.sets = SetTable(self.well_known)
        self.universe = DomainUniverse(self.pools, self.types_of_pool)
        self.forms = FormTable(
            objects.namespaces, self.settings.ignore_preferences, objects.volumes
        )
        self.pending, self.ignored = pending_pods(objects)
        self.bound = [pod for pod in objects.pods if pod.node_name]
        self._bound_number = {id(pod): i for i, pod in enumerate(self.bound)}
        self._compile()

    # ------------------------------------------------------------------ compile

    def _compile(self) -> None:
        pods = [*self.pending, *self.bound]
        pod_forms = np.array([self.forms.of_pod(pod) for pod in pods], dtype=np.int32)
        self.daemons = daemon_pods(self.objects.daemon_sets, self.objects.pods)
        self.templates = build_templates(
            self.pools,
            self.types_of_pool,
            self.daemons,
            self.well_known,
            self.settings.best_effort_min_values,
        )
        self.tolerate_prefer_no_schedule = any(
            taint.effect == "PreferNoSchedule" for pool in self.pools for taint in pool.taints
        )
        self._intern_taints()
        self._intern_ports()
        self._intern_reservations()
        rooms = self._node_rooms()
        active = [node for node in self.nodes if not node.marked_for_deletion]
        limits = [limits_left(template.pool, active) for template in self.templates]
        self.scale = Scale.of(self._amounts(rooms, limits), frozenset((NODES,)))
        self.topology = TopologyTables(self)
        self.oracle = Oracle(self)
        self.kernel = Provisioner(
            self.oracle,
            len(self.scale.names),
            max([1, *((len(item.columns.columns) + 63) // 64 for item in self.templates)]),
            self.topology.domain_counts,
            self._port_conflicts,
            len(self.reservations) if self.settings.reserved_capacity else 0,
            len(self.taint_lists),
        )
        self.kernel.set_domain_ranks(self.topology.domain_ranks)
        self._add_templates(limits)
        self._add_nodes(rooms)
        self._class_of_form: dict[int, int] = {}
        self._form_of_class: list[int] = []
        bound_forms = pod_forms[len(self.pending) :]
        bound_nodes = np.array(
            [self._by_node_name.get(pod.node_name, -1) for pod in self.bound], dtype=np.int32
        )
        bound_flags = np.array(
            [is_active(pod) + 2 * (not is_terminal(pod)) for pod in self.bound], dtype=np.uint8
        )
        self.bound_classes = bound_forms
        self.bound_nodes = bound_nodes
        self.bound_flags = bound_flags
        # Classes are numbered as forms, as long as no relaxed one is among them.
        for form in range(len(self.forms.forms)):
            self._add_class(form)
        self.kernel.set_bound(bound_forms, bound_nodes, bound_flags)
        self.topology.connect(range(len(self._form_of_class)))
        self._pending_classes = pod_forms[: len(self.pending)]
        self._rank_pods(pods)
        self._deleting = {node.node_name for node in self.nodes if node.marked_for_deletion}
        self.moving = reschedulable_pods(
            self.objects,
            [node for node in self.objects.nodes if node.marked_for_deletion],
            self.pods_of_node,  # type: ignore[arg-type]
        )

    def _amounts(
        self, rooms: list[dict[str, int]], limits: list[dict[str, int]]
    ) -> Iterator[Mapping[str, int]]:
        """Every resource list that the kernel will see."""
        yield from rooms
        yield from limits
        for template in self.templates:
            yield from (compiled.capacity for compiled in template.columns.types)
            yield from (group.allocatable for _, group in template.columns.columns)
            yield from (group.overhead for group in template.groups)
        yield from (form.requests for form in self.forms.forms)
        yield from (node.capacity for node in self.nodes)

    def _intern_taints(self) -> None:
        self.taint_lists: list[tuple[Any, ...]] = []
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
        for form in self.forms.forms:
            ports = form_ports(form)
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
        """The capacity of a reservation is the smallest that any type advertises for it."""
        capacity: dict[str, int] = {}
        for types in self.types_of_pool.values():
            for compiled in types:
                for offer in compiled.offers:
                    offering = offer.offering
                    if offering.capacity_type != "reserved":
                        continue
                    known = capacity.get(offering.reservation_id, offering.reservation_capacity)
                    capacity[offering.reservation_id] = min(known, offering.reservation_capacity)
        self.reservations = list(capacity)
        self.reservation_ids = {name: i for i, name in enumerate(self.reservations)}
        self._reservation_capacity = list(capacity.values())

    def _node_rooms(self) -> list[dict[str, int]]:
        """What each node has left, outstanding daemons taken off."""
        rooms = []
        for node in self.nodes:
            used: dict[str, int] = {}
            daemons: dict[str, int] = {}
            for pod in self.pods_of_node.get(node.node_name, ()) if node.has_node else ():
                if is_terminal(pod):
                    continue
                requests = self.forms.forms[self.forms.of_pod(pod)].requests
                _add(used, requests)
                if any(owner.kind == "DaemonSet" for owner in pod.template.owners):
                    _add(daemons, requests)
            # Only what the node lists is subtracted from, then what daemons will need.
            room = {name: amount - used.get(name, 0) for name, amount in node.allocatable.items()}
            missing = outstanding_requests(self.daemons, node, daemons)
            left = {name: amount - missing.get(name, 0) for name, amount in room.items()}
            for name, amount in missing.items():
                left.setdefault(name, -amount)
            rooms.append(left)
        return rooms

    def _add_templates(self, limits: list[dict[str, int]]) -> None:
        for template, left in zip(self.templates, limits, strict=True):
            groups = [
                (
                    group.columns.to_bytes((group.columns.bit_length() + 7) // 8, "little"),
                    self.scale.vector(group.overhead),
                    np.array(
                        [
                            any(ports_conflict(ports, daemon) for daemon in group.ports)
                            for ports in self._port_sets
                        ],
                        dtype=np.uint8,
                    ),
                )
                for group in template.groups
            ]
            columns = template.columns
            self.kernel.add_template(
                self.sets.set_id(template.requirements),
                self._taint_ids[template.pool.taints],
                groups,
                self.scale.table(group.allocatable for _, group in columns.columns),
                self.scale.table(columns.types[i].capacity for i, _ in columns.columns),
                self.scale.vector(left),
                np.array([name in left for name in self.scale.names], dtype=np.uint8),
                NODES in left,
            )
        self._node_limits = np.array(
            [left.get(NODES, 0) // NANO for left in limits], dtype=np.int64
        )
        if self.settings.reserved_capacity:
            self.kernel.set_reservations(self._reservation_capacity)

    def _add_nodes(self, rooms: list[dict[str, int]]) -> None:
        numbers = {template.pool.name: i for i, template in enumerate(self.templates)}
        sets, ports_off, ports = [], [0], []
        for node in self.nodes:
            labels = from_labels(node.labels).merged((one_of(HOSTNAME_LABEL, (node.hostname,)),))
            sets.append(self.sets.split(labels)[0])
            if node.has_node:
                for pod in self.pods_of_node.get(node.node_name, ()):
                    used = form_ports(self.forms.forms[self.forms.of_pod(pod)])
                    if used and not is_terminal(pod):
                        ports.append(self._port_ids[used])
            ports_off.append(len(ports))
        self.kernel.set_nodes(
            np.array(sets, dtype=np.int32),
            self.scale.table(rooms),
            self.topology.node_hosts,
            np.array([self._taint_ids[node.taints] for node in self.nodes], dtype=np.int32),
            np.array([numbers.get(node.pool, -1) for node in self.nodes], dtype=np.int32),
            self.scale.table({**node.capacity} for node in self.nodes),
            np.array(
                [
                    not node.marked_for_deletion and all(x >= 0 for x in room.values())
                    for node, room in zip(self.nodes, rooms, strict=True)
                ],
                dtype=np.uint8,
            ),
            np.array(
                [0 if node.marked_for_deletion else 2 + node.has_node for node in self.nodes],
                dtype=np.uint8,
            ),
            self.topology.node_domains,
            np.array([bool(node.csi_limits) for node in self.nodes], dtype=np.uint8),
            np.array(ports_off, dtype=np.int32),
            np.array(ports, dtype=np.int32),
        )

    def _add_class(self, number: int) -> int:
        """Give a form to the kernel; its groups follow."""
        form = self.forms.forms[number]
        set_id, host = self.sets.split(form.requirements)
        strict_id, strict_host = self.sets.split(form.strict)
        alternatives: list[int] = []
        for alternative in form.volumes.alternatives:
            alternatives += (-1, -1) if alternative is None else self.sets.split(alternative)
        ports = form_ports(form)
        class_id = self.kernel.add_class(
            self.scale.vector(form.requests),
            set_id,
            strict_id,
            host,
            strict_host,
            host < 0 or self.oracle.host(host, self.topology.n_hosts),
            np.array(
                [not untolerated(taints, form.spec.tolerations) for taints in self.taint_lists],
                dtype=np.uint8,
            ),
            self._port_ids[ports] if ports else -1,
            -1,
            np.array(alternatives, dtype=np.int32),
        )
        self._class_of_form[number] = class_id
        self._form_of_class.append(number)
        return int(class_id)

    def _rank_pods(self, pods: Sequence[Pod]) -> None:
        """Number the pods in the queue's order: cpu, memory, creation, uid."""
        forms = self.forms.forms
        keys = []
        for pod in pods:
            requests = forms[self.forms.of_pod(pod)].requests
            keys.append(
                (
                    -requests.get(CPU, 0),
                    -requests.get(MEMORY, 0),
                    pod.creation_ns or 0,
                    pod.uid,
                )
            )
        ranks = np.empty(len(pods), dtype=np.int64)
        ranks[sorted(range(len(pods)), key=keys.__getitem__)] = np.arange(len(pods))
        self._pending_ranks = ranks[: len(self.pending)]
        self._bound_ranks = ranks[len(self.pending) :]

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

    # ------------------------------------------------------------------ solve

    def solve(
        self,
        candidates: Sequence[str] = (),
        under_consolidate_after: Iterable[str] = (),
        strict_reservations: bool | None = None,
    ) -> Solution:
        """Run one round over the base state; the solver stays as it is.

        Parameters
        ----------
        candidates : sequence of str
            State nodes to do without; their pods that may move join the batch.
        under_consolidate_after : iterable of str
            State nodes that take no pod of a candidate.
        strict_reservations : bool, optional
            Whether pods wait for reserved offerings; None: unless there are candidates.

        Returns
        -------
        Solution
        """
        excluded = [self.node_number[name] for name in candidates]
        leaving = reschedulable_pods(
            self.objects,
            [self.nodes[i] for i in excluded],
            self.pods_of_node,  # type: ignore[arg-type]
        )
        moved_pods = [*leaving, *self.moving]
        moved = np.array([self._bound_number[id(pod)] for pod in moved_pods], dtype=np.int32)
        classes = np.concatenate([self._pending_classes, self.bound_classes[moved]])
        ranks = np.concatenate([self._pending_ranks, self._bound_ranks[moved]])
        may_settle = np.ones(len(classes), dtype=np.uint8)
        for i, pod in enumerate(moved_pods, len(self.pending)):
            may_settle[i] = pod.phase == "Pending" or pod.node_name in self._deleting
        under = np.zeros(len(self.nodes), dtype=np.uint8)
        for name in under_consolidate_after:
            under[self.node_number[name]] = 1
        if strict_reservations is None:
            strict_reservations = not candidates
        self.oracle.begin()
        place, reasons = self.kernel.solve(
            classes.astype(np.int32),
            may_settle,
            np.argsort(ranks, kind="stable").astype(np.int32),
            moved,
            np.array(excluded, dtype=np.int32),
            under,
            self._node_limits,
            strict_reservations,
            self.settings.best_effort_min_values,
        )
        batch = [pod_name(pod) for pod in (*self.pending, *moved_pods)]
        return self._read(batch, classes, place, reasons)

    def _read(
        self,
        batch: Sequence[str],
        classes: NDArray[np.int32],
        place: NDArray[np.int32],
        reasons: NDArray[np.int8],
    ) -> Solution:
        n_nodes = len(self.nodes)
        placements: dict[int, list[int]] = {}
        errors: dict[int, str] = {}
        templates, sets, types, requests, held, relaxed = self.kernel.claims()
        members: list[list[int]] = [[] for _ in range(len(templates))]
        for i, where in enumerate(place.tolist()):
            if where < 0:
                words = [REASONS[code] for code in reasons[i] if code]
                errors[i] = ";".join(words) if self.templates else "no-template"
            elif where < n_nodes:
                placements.setdefault(where, []).append(i)
            else:
                members[where - n_nodes].append(i)
        claims = []
        for i, template_number in enumerate(templates.tolist()):
            requirements = self.sets.sets[sets[i]]
            if held[i].any():
                requirements = self._with_reservations(requirements, held[i])
            claim = Claim(
                self.templates[template_number],
                requirements,
                int.from_bytes(types[i].tobytes(), "little"),
                self.scale.back(requests[i], self._names_used(members[i], classes)),
                members[i],
                bool(relaxed[template_number]),
            )
            if not self.settings.best_effort_min_values and claim.breaks_min_values():
                errors.update(dict.fromkeys(members[i], "min-values"))
                continue
            claims.append(claim)
        return Solution(batch, claims, placements, errors, self.ignored)

    def _with_reservations(
        self, requirements: Requirements, held: NDArray[np.uint64]
    ) -> Requirements:
        """A claim that holds reservations launches into them."""
        bits = int.from_bytes(held.tobytes(), "little")
        names = [name for i, name in enumerate(self.reservations) if bits >> i & 1]
        requirements = requirements.replaced(one_of(CAPACITY_TYPE_LABEL, (RESERVED,)))
        if not self.objects.reservation_label:
            return requirements
        return requirements.merged((one_of(self.objects.reservation_label, names),))

    def _names_used(self, members: Sequence[int], classes: NDArray[np.int32]) -> list[str]:
        """Names of the resources that the pods of a claim ask for."""
        names: dict[str, None] = {}
        for class_id in sorted(set(classes[np.array(members, dtype=np.intp)].tolist())):
            names.update(dict.fromkeys(self.form_of_class(class_id).requests))
        return list(names)


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount
