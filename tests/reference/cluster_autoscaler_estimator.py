"""The binpacking estimator pod by pod, as the specification writes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pyscale.model.resources import CPU, MEMORY
from pyscale.policies.cluster_autoscaler.equivalence import PodGroup
from pyscale.policies.cluster_autoscaler.estimator import (
    Counts,
    Estimate,
    fast_path_group,
    has_hostname_spread,
)
from pyscale.policies.cluster_autoscaler.kernel_placement import KernelPlacement
from pyscale.policies.cluster_autoscaler.node_shapes import NodeShape
from pyscale.policies.cluster_autoscaler.placement import Refusal


def score(group: PodGroup, allocatable: dict[str, int]) -> float:
    """Share of the template's allocatable cpu plus share of its memory, of one pod."""
    total = 0.0
    for name, amount in ((CPU, group.pod_class.cpu), (MEMORY, group.pod_class.memory)):
        if allocatable.get(name, 0) > 0:
            total += amount / allocatable[name]
    return total


POD_TOPOLOGY_SPREAD = "PodTopologySpread"


class Estimator:
    """One estimate on a snapshot, which it leaves as it found it.

    Parameters
    ----------
    placement : KernelPlacement
        The cluster as it is.
    shape : NodeShape
        The template.
    limit : int
        Nodes that may be opened: 0 is no limit, negative none at all.
    fast_path : bool
        Place one group by arithmetic.
    """

    def __init__(
        self, placement: KernelPlacement, shape: NodeShape, limit: int, fast_path: bool = False
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
        shape = self._shape
        order = sorted(range(len(groups)), key=lambda i: -score(groups[i], shape.allocatable))
        arithmetic = None
        if self._fast_path:
            arithmetic = fast_path_group(order, groups, shape.capacity)
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
        per_node = [(1, counts) for counts in self._new.values()]
        used = sum(1 for counts in self._new.values() if counts)
        result = self._result
        result.node_count = used + len(result.existing) + result.arithmetic_nodes
        result.read_nodes = lambda: per_node
        return result

    def _fill_open_nodes(self, position: int, group: PodGroup, count: int) -> int:
        """Place pods on nodes opened before until one fits none of them; return how many."""
        if not self._new:
            return 0
        for done in range(count):
            node = self._placement.scan(group.pod_class, self._mask(self._new))
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
            node = self._placement.scan(group.pod_class, ~self._mask({last}))
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

    def _mask(self, nodes) -> np.ndarray:
        mask = self._placement.mask()
        mask[list(nodes)] = True
        return mask

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
        self._last = self._placement.add_node(self._shape.node, name, own=self._shape.pods)
        self._new[self._last] = {}
        return True

    def _record(self, position: int, group: PodGroup, node: int) -> None:
        self._placement.place(group.pod_class, node)
        counts = self._new.get(node)
        if counts is None:
            counts = self._result.existing.setdefault(node, {})
        counts[position] = counts.get(position, 0) + 1
        self._result.placed[position] = self._result.placed.get(position, 0) + 1


def is_skew_refusal(refusal: Refusal) -> bool:
    """Whether the skew was the reason, as opposed to a node without the label."""
    return refusal.plugin == POD_TOPOLOGY_SPREAD and not refusal.unresolvable
