"""How many new nodes of a group its pods need: the binpacking estimator, pod by pod.

Specification section 4.5; upstream ``estimator/binpacking_estimator.go``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...model.nodes import HOSTNAME_LABEL
from ...model.resources import CPU, MEMORY
from .equivalence import PodGroup
from .node_shapes import NodeShape
from .placement import POD_TOPOLOGY_SPREAD, Placement, Refusal
from .selectors import selector_matches
from .units import container_request, counted

Counts = dict[int, int]
"""Position of a pod group -> pods."""


@dataclass(slots=True)
class Estimate:
    """What an estimate found.

    Groups are named by their position in the input.  ``per_node`` has the new nodes in order of
    creation, those left empty included; ``existing`` the nodes of the cluster that took pods,
    which count as nodes too; ``arithmetic_nodes`` are counted by the fast path only.
    """

    placed: Counts = field(default_factory=dict)
    per_node: list[Counts] = field(default_factory=list)
    existing: dict[int, Counts] = field(default_factory=dict)
    arithmetic_nodes: int = 0

    @property
    def node_count(self) -> int:
        """Distinct nodes that received a pod."""
        used = sum(1 for counts in self.per_node if counts)
        return used + len(self.existing) + self.arithmetic_nodes


def score(group: PodGroup, allocatable: dict[str, int]) -> float:
    """Share of the template's allocatable cpu plus share of its memory, of one pod."""
    total = 0.0
    for name, amount in ((CPU, group.pod_class.cpu), (MEMORY, group.pod_class.memory)):
        if allocatable.get(name, 0) > 0:
            total += amount / allocatable[name]
    return total


def in_decreasing_order(groups: Sequence[PodGroup], allocatable: dict[str, int]) -> list[int]:
    """Return positions, largest score first; equal ones keep their order."""
    return sorted(range(len(groups)), key=lambda i: -score(groups[i], allocatable))


def fast_path_group(
    order: Sequence[int], groups: Sequence[PodGroup], capacity: dict[str, int]
) -> int | None:
    """Return the position of the group that arithmetic saves most for; the later one on ties."""
    chosen, most_saved = None, 0
    for position in order:
        saved = _saved_by_arithmetic(groups[position], capacity)
        if saved is not None and saved >= most_saved:
            chosen, most_saved = position, saved
    return chosen


def _saved_by_arithmetic(group: PodGroup, capacity: dict[str, int]) -> int | None:
    """Pods placed by arithmetic; None if the group's constraints forbid it.

    Only the first container's requests count, against the template's capacity, in floats.
    """
    template, count = group.pod_class.template, len(group.pods)
    if template.spec.topology_spread_constraints:
        return None
    nodes = 0
    for term in template.spec.required_pod_anti_affinity:
        if term.topology_key != HOSTNAME_LABEL:
            return None
        if selector_matches(term.label_selector, template.labels):
            nodes = count
    request: dict[str, int] = {}
    if template.spec.containers:
        request = counted(container_request(template.spec.containers[0]))
    if request:
        cores = request.get(CPU, 0) / 1000
        nodes = max(nodes, math.ceil(count * cores / (capacity[CPU] / 1000)))
        nodes = max(nodes, math.ceil(count * request.get(MEMORY, 0) / capacity[MEMORY]))
    return count - count // nodes if nodes > 0 else 0


