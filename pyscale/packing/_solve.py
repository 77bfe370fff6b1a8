"""From checked arrays to the kernel and back: which width, which weights, which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel import _fewest, _fit, _next, _pack
from pyscale.kernel._rotate import Rotation
from pyscale.kernel._runs import Runs
from pyscale.packing import orders
from pyscale.packing._border import MAX_NODES, Int64, sum_exactly
from pyscale.packing.result import Packing

SUFFIX = "_decreasing"
RULES = ("first_fit", "best_fit", "worst_fit", "next_fit", "fewest_pods_first", "rotating")
LIMIT_32 = 2**29


@dataclass(frozen=True)
class Problem:
    """Checked arrays: classes of pods, nodes that exist, and what may be opened."""

    requests: Int64
    counts: Int64
    free: Int64
    free_counts: Int64
    capacity: Int64  # (n_resources,), or (n_types, n_resources) for fewest pods first
    max_new_nodes: int
    order: str = "lexicographic"
    weights: Int64 | None = None
    last_node: int = -1
    width: int | None = field(default=None)  # 32 or 64 forces the kernel's width

    def scale(self) -> Int64:
        """What counts as one whole of each resource: the (largest) node."""
        whole = self.capacity if self.capacity.size else self.free
        largest: Int64 = np.atleast_2d(whole).max(axis=0, initial=0)
        return largest


def solve(problem: Problem, rule: str) -> Packing:
    """Place the pods by one rule."""
    base = rule.removesuffix(SUFFIX)
    weights = orders.unit_weights(problem.scale(), problem.weights)
    order = np.arange(len(problem.counts), dtype=np.int32)
    if rule != base:
        order = orders.decreasing(problem.requests, problem.counts, problem.order, weights)
    if base == "next_fit":
        return solve_next(problem, rule, order)
    if base == "fewest_pods_first":
        return solve_fewest(problem, rule, order)
    if base == "rotating":
        return solve_rotating(problem, rule)
    return solve_on_runs(problem, rule, RULES.index(base), order, weights)


def comparing(requests: NDArray[np.signedinteger]) -> NDArray[np.signedinteger]:
    """Replace every zero by the sentinel that always passes."""
    out = np.empty_like(requests)
    _fit.comparing(requests, out)
    return out


def narrowed(requests: Int64, *rooms: Int64) -> list[NDArray[np.int32]] | None:
    """Divide by the greatest common divisors and narrow to int32, or None if that is not exact.

    All sums of requests are multiples of the divisor, so rounding room down loses nothing. A
    resource that nobody requests does not matter: its room becomes 0.
    """
    divisors = np.zeros(requests.shape[1], dtype=np.int64)
    _fit.greatest_divisors(requests, divisors)
    idle = divisors == 0
    divisors[idle] = 1
    out = []
    for array in (requests, *rooms):
        divided = array // divisors if (divisors > 1).any() else array
        if idle.any():
            divided = np.where(idle, 0, divided)
        if divided.size and (divided.max() > LIMIT_32 or divided.min() < -LIMIT_32):
            return None
        out.append(np.ascontiguousarray(divided, dtype=np.int32))
    return out


def width_for(
    problem: Problem, requests: Int64, *rooms: Int64
) -> tuple[bool, list[NDArray[np.signedinteger]]]:
    """Choose int32 if it is exact, and int64 otherwise."""
    narrow = None if problem.width == 64 else narrowed(requests, *rooms)
    if narrow is None and problem.width == 32:
        raise ValueError("these amounts do not fit into 32 bits")
    if narrow is not None:
        return True, [*narrow]
    return False, [requests, *rooms]


def new_node(problem: Problem) -> Int64:
    """Return the capacity of a new node; of nothing, if none may be opened."""
    if problem.capacity.size:
        return problem.capacity
    return np.zeros(problem.requests.shape[1], dtype=np.int64)


def solve_on_runs(
    problem: Problem,
    rule: str,
    number: int,
    order: NDArray[np.int32],
    weights: list[Fraction],
) -> Packing:
    """First, best and worst fit."""
    n_classes, n_resources = problem.requests.shape
    capacity = new_node(problem)
    narrow, (requests, rooms, room) = width_for(problem, problem.requests, problem.free, capacity)
    taken = np.zeros(n_classes, dtype=np.int64)
    scores = np.zeros(len(problem.free), dtype=np.int64)
    score = 0
    if number != _pack.FIRST_FIT:
        table = np.concatenate([problem.free, capacity[None, :]])
        peaks = [int(x) for x in np.abs(table).max(axis=0)]
        weight = orders.room_weights(weights, peaks)
        # A request above every room is placed nowhere; capped, its weight cannot overflow either.
        taken = np.minimum(problem.requests, np.array(peaks)) @ weight
        scores = problem.free @ weight
        score = int(capacity @ weight)
    runs = Runs(n_resources, narrow)
    runs.add(rooms, problem.free_counts, scores)
    unplaced = np.zeros(n_classes, dtype=np.int64)
    _pack.place_classes(
        runs,
        number,
        requests,
        comparing(requests),
        problem.counts,
        order,
        room,
        taken,
        score,
        problem.max_new_nodes,
        unplaced,
    )
    return packed(problem, rule, runs, runs.n_nodes, unplaced)


def packed(
    problem: Problem, rule: str, runs: Runs, n_nodes: int, unplaced: Int64, last_node: int = -1
) -> Packing:
    """Put the kernel's records into a result."""
    records = np.empty((runs.n_records, 4), dtype=np.int64)
    runs.copy_records(records)
    return result(problem, rule, n_nodes, unplaced, last_node, records=records)


