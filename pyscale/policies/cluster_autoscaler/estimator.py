"""What goes into an estimate and what comes out of it.

Specification section 4.5; upstream ``estimator/``.  The estimate itself is
``pyscale.kernel._estimate``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...model.nodes import HOSTNAME_LABEL
from ...model.resources import CPU, MEMORY
from .equivalence import PodGroup
from .selectors import selector_matches
from .units import container_request, counted
from .world import Int64s

Counts = dict[int, int]
"""Position of a pod group -> pods."""


def _no_nodes() -> list[tuple[int, Counts]]:
    return []


@dataclass(slots=True)
class Estimate:
    """What an estimate found.

    Groups are named by their position in the input.  ``node_count`` is the number of distinct
    nodes that received a pod; ``existing`` are the nodes of the cluster that did, which count too;
    ``arithmetic_nodes`` are counted by the fast path only.
    """

    placed: Counts = field(default_factory=dict)
    node_count: int = 0
    existing: dict[int, Counts] = field(default_factory=dict)
    arithmetic_nodes: int = 0
    read_nodes: Callable[[], list[tuple[int, Counts]]] = _no_nodes

    @property
    def per_node(self) -> list[tuple[int, Counts]]:
        """The new nodes in order of creation: (number of alike nodes, pods on each).

        Those left empty are included.
        """
        return self.read_nodes()


def scores(cpu: Int64s, memory: Int64s, allocatable: dict[str, int]) -> NDArray[np.float64]:
    """Share of a template's allocatable cpu plus share of its memory, of one pod each."""
    total = np.zeros(len(cpu))
    for name, amounts in ((CPU, cpu), (MEMORY, memory)):
        if allocatable.get(name, 0) > 0:
            total += amounts / allocatable[name]
    return total


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


def has_hostname_spread(group: PodGroup) -> bool:
    """Whether the pods have any spread constraint over hostnames."""
    constraints = group.pod_class.template.spec.topology_spread_constraints
    return any(constraint.topology_key == HOSTNAME_LABEL for constraint in constraints)
