"""What compiling a cluster can take over from the last time: types, templates, sets, forms."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._provision_tables import TemplateTable
from pyscale.model.catalog import RESERVED, Catalog
from pyscale.model.groups import NodePool
from pyscale.model.nodes import HOSTNAME_LABEL

from .bound_pods import NOTHING_USED, BoundPods, NodeUsage
from .classes import FormTable, PodForm
from .daemons import DaemonPod, daemon_pods, outstanding_requests
from .instance_types import CompiledType, compile_catalog
from .requirements import from_labels, one_of
from .scale import Scale, Span
from .sets import SetTable
from .state import ClusterObjects, Settings, StateNode
from .templates import NODES, Template, build_templates
from .topology import DomainUniverse

if TYPE_CHECKING:
    from .frame import Frame


@dataclass(frozen=True, eq=False)
class NodeMeasure:
    """What is in use on a state node and what is left of it.

    ``room`` has what the node lists less the requests of its pods and of the daemons that will
    come; ``set_id`` is the requirement set of its labels.
    """

    usage: NodeUsage
    room: Mapping[str, int]
    capacity: Mapping[str, int]
    set_id: int
    is_within: bool
    _scaled: list[tuple[Scale, tuple[list[int], list[int]]]] = field(default_factory=list)
    _spanned: list[Span] = field(default_factory=list)

    def is_new_to(self, span: Span) -> bool:
        """Say whether a span of templates meets the node for the first time."""
        if self._spanned and self._spanned[0] is span:
            return False
        self._spanned[:] = [span]
        return True

    def scaled(self, scale: Scale) -> tuple[list[int], list[int]]:
        """Return room and capacity along the axes of a scale."""
        if not self._scaled or self._scaled[0][0] is not scale:
            rows = scale.amounts(self.room), scale.amounts(self.capacity)
            self._scaled[:] = [(scale, rows)]
        return self._scaled[0][1]


class ClassParts(NamedTuple):
    """What the kernel's class of a form is made of, but ports and taints."""

    requests: NDArray[np.int64]
    set_id: int
    host: int
    strict_id: int
    strict_host: int
    alternatives: NDArray[np.int32]


