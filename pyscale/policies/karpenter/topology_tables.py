"""The topology groups of a cluster as the kernel's numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyscale.model.nodes import HOSTNAME_LABEL

from .requirements import from_labels
from .topology import GroupTerm, NodeFilter

if TYPE_CHECKING:
    from .classes import PodForm
    from .tables import ClusterTables

_NONE: list[int] = []


class TopologyTables:
    """Interned topology keys, domains, groups and variants, and which class belongs where.

    A *variant* is one way in which a group can be created: its first owner in a round decides
    about minDomains, node filter and initial domains.
    """

    def __init__(self, solver: ClusterTables, forms: Sequence[PodForm]) -> None:
        self._solver = solver
        self.keys = [HOSTNAME_LABEL, *sorted(set().union(*(form.topology_keys for form in forms)))]
        self.key_numbers = {key: i for i, key in enumerate(self.keys)}
        values = self._collect_values(forms)
        self.domain_names: list[list[str]] = [[], *(sorted(values[key]) for key in self.keys[1:])]
        self.domain_numbers = [
            {name: i for i, name in enumerate(names)} for names in self.domain_names
        ]
        self._number_nodes()
        self.domain_counts = np.array(
            [self.n_hosts, *(len(names) for names in self.domain_names[1:])], dtype=np.int32
        )
        self.domain_ranks = [np.arange(n, dtype=np.int32) for n in self.domain_counts]
        tie_break = solver.settings.tie_break
        if tie_break.seed is not None:
            # Otherwise numbers follow the names' byte order already.
            for ranks, names in zip(
                self.domain_ranks, (self.host_names, *self.domain_names[1:]), strict=True
            ):
                order = sorted(range(len(names)), key=lambda i: tie_break.key(names[i]))
                ranks[order] = np.arange(len(names), dtype=np.int32)
        self.most_domains = int(max(self.domain_counts)) + 1
        self.filters: list[NodeFilter] = []
        self._filter_ids: dict[Hashable, int] = {}
        self._filter_passes: dict[int, NDArray[np.uint8]] = {}
        self._group_ids: dict[tuple[bool, Hashable], int] = {}
        self._groups: list[tuple[bool, GroupTerm]] = []
        self._owners: list[set[int]] = []  # classes that own an inverse group
        self._counted: list[NDArray[np.uint8]] = []
        self._variants: dict[Hashable, int] = {}
        self._label_sets: dict[Hashable, int] = {}
        self._label_forms: list[PodForm] = []
        self._classes_of_labels: list[list[int]] = []
        self._selected: list[list[int]] = []  # groups, by label set
        self._kept_away: list[list[int]] = []
        self._own: list[list[int]] = []  # by class, in the order of their numbers
        self._owned: list[list[int]] = []

    def _number_nodes(self) -> None:
        """Number the hostnames of nodes, and look up the domains that nodes are in."""
        nodes = self._solver.nodes
        numbers: dict[str, int] = {}
        hosts = [numbers.setdefault(node.hostname, len(numbers)) for node in nodes]
        node_names = [
            numbers.setdefault(node.node_labels.get(HOSTNAME_LABEL, node.node_name), len(numbers))
            if node.has_node
            else -1
            for node in nodes
        ]
        self.host_names: Sequence[str] = list(numbers)
        self.node_hosts = np.array(hosts, dtype=np.int32)
        self.node_domains = np.full((len(self.keys), len(nodes)), -1, dtype=np.int32)
        if nodes:
            self.node_domains[0] = node_names
            for k, key in enumerate(self.keys[1:], 1):
                domains = self.domain_numbers[k]
                self.node_domains[k] = [
                    domains[node.node_labels[key]]
                    if node.has_node and key in node.node_labels
                    else -1
                    for node in nodes
                ]
        self._active = np.array(
            [node.has_node and not node.marked_for_deletion for node in nodes], dtype=bool
        )

    @property
    def has_groups(self) -> bool:
        """Whether there is any group: then what was compiled holds for these nodes and pods."""
        return bool(self._groups)

    def turn_to(self, solver: ClusterTables, host_names: Sequence[str] | None = None) -> None:
        """Serve another cluster, as long as there are no groups.

        With ``host_names``, one per node in order, nothing else is looked up about its nodes.
        """
        self._solver = solver
        if host_names is None:
            self._number_nodes()
        else:
            self.host_names = host_names

    @property
    def n_hosts(self) -> int:
        """Number of hostnames of nodes."""
        return len(self.host_names)

    def _collect_values(self, forms: Iterable[PodForm]) -> dict[str, set[str]]:
        """Every value of a topology key that a set of the round can hold."""
        values: dict[str, set[str]] = {key: set(self._solver.universe.of(key)) for key in self.keys}
        if len(self.keys) == 1:
            return values
        for node in self._solver.nodes:
            for key in self.keys:
                for labels in (node.labels, node.node_labels):
                    if key in labels:
                        values[key].add(labels[key])
        for template in self._solver.templates:
            for held in template.requirements:
                if held.key in values:
                    values[held.key] |= held.values
        for form in forms:
            for key in values.keys() & form.written_values.keys():
                values[key] |= form.written_values[key]
        return values

    # ------------------------------------------------------------------ groups

    def connect(self, classes: Iterable[int]) -> None:
        """Tell the kernel to which groups classes belong; creates groups on the way."""
        kernel = self._solver.kernel
        numbers = list(classes)
        first_new_group = len(self._groups)
        forms = [self._solver.form_of_class(number) for number in numbers]
        changed: set[int] = set(numbers)
        for number, form in zip(numbers, forms, strict=True):
            for term in form.own:
                self._group(False, term)
            for term in form.inverse:
                self._owners[self._group(True, term)].add(number)
            self._classes_of_labels[self._label_set(form)].append(number)
        for group in range(first_new_group, len(self._groups)):
            changed.update(self._select(group))
        for form in forms:
            self._own.append(self._own_triples(form) if form.own else _NONE)
            self._owned.append(self._owned_pairs(form) if form.inverse else _NONE)
        for group in range(first_new_group, len(self._groups)):
            self._finish_group(group)
        if not self._groups:
            return
        for number in sorted(changed):
            form = self._solver.form_of_class(number)
            labels = self._label_set(form)
            groups = (
                self._own[number],
                self._kept_away[labels],
                self._selected[labels],
                # Without its volumes a pod of the batch has no groups; where it runs it has them.
                _NONE if form.volumes.unknown else self._owned[number],
            )
            if any(groups):
                kernel.set_class_groups(
                    number, *(np.array(some, dtype=np.int32) for some in groups)
                )

    def _group(self, inverse: bool, term: GroupTerm) -> int:
        identity = (inverse, term.identity)
        known = self._group_ids.get(identity)
        if known is None:
            known = self._solver.kernel.add_group(
                term.kind, self.key_numbers[term.key], term.max_skew, inverse
            )
            self._group_ids[identity] = known
            self._groups.append((inverse, term))
            self._owners.append(set())
            n_bound_classes = int(self._solver.bound_classes.max(initial=-1)) + 1
            self._counted.append(np.zeros(n_bound_classes, dtype=np.uint8))
        return known

    def _label_set(self, form: PodForm) -> int:
        identity = form.label_key
        known = self._label_sets.get(identity)
        if known is None:
            known = self._label_sets[identity] = len(self._label_forms)
            self._label_forms.append(form)
            self._classes_of_labels.append([])
            self._selected.append([])
            self._kept_away.append([])
            for group, (inverse, term) in enumerate(self._groups):
                self._select_labels(group, inverse, term, known)
        return known

    def _select_labels(self, group: int, inverse: bool, term: GroupTerm, labels: int) -> bool:
        form = self._label_forms[labels]
        if not term.selects(form.namespace, form.labels):
            return False
        (self._kept_away if inverse else self._selected)[labels].append(group)
        return True

    def _select(self, group: int) -> set[int]:
        """Find the classes that a new group concerns."""
        inverse, term = self._groups[group]
        changed: set[int] = set()
        counted = self._counted[group]
        for labels, form in enumerate(self._label_forms):
            selected = self._selected[labels] if not inverse else self._kept_away[labels]
            if group not in selected and self._select_labels(group, inverse, term, labels):
                changed.update(self._classes_of_labels[labels])
            if not inverse and term.counts(form.namespace, form.labels):
                for number in self._classes_of_labels[labels]:
                    if number < len(counted):
                        counted[number] = 1
        return changed

    def _own_triples(self, form: PodForm) -> list[int]:
        triples: list[int] = []
        seen: set[int] = set()
        for term in form.own:
            group = self._group(False, term)
            if group not in seen:
                seen.add(group)
                selects = term.selects(form.namespace, form.labels)
                triples += (group, self._variant(group, term), int(selects))
        return triples

    def _owned_pairs(self, form: PodForm) -> list[int]:
        pairs: list[int] = []
        seen: set[int] = set()
        for term in form.inverse:
            group = self._group(True, term)
            if group not in seen:
                seen.add(group)
                pairs += (group, self._variant(group, term))
        return pairs

    def _finish_group(self, group: int) -> None:
        """Give the kernel the bound pods that count, and those that own an inverse group."""
        inverse, _ = self._groups[group]
        solver = self._solver
        owners: list[int] = []
        if inverse:
            for pod, (number, node, flags) in enumerate(
                zip(
                    solver.bound_classes.tolist(),
                    solver.bound_nodes.tolist(),
                    solver.bound_flags.tolist(),
                    strict=True,
                )
            ):
                if node >= 0 and flags & 2 and number in self._owners[group]:
                    owned = self._owned[number]
                    owners += (pod, owned[2 * owned[::2].index(group) + 1])
        solver.kernel.set_group(group, self._counted[group], np.array(owners, dtype=np.int32))

    # ------------------------------------------------------------------ variants

    def _variant(self, group: int, term: GroupTerm) -> int:
        domains = frozenset(self._solver.universe.tolerated(term.key, term.tolerations))
        content = None if term.node_filter is None else term.node_filter.content
        identity = (group, term.min_domains, content, domains)
        known = self._variants.get(identity)
        if known is None:
            known = self._variants[identity] = self._new_variant(group, term, domains)
        return known

    def _new_variant(self, group: int, term: GroupTerm, domains: frozenset[str]) -> int:
        inverse, _ = self._groups[group]
        key = self.key_numbers[term.key]
        solver = self._solver
        node_filter = term.node_filter
        filter_id = -1
        passes = np.array([node.has_node for node in solver.nodes], dtype=np.uint8)
        if node_filter is not None and not node_filter.passes_everything:
            filter_id = self._filter(node_filter)
            passes &= self._passes(filter_id)
        n_domains = int(self.domain_counts[key])
        node_domain = self.node_domains[key]
        node_known = np.zeros(n_domains, dtype=np.int32)
        count = np.zeros(n_domains, dtype=np.int32)
        if key and not inverse:
            known = self._active & (node_domain >= 0) & (passes > 0)
            node_known += np.bincount(node_domain[known], minlength=n_domains).astype(np.int32)
        if len(solver.bound_classes) and len(solver.nodes):
            nodes, classes = solver.bound_nodes, solver.bound_classes
            usable = (nodes >= 0) & (node_domain[nodes] >= 0)
            if inverse:
                owners = np.zeros(int(classes.max()) + 1, dtype=bool)
                owners[[number for number in self._owners[group] if number < len(owners)]] = True
                usable &= (solver.bound_flags & 2 > 0) & owners[classes]
            else:
                usable &= (solver.bound_flags & 1 > 0) & (self._counted[group][classes] > 0)
                usable &= passes[nodes] > 0
            count += np.bincount(node_domain[nodes[usable]], minlength=n_domains).astype(np.int32)
        universe = sum(1 << self.domain_numbers[key][name] for name in domains) if key else 0
        return int(
            solver.kernel.add_variant(
                -1 if term.min_domains is None else term.min_domains,
                filter_id,
                count,
                universe.to_bytes((universe.bit_length() + 7) // 8, "little"),
                node_known,
                passes,
            )
        )

    def _filter(self, node_filter: NodeFilter) -> int:
        """Number of a filter: odd for those that depend on the hostname."""
        known = self._filter_ids.get(node_filter.content)
        if known is None:
            known = 2 * len(self.filters) + node_filter.names_hostname
            self._filter_ids[node_filter.content] = known
            self.filters.append(node_filter)
        return known

    def _passes(self, filter_id: int) -> NDArray[np.uint8]:
        """Which nodes take part, by the labels and taints of their Node object."""
        known = self._filter_passes.get(filter_id)
        if known is None:
            node_filter = self.filters[filter_id >> 1]
            answers: dict[Hashable, bool] = {}
            found = []
            for node in self._solver.nodes:
                labels = dict(node.node_labels)
                if not filter_id & 1:
                    labels.pop(HOSTNAME_LABEL, None)
                identity = (frozenset(labels.items()), node.node_taints)
                if identity not in answers:
                    answers[identity] = node.has_node and node_filter.passes(
                        node.node_taints, from_labels(labels)
                    )
                found.append(answers[identity])
            known = self._filter_passes[filter_id] = np.array(found, dtype=np.uint8)
        return known