def result(
    problem: Problem,
    rule: str,
    n_nodes: int,
    unplaced: Int64,
    last_node: int = -1,
    records: Int64 | None = None,
    nodes: NDArray[np.int32] | None = None,
) -> Packing:
    """Build the result of one rule."""
    return Packing(
        rule=rule,
        requests=problem.requests,
        counts=problem.counts,
        capacity=problem.capacity,
        free=problem.free,
        free_counts=problem.free_counts,
        n_nodes=n_nodes,
        unplaced=unplaced,
        last_node=last_node,
        _records=records,
        _nodes=nodes,
    )


def solve_next(problem: Problem, rule: str, order: NDArray[np.int32]) -> Packing:
    """Next fit."""
    records = Runs(problem.requests.shape[1], narrow=False)
    unplaced = np.zeros(len(problem.counts), dtype=np.int64)
    n_new = _next.place_classes(
        records,
        np.ascontiguousarray(problem.free.T),
        problem.free_counts,
        problem.requests,
        comparing(problem.requests),
        problem.counts,
        order,
        new_node(problem),
        problem.max_new_nodes,
        unplaced,
    )
    return packed(problem, rule, records, sum_exactly(problem.free_counts) + n_new, unplaced)


def solve_fewest(problem: Problem, rule: str, order: NDArray[np.int32]) -> Packing:
    """Fewest pods first."""
    nodes = np.full(sum_exactly(problem.counts), -1, dtype=np.int32)
    unplaced = np.zeros(len(problem.counts), dtype=np.int64)
    n_nodes = _fewest.place_classes(
        np.ascontiguousarray(np.atleast_2d(problem.capacity).T),
        problem.requests,
        problem.counts,
        order,
        np.cumsum(problem.counts) - problem.counts,
        min(problem.max_new_nodes, MAX_NODES),
        nodes,
        unplaced,
    )
    return result(problem, rule, n_nodes, unplaced, nodes=nodes)


def solve_rotating(problem: Problem, rule: str) -> Packing:
    """Rotating scan."""
    rotation = Rotation(problem.free, problem.free_counts, problem.last_node, len(problem.counts))
    records = Runs(problem.requests.shape[1], narrow=False)
    unplaced = np.zeros(len(problem.counts), dtype=np.int64)
    rotation.place_classes(records, problem.requests, problem.counts, unplaced)
    return packed(problem, rule, records, rotation.n_nodes, unplaced, rotation.last_node)
