"""Answers to the kernel's questions, each asked once per distinct question."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyscale.model.nodes import HOSTNAME_LABEL

from .eviction import is_terminal
from .parity import EXCLUDED_DOMAINS
from .relaxation import relax
from .requirements import Requirements, one_of

if TYPE_CHECKING:
    from .tables import ClusterTables
    from .topology_tables import TopologyTables

PLACEHOLDER = "hostname-placeholder-0001"


class Oracle:
    """What the kernel calls on a miss; see :class:`pyscale.kernel._provision.Provisioner`."""

    def __init__(self, solver: ClusterTables, topology: TopologyTables) -> None:
        self._solver = solver
        self._sets = solver.sets
        self._topology = topology
        self._masks: dict[tuple[int, bytes], int] = {}
        self._mask_values: list[tuple[str, ...]] = []
        self._min_values: dict[tuple[int, int, bytes, bool], int] = {}
        self._volumes: dict[int, dict[str, set[str]]] = {}

    def turn_to(self, solver: ClusterTables) -> None:
        """Answer for another cluster of the same frame."""
        self._solver = solver
        self._volumes.clear()

    def begin(self) -> None:
        """Forget what the last round put on nodes."""
        self._volumes.clear()

    def meet(self, loose: int, holder: int, incoming: int) -> int:
        """Return the set of what both require, or a refusal."""
        return self._sets.meet(bool(loose), holder, incoming)

    def types(self, set_id: int, template: int) -> tuple[bytes, bool]:
        """Return the columns that a set allows, and whether it has minValues."""
        requirements = self._sets.sets[set_id]
        bits = self._solver.templates[template].columns.allowed(requirements)
        return bits.to_bytes((bits.bit_length() + 7) // 8, "little"), requirements.has_min_values()

    def domains(self, set_id: int, key: int) -> tuple[bytes, NDArray[np.int32], int]:
        """Return which domains of a key a set admits, its values as written, its only value."""
        names = self._topology.domain_names[key]
        held = self._sets.sets[set_id].get(self._topology.keys[key])
        if held is None:
            bits = (1 << len(names)) - 1
            raw: list[int] = []
            single = -1
        else:
            bits = sum(1 << i for i, name in enumerate(names) if held.has(name))
            numbers = self._topology.domain_numbers[key]
            raw = [numbers[value] for value in sorted(held.values)]
            if held.complement and EXCLUDED_DOMAINS in self._solver.settings.repaired:
                raw = []
            single = raw[0] if len(raw) == 1 and not held.complement else -1
        words = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
        return words, np.array(raw, dtype=np.int32), single

    def mask(self, key: int, words: bytes) -> int:
        """Return a number for several (or no) domains of a key."""
        identity = (key, words)
        known = self._masks.get(identity)
        if known is None:
            known = self._masks[identity] = len(self._mask_values)
            bits = int.from_bytes(words, "little")
            names = self._topology.domain_names[key]
            self._mask_values.append(tuple(name for i, name in enumerate(names) if bits >> i & 1))
        return known + self._topology.most_domains

    def pin(self, loose: int, set_id: int, key: int, values: int) -> int:
        """Return a set narrowed to a domain, or to several by the number of their mask."""
        most = self._topology.most_domains
        names: tuple[str, ...]
        if values < most:
            names = (self._topology.domain_names[key][values],)
        else:
            names = self._mask_values[values - most]
        return self._sets.pin(bool(loose), set_id, one_of(self._topology.keys[key], names))

    def host(self, requirement: int, host: int) -> bool:
        """Say whether a hostname satisfies a requirement; one past the last is a placeholder."""
        names = self._topology.host_names
        name = names[host] if host < len(names) else PLACEHOLDER
        return self._sets.hosts[requirement].has(name)

    def passes(self, filter_id: int, taints: int, set_id: int, host: int) -> bool:
        """Say whether a candidate takes part in a spread group."""
        requirements = self._sets.sets[set_id]
        node_filter = self._topology.filters[filter_id >> 1]
        if filter_id & 1:
            names = self._topology.host_names
            name = names[host] if host < len(names) else PLACEHOLDER
            requirements = requirements.merged((one_of(HOSTNAME_LABEL, (name,)),))
        return node_filter.passes(self._solver.frame.taint_lists[taints], requirements)

    def min_values(self, template: int, set_id: int, types: bytes, relax: bool) -> int:
        """Return the set, with lowered minValues if they may be relaxed; -1 refuses."""
        identity = (template, set_id, types, relax)
        known = self._min_values.get(identity)
        if known is None:
            known = self._min_values[identity] = self._judge_min_values(
                template, self._sets.sets[set_id], int.from_bytes(types, "little"), relax
            )
        return known

    def _judge_min_values(
        self, template: int, requirements: Requirements, columns: int, relax: bool
    ) -> int:
        table = self._solver.templates[template].columns
        missed = table.missed_min_values(table.types_of(columns), requirements)
        if missed and not relax:
            return -1
        for key, achieved in missed.items():
            held = requirements.get_or_exists(key)
            requirements = requirements.replaced(held.with_min_values(achieved))
        return self._sets.set_id(requirements)

    def reserved(self, set_id: int, template: int) -> NDArray[np.int32]:
        """Return the number of compatible reserved offers, and (column, end, reservation) each."""
        columns = self._solver.templates[template].columns
        found = columns.reserved_offers(self._sets.sets[set_id])
        flat = [len(found)]
        for first, end, name in found:
            flat += [first, end, self._solver.reservation_ids[name]]
        return np.array(flat, dtype=np.int32)

    def relax(self, class_id: int) -> int:
        """Return the class after one relaxation, -1 if nothing is left to relax."""
        return self._solver.relaxed_class(class_id)

    def fixed(self, class_id: int) -> bool:
        """Say whether nothing of a class can be relaxed."""
        solver = self._solver
        spec = solver.form_of_class(class_id).spec
        return relax(spec, solver.tolerate_prefer_no_schedule) is None

    def volumes_fit(self, node: int, class_id: int) -> bool:
        """Say whether a node's CSI drivers can attach the pod's claims as well."""
        wanted = dict(self._solver.form_of_class(class_id).volumes.claims_by_driver)
        held = self._volumes_of(node)
        return all(
            len(held.get(driver, set()) | wanted.get(driver, frozenset())) <= limit
            for driver, limit in self._solver.nodes[node].csi_limits.items()
        )

    def volumes_add(self, node: int, class_id: int) -> None:
        """Attach a placed pod's claims."""
        held = self._volumes_of(node)
        for driver, claims in self._solver.form_of_class(class_id).volumes.claims_by_driver:
            held.setdefault(driver, set()).update(claims)

    def _volumes_of(self, number: int) -> dict[str, set[str]]:
        known = self._volumes.get(number)
        if known is None:
            known = self._volumes[number] = {}
            node = self._solver.nodes[number]
            for pod in self._solver.pods_on(node):
                if is_terminal(pod):
                    continue
                form = self._solver.forms.forms[self._solver.forms.of_pod(pod)]
                for driver, claims in form.volumes.claims_by_driver:
                    known.setdefault(driver, set()).update(claims)
        return known
