"""The kernel of a cluster, and what it knows taint lists, ports and pod classes by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._provision import Provisioner
from pyscale.model.catalog import RESERVED
from pyscale.model.nodes import CAPACITY_TYPE_LABEL

from .claim_types import MOST_KNOWN, ClaimTypes, of_columns
from .classes import PodForm
from .oracle import Oracle
from .parity import NODE_LIMIT, UNSTABLE_SORT
from .podspec import ports_conflict, untolerated
from .relaxation import relax
from .requirements import Requirements, one_of
from .state import StateNode
from .topology_tables import TopologyTables

if TYPE_CHECKING:
    from .tables import ClusterTables

_NOT_ADDED = -1


class Frame:
    """What a kernel froze when it was made; serves one cluster after the other.

    Parameters
    ----------
    tables : ClusterTables
        The first cluster.
    occurring : sequence of int
        The forms of its pods; each becomes a class.

    Notes
    -----
    Between two looks of a run few nodes and pods change, the templates and most kinds of pods stay.
    A frame keeps their classes and what the kernel has been told about requirement sets.  A cluster
    with topology groups always gets a frame of its own: groups count pods and nodes.
    """

    def __init__(self, tables: ClusterTables, occurring: Sequence[int]) -> None:
        forms = [tables.forms.forms[number] for number in occurring]
        self._templates = tables.templates
        self._forms, self._sets, self._settings = tables.forms, tables.sets, tables.settings
        self._reservations = tables.reservations
        self.scale = tables.scale
        self._intern_taints(tables)
        self._intern_ports(forms)
        self.topology = TopologyTables(tables, forms)
        self.oracle = Oracle(tables, self.topology)
        sizes = (len(template.columns.columns) for template in tables.templates)
        self.n_words = max([1, *((size + 63) // 64 for size in sizes)])
        settings = tables.settings
        self.kernel = Provisioner(
            self.oracle,
            len(self.scale.names),
            self.n_words,
            self.topology.domain_counts,
            self._port_conflicts,
            len(tables.reservations) if settings.reserved_capacity else 0,
            len(self.taint_lists),
        )
        self.kernel.set_domain_ranks(self.topology.domain_ranks)
        repaired = settings.repaired
        self.kernel.set_repairs(NODE_LIMIT in repaired, UNSTABLE_SORT in repaired)
        self._class_of_form = np.empty(0, dtype=np.int32)
        self._form_of_class: list[int] = []
        self._n_ranked = 0
        self._launches: dict[tuple[int, int, bytes, bytes], ClaimTypes] = {}

    def serves(self, tables: ClusterTables) -> bool:
        """Say whether the kernel can go on with another cluster, if it has room for its forms."""
        return (
            self._templates is tables.templates
            and self._forms is tables.forms
            and self._sets is tables.sets
            and self._settings == tables.settings
            and self._reservations == tables.reservations
            and not self.topology.has_groups
        )

    def has_room_for(self, forms: Sequence[int], nodes: Iterable[StateNode]) -> bool:
        """Say whether new forms can become classes of this kernel, and these nodes be its own."""
        return all(node.taints in self.taint_ids for node in nodes) and all(
            not (form.own or form.inverse) and (not form.ports or form.ports in self.port_ids)
            for form in map(self._forms.forms.__getitem__, forms)
        )

    def turn_to(self, tables: ClusterTables, host_names: Sequence[str] | None = None) -> None:
        """Serve another cluster from here on; what was computed for the last one stays valid.

        ``host_names`` as in :meth:`.TopologyTables.turn_to`.
        """
        self.topology.turn_to(tables, host_names)
        self.oracle.turn_to(tables)
        self.kernel.set_hosts(self.topology.n_hosts)

    def _intern_taints(self, tables: ClusterTables) -> None:
        self.taint_lists: list[tuple[Any, ...]] = []
        self._tolerations: dict[tuple[Any, ...], NDArray[np.uint8]] = {}
        self.taint_ids: dict[tuple[Any, ...], int] = {}
        for taints in [
            *(template.pool.taints for template in tables.templates),
            *(node.taints for node in tables.nodes),
            (),
        ]:
            if taints not in self.taint_ids:
                self.taint_ids[taints] = len(self.taint_lists)
                self.taint_lists.append(taints)

    def _intern_ports(self, forms: Sequence[PodForm]) -> None:
        self.port_sets: list[tuple[Any, ...]] = []
        self.port_ids: dict[tuple[Any, ...], int] = {}
        for form in forms:
            ports = form.ports
            if ports and ports not in self.port_ids:
                self.port_ids[ports] = len(self.port_sets)
                self.port_sets.append(ports)
        self._port_conflicts = np.array(
            [
                [ports_conflict(ours, theirs) for theirs in self.port_sets]
                for ours in self.port_sets
            ],
            dtype=np.uint8,
        ).reshape(len(self.port_sets), len(self.port_sets))

    # ------------------------------------------------------------------ classes

    def classes(self, forms: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the class of each form, negative for one that has none."""
        self._make_room()
        return self._class_of_form[forms]

    def _make_room(self) -> None:
        missing = len(self._forms.forms) - len(self._class_of_form)
        if missing:
            self._class_of_form = np.append(
                self._class_of_form, np.full(missing, _NOT_ADDED, dtype=np.int32)
            )

    def add_classes(self, tables: ClusterTables, forms: Sequence[int]) -> list[int]:
        """Give forms to the kernel as classes; their groups follow."""
        self._make_room()
        return [self._add_class(tables, number) for number in forms]

    def _add_class(self, tables: ClusterTables, number: int) -> int:
        form = self._forms.forms[number]
        parts = tables.memory.class_parts(form, self._sets, self.scale)
        class_id = self.kernel.add_class(
            parts.requests,
            parts.set_id,
            parts.strict_id,
            parts.host,
            parts.strict_host,
            parts.host < 0 or self.oracle.host(parts.host, self.topology.n_hosts),
            self._tolerated(form),
            self.port_ids[form.ports] if form.ports else -1,
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

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self._form_of_class)

    def form_of_class(self, class_id: int) -> PodForm:
        """Return the form behind one of the kernel's classes."""
        return self._forms.forms[self._form_of_class[class_id]]

    def rank(self) -> None:
        """Tell the kernel the place of each class in the queue by size, unless it knows."""
        if self._n_ranked < self.n_classes:
            sizes = [self.form_of_class(number).size for number in range(self.n_classes)]
            place = {size: i for i, size in enumerate(sorted(set(sizes)))}
            self.kernel.set_sizes(np.array([place[size] for size in sizes], dtype=np.int32))
            self._n_ranked = self.n_classes

    # ------------------------------------------------------------------ claims

    def launch(
        self, tables: ClusterTables, template: int, set_id: int, types: bytes, held: bytes
    ) -> ClaimTypes:
        """Return what a claim may launch.

        Parameters
        ----------
        tables : ClusterTables
        template, set_id : int
        types, held : bytes
            Columns, and reservations that the claim holds, as little-endian words.
        """
        key = template, set_id, types, held
        found = self._launches.get(key)
        if found is None:
            if len(self._launches) >= MOST_KNOWN:
                self._launches.clear()
            requirements = self._sets.sets[set_id]
            if held:
                requirements = self._with_reservations(tables, requirements, held)
            columns = int.from_bytes(types, "little")
            found = of_columns(self._templates[template], requirements, columns)
            self._launches[key] = found
        return found

    def _with_reservations(
        self, tables: ClusterTables, requirements: Requirements, held: bytes
    ) -> Requirements:
        """A claim that holds reservations launches into them."""
        bits = int.from_bytes(held, "little")
        names = [name for i, name in enumerate(self._reservations) if bits >> i & 1]
        requirements = requirements.replaced(one_of(CAPACITY_TYPE_LABEL, (RESERVED,)))
        if not tables.objects.reservation_label:
            return requirements
        return requirements.merged((one_of(tables.objects.reservation_label, names),))

    def relaxed_class(self, tables: ClusterTables, class_id: int) -> int:
        """Return the class after one relaxation, -1 if nothing is left to relax."""
        form = self.form_of_class(class_id)
        step = relax(form.spec, tables.tolerate_prefer_no_schedule)
        if step is None:
            return -1
        volumes = form.volumes
        if volumes.unknown:
            volumes = type(volumes)(volumes.claims_by_driver)
        number = self._forms.of(step[0], form.namespace, form.labels, volumes)
        self._make_room()
        known = int(self._class_of_form[number])
        if known == _NOT_ADDED:
            known = self._add_class(tables, number)
            self.topology.connect((known,))
        return known