class CompileMemory:
    """Serves the solvers of one run: what depends on unchanged objects is made once.

    Objects are recognised by identity, so a caller that keeps its catalogue, pools and pod
    templates pays for new ones only.  Answers do not depend on what is remembered.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}
        self._measures: dict[str, tuple[tuple[Any, ...], tuple[Any, ...], NodeMeasure]] = {}
        self._class_parts: dict[PodForm, tuple[SetTable, Scale, ClassParts]] = {}
        self._spanned: set[PodForm] = set()
        self._span_of_templates: Span | None = None
        self._span = Span({}, {})
        self._scale: Scale | None = None
        #: What the last solver was compiled into.
        self.frame: Frame | None = None

    def _recall(self, what: str, objects: tuple[Any, ...], values: tuple[Hashable, ...]) -> Any:
        held = self._kept.get((what, values))
        if held is None or len(held[0]) != len(objects):
            return None
        same = all(one is other for one, other in zip(held[0], objects, strict=True))
        return held[1] if same else None

    def _keep(
        self, what: str, objects: tuple[Any, ...], values: tuple[Hashable, ...], made: Any
    ) -> Any:
        self._kept[(what, values)] = (objects, made)
        return made

    def types(self, catalog: Catalog, reservation_label: str) -> tuple[CompiledType, ...]:
        """Return the catalogue compiled."""
        key = ((catalog,), (reservation_label,))
        found = self._recall("types", *key)
        if found is None:
            found = self._keep("types", *key, compile_catalog(catalog, reservation_label))
        return found  # type: ignore[no-any-return]

    def sets(self, well_known: frozenset[str]) -> SetTable:
        """Return the table of requirement sets."""
        key = ((), (well_known,))
        found = self._recall("sets", *key)
        if found is None:
            found = self._keep("sets", *key, SetTable(well_known))
        return found  # type: ignore[no-any-return]

    def forms(self, objects: ClusterObjects, settings: Settings) -> FormTable:
        """Return the table of pod forms."""
        key = (
            (objects.namespaces, objects.volumes),
            (settings.ignore_preferences, settings.repaired),
        )
        found = self._recall("forms", *key)
        if found is None:
            table = FormTable(
                objects.namespaces, settings.ignore_preferences, objects.volumes, settings.repaired
            )
            found = self._keep("forms", *key, table)
        return found  # type: ignore[no-any-return]

    def templates(
        self,
        objects: ClusterObjects,
        settings: Settings,
        pools: Sequence[NodePool],
        types_of_pool: Mapping[str, Sequence[CompiledType]],
    ) -> tuple[list[DaemonPod], list[Template], DomainUniverse]:
        """Return daemon pods as templates leave them, the templates, and the domain universe."""
        fresh = daemon_pods(objects.daemon_sets, objects.pods)
        parts = (
            *pools,
            *(kinds for kinds in types_of_pool.values()),
            *(source for daemon in fresh for source in daemon.sources),
        )
        values = (
            tuple(pool.name for pool in pools),
            tuple(daemon.name for daemon in fresh),
            objects.well_known,
            settings.best_effort_min_values,
            settings.repaired,
            settings.tie_break,
        )
        found = self._recall("templates", parts, values)
        if found is None:
            templates = build_templates(pools, types_of_pool, fresh, objects.well_known, settings)
            universe = DomainUniverse(pools, types_of_pool, settings.repaired)
            found = (fresh, templates, universe)
            self._keep("templates", parts, values, found)
        return found  # type: ignore[no-any-return]

    def types_by_name(self, types: tuple[CompiledType, ...]) -> dict[str, CompiledType]:
        """Return the types by their names."""
        key = ((types,), ())
        found: dict[str, CompiledType] | None = self._recall("names", *key)
        if found is None:
            found = {compiled.name: compiled for compiled in types}
            self._keep("names", *key, found)
        return found

    def measures(
        self,
        nodes: Sequence[StateNode],
        bound: BoundPods,
        forms: FormTable,
        daemons: Sequence[DaemonPod],
        sets: SetTable,
    ) -> list[NodeMeasure]:
        """Return what is left on each node; new only where it or its pods changed.

        Nodes that are not among these are forgotten.
        """
        before, self._measures = self._measures, {}
        found = []
        for node in nodes:
            pods = bound.state(node.node_name) if node.has_node else NOTHING_USED
            looked_at = (node, pods, forms, daemons, sets)
            held = before.get(node.name)
            if held is None or pods is None or not all(map(is_, held[0], looked_at)):
                usage = bound.usage(node.node_name, forms) if node.has_node else NOTHING_USED
                parts = (
                    node.labels,
                    node.allocatable,
                    node.capacity,
                    node.taints,
                    usage,
                    daemons,
                    sets,
                )
                if held is not None and all(map(is_, held[1], parts)):
                    held = looked_at, parts, held[2]
                else:
                    held = looked_at, parts, _measure(node, usage, daemons, sets)
            self._measures[node.name] = held
            found.append(held[2])
        return found

    def class_parts(self, form: PodForm, sets: SetTable, scale: Scale) -> ClassParts:
        """Return what the kernel's class of a form is made of."""
        held = self._class_parts.get(form)
        if held is not None and held[0] is sets and held[1] is scale:
            return held[2]
        alternatives: list[int] = []
        for alternative in form.volumes.alternatives:
            alternatives += (-1, -1) if alternative is None else sets.split(alternative)
        parts = ClassParts(
            scale.vector(form.requests),
            *sets.split(form.requirements),
            *sets.split(form.strict),
            np.array(alternatives, dtype=np.int32),
        )
        self._class_parts[form] = (sets, scale, parts)
        return parts

    def scale(
        self,
        templates: Sequence[Template],
        forms: Iterable[PodForm],
        measures: Iterable[NodeMeasure],
        amounts: Iterable[Mapping[str, int]] = (),
    ) -> Scale:
        """Return a scale for all these, the amounts of templates, and those of earlier calls.

        Raises
        ------
        UnsupportedError
            If amounts of one resource differ too much for 64 bits.
        """
        of_templates = self.span(templates)
        if self._span_of_templates is not of_templates:
            self._span_of_templates, self._scale = of_templates, None
            self._span, self._spanned = of_templates, set()
        new: list[Mapping[str, int]] = []
        if self._scale is None:
            new += [template.pool.limits or {} for template in templates]
        for form in forms:
            if form not in self._spanned:
                self._spanned.add(form)
                new.append(form.requests)
        new += amounts
        for measure in measures:
            if measure.is_new_to(of_templates):
                new += (measure.room, measure.capacity)
        if new or self._scale is None:
            self._span = Span.of(new, self._span)
            scale = Scale.of((), frozenset((NODES,)), self._span)
            if self._scale != scale:
                self._scale = scale
        return self._scale

    def span(self, templates: Sequence[Template]) -> Span:
        """Return the span of all amounts of the templates."""
        key = (tuple(templates), ())
        found: Span | None = self._recall("span", *key)
        if found is None:
            found = Span.of(
                amounts
                for template in templates
                for amounts in (
                    *(compiled.capacity for compiled in template.columns.types),
                    *(group.allocatable for _, group in template.columns.columns),
                    *(group.overhead for group in template.groups),
                )
            )
            self._keep("span", *key, found)
        return found

    def reservations(self, types_of_pools: tuple[Sequence[CompiledType], ...]) -> dict[str, int]:
        """Return the capacity of each reservation: the smallest that any type advertises."""
        key = (types_of_pools, ())
        found: dict[str, int] | None = self._recall("reservations", *key)
        if found is None:
            found = {}
            for types in types_of_pools:
                for compiled in types:
                    for offer in compiled.offers:
                        offering = offer.offering
                        if offering.capacity_type == RESERVED:
                            name, capacity = offering.reservation_id, offering.reservation_capacity
                            found[name] = min(found.get(name, capacity), capacity)
            self._keep("reservations", *key, found)
        return found

    def table(self, template: Template, scale: Scale, n_words: int) -> TemplateTable:
        """Return a template's columns as the kernel reads them."""
        key = ((template,), (template.pool.name, scale, n_words))
        found = self._recall("table", *key)
        if found is None:
            columns = template.columns
            table = TemplateTable(
                n_words,
                [
                    group.columns.to_bytes((group.columns.bit_length() + 7) // 8, "little")
                    for group in template.groups
                ],
                scale.table(group.overhead for group in template.groups),
                scale.table(group.allocatable for _, group in columns.columns),
                scale.table(columns.types[i].capacity for i, _ in columns.columns),
            )
            found = self._keep("table", *key, table)
        return found  # type: ignore[no-any-return]


def _measure(
    node: StateNode, usage: NodeUsage, daemons: Sequence[DaemonPod], sets: SetTable
) -> NodeMeasure:
    # Only what the node lists is subtracted from, then what daemons will need.
    used = usage.used
    room = {name: amount - used.get(name, 0) for name, amount in node.allocatable.items()}
    for name, amount in outstanding_requests(daemons, node, usage.daemons).items():
        room[name] = room.get(name, 0) - amount
    is_within = all(amount >= 0 for amount in room.values())
    return NodeMeasure(usage, room, node.capacity, set_of_node(node, sets), is_within)


def set_of_node(node: StateNode, sets: SetTable) -> int:
    """Return the number of the set of a node's labels, without the hostname."""
    hostname = one_of(HOSTNAME_LABEL, (node.hostname,))
    return sets.split(from_labels(node.labels).merged((hostname,)))[0]