class Estimator:
    """One estimate on a snapshot, which it leaves as it found it.

    Parameters
    ----------
    placement : Placement
        The cluster as it is.
    shape : NodeShape
        The template.
    limit : int
        Nodes that may be opened: 0 is no limit, negative none at all.
    fast_path : bool
        Place one group by arithmetic.
    """

    def __init__(
        self, placement: Placement, shape: NodeShape, limit: int, fast_path: bool = False
    ) -> None:
        self._placement = placement
        self._shape = shape
        self._limit = limit
        self._permitted = 0
        self._fast_path = fast_path
        self._new: dict[int, Counts] = {}
        self._last: int | None = None
        self._result = Estimate()

    def estimate(self, groups: Sequence[PodGroup]) -> Estimate:
        """Place the pods of the groups on as many new nodes as it takes."""
        order = in_decreasing_order(groups, self._shape.allocatable)
        arithmetic = None
        if self._fast_path:
            arithmetic = fast_path_group(order, groups, self._shape.capacity)
            if arithmetic is not None:
                order.remove(arithmetic)
                order.append(arithmetic)
        self._placement.fork()
        may_add = True
        for position in order:
            count = len(groups[position].pods)
            done = self._fill_open_nodes(position, groups[position], count)
            if not may_add:
                continue
            if position == arithmetic:
                may_add = self._open_by_arithmetic(position, groups[position], count - done)
            else:
                may_add = self._open_nodes(position, groups[position], count - done)
        self._placement.revert()
        self._result.per_node = list(self._new.values())
        return self._result

    def _fill_open_nodes(self, position: int, group: PodGroup, count: int) -> int:
        """Place pods on nodes opened before until one fits none of them; return how many."""
        if not self._new:
            return 0
        for done in range(count):
            node = self._placement.scan(group.pod_class, self._new.__contains__)
            if node is None:
                return done
            self._record(position, group, node)
        return count

    def _open_nodes(self, position: int, group: PodGroup, count: int) -> bool:
        """Fill the latest node and open another when it refuses; False: no more nodes at all."""
        for _ in range(count):
            if self._place_without_opening(position, group):
                continue
            if self._last is not None and not self._new[self._last]:
                return True  # a fresh node refused before: the group is given up
            if not self._open():
                return False
            assert self._last is not None
            if self._placement.refusal(group.pod_class, self._last) is not None:
                return True
            self._record(position, group, self._last)
        return True

    def _place_without_opening(self, position: int, group: PodGroup) -> bool:
        last = self._last
        if last is None:
            return False
        refusal = self._placement.refusal(group.pod_class, last)
        if refusal is None:
            self._record(position, group, last)
            return True
        if has_hostname_spread(group) and is_skew_refusal(refusal):
            node = self._placement.scan(group.pod_class, lambda other: other != last)
            if node is not None:
                self._record(position, group, node)
                return True
        return False

    def _open_by_arithmetic(self, position: int, group: PodGroup, count: int) -> bool:
        """Fill one node for real; further ones take the same number of pods each."""
        if not count:
            return True
        if not self._open():
            return False
        assert self._last is not None
        per_node = 0
        while per_node < count and not self._placement.refusal(group.pod_class, self._last):
            self._record(position, group, self._last)
            per_node += 1
        if per_node == 0:
            return True
        left = count - per_node
        for _ in range(-(-count // per_node) - 1):
            if not self._permit():
                return False
            self._result.arithmetic_nodes += 1
            taken = min(per_node, left)
            self._result.placed[position] += taken
            left -= taken
        return True

    def _permit(self) -> bool:
        """Permission is consumed even if no pod then fits on the node."""
        if self._limit < 0 or (self._limit > 0 and self._permitted >= self._limit):
            return False
        self._permitted += 1
        return True

    def _open(self) -> bool:
        if not self._permit():
            return False
        name = f"template-node-{len(self._new)}"
        self._last = self._placement.add_node(self._shape.node, name, self._shape.pods)
        self._new[self._last] = {}
        return True

    def _record(self, position: int, group: PodGroup, node: int) -> None:
        self._placement.place(group.pod_class, node)
        counts = self._new.get(node)
        if counts is None:
            counts = self._result.existing.setdefault(node, {})
        counts[position] = counts.get(position, 0) + 1
        self._result.placed[position] = self._result.placed.get(position, 0) + 1


def has_hostname_spread(group: PodGroup) -> bool:
    """Whether the pods have any spread constraint over hostnames."""
    constraints = group.pod_class.template.spec.topology_spread_constraints
    return any(constraint.topology_key == HOSTNAME_LABEL for constraint in constraints)


def is_skew_refusal(refusal: Refusal) -> bool:
    """Whether the skew was the reason, as opposed to a node without the label."""
    return refusal.plugin == POD_TOPOLOGY_SPREAD and not refusal.unresolvable
