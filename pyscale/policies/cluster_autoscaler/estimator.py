"""What goes into an estimate and what comes out of it.

Specification section 4.5; upstream ``estimator/``.  The estimate itself is
``pyscale.kernel._estimate``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...model.nodes import HOSTNAME_LABEL
from ...model.resources import CPU, MEMORY
from .equivalence import PodGroup
from .node_shapes import NodeShape
from .selectors import selector_matches
from .units import container_request, counted

Counts = dict[int, int]
"""Position of a pod group -> pods."""


@dataclass(slots=True)
class Estimate:
    """What an estimate found.

    Groups are named by their position in the input.  ``per_node`` has the new nodes in order of
    creation as (number of alike nodes, pods on each), those left empty included; ``existing`` the
    nodes of the cluster that took pods, which count as nodes too; ``arithmetic_nodes`` are counted
    by the fast path only.
    """

    placed: Counts = field(default_factory=dict)
    per_node: list[tuple[int, Counts]] = field(default_factory=list)
    existing: dict[int, Counts] = field(default_factory=dict)
    arithmetic_nodes: int = 0

    @property
    def node_count(self) -> int:
        """Distinct nodes that received a pod."""
        used = sum(nodes for nodes, counts in self.per_node if counts)
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


def order_of(
    groups: Sequence[PodGroup], shape: NodeShape, fast_path: bool
) -> tuple[list[int], int | None]:
    """Return the positions in the order of placement, and the one placed by arithmetic."""
    order = in_decreasing_order(groups, shape.allocatable)
    arithmetic = fast_path_group(order, groups, shape.capacity) if fast_path else None
    if arithmetic is not None:
        order.remove(arithmetic)
        order.append(arithmetic)
    return order, arithmetic


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


def has_hostname_spread(group: PodGroup) -> bool:
    """Whether the pods have any spread constraint over hostnames."""
    constraints = group.pod_class.template.spec.topology_spread_constraints
    return any(constraint.topology_key == HOSTNAME_LABEL for constraint in constraints)
