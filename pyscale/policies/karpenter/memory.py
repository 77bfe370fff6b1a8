"""What compiling a cluster can take over from the last time: types, templates, sets, forms."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from pyscale.kernel._provision_tables import TemplateTable
from pyscale.model.catalog import RESERVED, Catalog
from pyscale.model.groups import NodePool

from .classes import FormTable
from .daemons import DaemonPod, daemon_pods
from .instance_types import CompiledType, compile_catalog
from .scale import Scale, Span
from .sets import SetTable
from .state import ClusterObjects, Settings
from .templates import Template, build_templates
from .topology import DomainUniverse


class CompileMemory:
    """Serves the solvers of one run: what depends on unchanged objects is made once.

    Objects are recognised by identity, so a caller that keeps its catalogue, pools and pod
    templates pays for new ones only.  Answers do not depend on what is remembered.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}

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
