"""Every rule against its twin, on every width and vector path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import packing as slow
from simd import simd_paths
from strategies_packing import Problem, problems

import pyscale as ps
from pyscale.packing import _solve, orders
from pyscale.packing.orders import ORDERS
from pyscale.packing.result import Packing

NO_NODE = np.empty(0, dtype=np.int64)


def solved(
    problem: Problem, rule: str, capacity: np.ndarray | None = None, **options: object
) -> Iterator[Packing]:
    """Solve on every width that is exact and every vector path."""
    node = problem.capacity if capacity is None else capacity
    case = _solve.Problem(
        requests=problem.requests,
        counts=problem.counts,
        free=problem.free,
        free_counts=np.ones(len(problem.free), dtype=np.int64),
        capacity=node,
        max_new_nodes=10**6 if node.size else 0,
    )
    case = replace(case, **options)
    exact = _solve.narrowed(case.requests, case.free, np.atleast_2d(_solve.new_node(case)))
    for width in (64,) if exact is None else (64, 32):
        for _ in simd_paths():
            yield _solve.solve(replace(case, width=width), rule)


def pods_of(problem: Problem, order: list[int] | None = None) -> list[list[int]]:
    classes = range(len(problem.counts)) if order is None else order
    return [problem.requests[i].tolist() for i in classes for _ in range(problem.counts[i])]


def per_class(
    problem: Problem, nodes: list[int | None], order: list[int] | None = None
) -> dict[tuple[int, int], int]:
    """Count (class, node) pairs: pods of one class are interchangeable."""
    classes = range(len(problem.counts)) if order is None else order
    labels = [i for i in classes for _ in range(problem.counts[i])]
    out: dict[tuple[int, int], int] = {}
    for label, node in zip(labels, nodes, strict=True):
        if node is not None:
            out[label, node] = out.get((label, node), 0) + 1
    return out


def recorded(packing: Packing) -> dict[tuple[int, int], int]:
    out: dict[tuple[int, int], int] = {}
    for pod_class, first, n, copies in packing.records.tolist():
        for node in range(first, first + n):
            assert copies > 0
            assert (pod_class, node) not in out
            out[pod_class, node] = copies
    return out


def pod_by_pod(packing: Packing) -> list[int | None]:
    return [None if node < 0 else node for node in packing.node_of_pod.tolist()]


def room_weights(problem: Problem, node: np.ndarray) -> list[int]:
    """The integer weights that the rules compare nodes with."""
    scale = node if node.size else problem.free.max(axis=0, initial=0)
    table = np.vstack([problem.free, node]) if node.size else problem.free
    peaks = [int(x) for x in np.abs(table).max(axis=0, initial=0)]
    return orders.room_weights(orders.unit_weights(scale, None), peaks).tolist()


@pytest.mark.parametrize("opening", [True, False])
@given(problem=problems())
def test_first_fit_is_that_of_the_twin_pod_by_pod(problem: Problem, opening: bool) -> None:
    node = problem.capacity if opening else NO_NODE
    rooms = problem.free.tolist()
    capacity = node.tolist() if opening else None
    expected = slow.pack(pods_of(problem), rooms, slow.first, capacity)
    for packing in solved(problem, "first_fit", node):
        assert pod_by_pod(packing) == expected
        assert packing.n_nodes == len(rooms)
        assert packing.room.tolist() == rooms


@pytest.mark.parametrize("opening", [True, False])
@pytest.mark.parametrize("rule", ["best_fit", "worst_fit"])
@given(problem=problems())
def test_best_and_worst_fit_are_those_of_the_twin(
    problem: Problem, rule: str, opening: bool
) -> None:
    node = problem.capacity if opening else NO_NODE
    choose = partial(
        slow.best if rule == "best_fit" else slow.worst, weights=room_weights(problem, node)
    )
    rooms = problem.free.tolist()
    nodes = slow.pack(pods_of(problem), rooms, choose, node.tolist() if opening else None)
    for packing in solved(problem, rule, node):
        assert recorded(packing) == per_class(problem, nodes)
        assert packing.n_nodes == len(rooms)
        if rule == "best_fit":
            assert pod_by_pod(packing) == nodes


@pytest.mark.parametrize("opening", [True, False])
@given(problem=problems())
def test_next_fit_is_that_of_the_twin_pod_by_pod(problem: Problem, opening: bool) -> None:
    node = problem.capacity if opening else NO_NODE
    rooms = problem.free.tolist()
    expected = slow.next_fit(pods_of(problem), rooms, node.tolist() if opening else None)
    for packing in solved(problem, "next_fit", node):
        assert pod_by_pod(packing) == expected
        assert packing.n_nodes == len(rooms)


@pytest.mark.parametrize("order", ORDERS)
@given(problem=problems())
def test_decreasing_orders_are_those_of_exact_fractions(problem: Problem, order: str) -> None:
    expected = slow.decreasing(
        problem.requests.tolist(), problem.counts.tolist(), problem.capacity.tolist(), order
    )
    pods = slow.pack(pods_of(problem, expected), [], slow.first, problem.capacity.tolist())
    empty = replace(problem, free=problem.free[:0])
    for packing in solved(empty, "first_fit_decreasing", order=order):
        assert recorded(packing) == per_class(problem, pods, expected)


@given(problem=problems(), last=st.integers(-1, 20))
def test_the_rotating_scan_is_that_of_the_twin_with_its_last_node(
    problem: Problem, last: int
) -> None:
    last = min(last, len(problem.free) - 1)
    rooms = problem.free.tolist()
    expected, expected_last = slow.rotating(pods_of(problem), rooms, last)
    for packing in solved(problem, "rotating", NO_NODE, last_node=last):
        assert pod_by_pod(packing) == expected
        assert packing.last_node == expected_last
        assert packing.room.tolist() == rooms


@given(problem=problems(max_count=20), data=st.data())
def test_fewest_pods_first_is_that_of_the_twin_pod_by_pod(
    problem: Problem, data: st.DataObject
) -> None:
    n_types = data.draw(st.integers(1, 3))
    factors = np.array(
        data.draw(
            st.lists(
                st.lists(
                    st.integers(0, 3),
                    min_size=problem.requests.shape[1],
                    max_size=problem.requests.shape[1],
                ),
                min_size=n_types,
                max_size=n_types,
            )
        )
    )
    types = np.maximum(problem.capacity * factors, 0)
    most = data.draw(st.sampled_from([2, 10**6]))
    expected = slow.fewest_pods_first(pods_of(problem), types.tolist(), most)
    empty = replace(problem, free=problem.free[:0])
    for packing in solved(empty, "fewest_pods_first", types, max_new_nodes=most):
        assert pod_by_pod(packing) == expected
        assert recorded(packing) == per_class(problem, expected)


@given(problem=problems(), most=st.integers(0, 3))
def test_no_more_nodes_are_opened_than_allowed(problem: Problem, most: int) -> None:
    rooms = problem.free.tolist()
    expected = slow.pack(
        pods_of(problem), rooms, slow.first, problem.capacity.tolist(), len(rooms) + most
    )
    for packing in solved(problem, "first_fit", max_new_nodes=most):
        assert pod_by_pod(packing) == expected
        assert packing.n_new_nodes <= most
    rooms = problem.free.tolist()
    expected = slow.next_fit(pods_of(problem), rooms, problem.capacity.tolist(), len(rooms) + most)
    for packing in solved(problem, "next_fit", max_new_nodes=most):
        assert pod_by_pod(packing) == expected


@pytest.mark.parametrize("rule", ["first_fit", "best_fit", "worst_fit", "next_fit", "rotating"])
@given(problem=problems(max_nodes=3), data=st.data())
def test_runs_of_equal_nodes_are_as_many_single_nodes(
    problem: Problem, rule: str, data: st.DataObject
) -> None:
    n = len(problem.free)
    sizes = np.array(data.draw(st.lists(st.integers(1, 5), min_size=n, max_size=n)), np.int64)
    node = NO_NODE if rule == "rotating" else problem.capacity
    single = replace(problem, free=np.repeat(problem.free, sizes, axis=0))
    expected = next(solved(single, rule, node))
    for packing in solved(problem, rule, node, free_counts=sizes):
        assert np.array_equal(packing.node_of_pod, expected.node_of_pod)
        assert packing.last_node == expected.last_node


@pytest.mark.parametrize("rule", ["first_fit", "best_fit", "worst_fit", "next_fit", "rotating"])
@pytest.mark.parametrize("seed", range(3))
def test_hundreds_of_nodes_and_classes_give_what_the_twin_gives(rule: str, seed: int) -> None:
    """Large enough for tiles to part, to be retired and to be compacted."""
    rng = np.random.default_rng(seed)
    requests = rng.integers(0, [40, 60, 9], (300, 3))
    problem = Problem(
        requests=requests,
        counts=rng.integers(0, 7, 300),
        capacity=np.array([100, 130, 30]),
        free=rng.integers(-5, 120, (150, 3)),
    )
    node = NO_NODE if rule == "rotating" else problem.capacity
    rooms = problem.free.tolist()
    capacity = node.tolist() if node.size else None
    if rule == "rotating":
        nodes, _ = slow.rotating(pods_of(problem), rooms, -1)
    elif rule == "next_fit":
        nodes = slow.next_fit(pods_of(problem), rooms, capacity)
    else:
        choose = {"first_fit": slow.first}.get(rule) or partial(
            slow.best if rule == "best_fit" else slow.worst, weights=room_weights(problem, node)
        )
        nodes = slow.pack(pods_of(problem), rooms, choose, capacity)
    for packing in solved(problem, rule, node):
        assert recorded(packing) == per_class(problem, nodes)


def test_a_new_claim_is_the_last_of_those_with_one_pod_and_a_fuller_one_the_first() -> None:
    """Two claims of one pod: the older takes the next. Two of two pods: the one filled last."""
    packing = ps.pack([[6], [3]], [2, 2], [10], "fewest_pods_first")
    assert packing.node_of_pod.tolist() == [0, 1, 0, 1]
    packing = ps.pack([[4], [2], [1]], [4, 2, 1], [12], "fewest_pods_first")
    assert packing.node_of_pod.tolist() == slow.fewest_pods_first(
        [[4]] * 4 + [[2]] * 2 + [[1]], [[12]]
    )


@pytest.mark.parametrize("seed", range(5))
def test_many_claims_are_ordered_as_by_sorting_before_every_pod(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = Problem(
        requests=rng.integers(0, [9, 9], (40, 2)),
        counts=rng.integers(0, 9, 40),
        capacity=np.array([30, 20]),
        free=np.empty((0, 2), dtype=np.int64),
    )
    types = np.array([[30, 20], [20, 30], [8, 40]])
    expected = slow.fewest_pods_first(pods_of(problem), types.tolist())
    for packing in solved(problem, "fewest_pods_first", types):
        assert pod_by_pod(packing) == expected


@pytest.mark.parametrize("rule", ["first_fit", "best_fit", "worst_fit"])
@pytest.mark.parametrize("n_runs", [62, 63, 64, 70])
def test_a_run_may_be_broken_at_any_place_of_its_tile(rule: str, n_runs: int) -> None:
    """One run of many has room for the first class and is broken; the second finds all parts."""
    for broken in range(n_runs):
        free = np.full((n_runs, 2), 4, dtype=np.int64)
        free[:, 1] = 1
        free[broken] = [11, 3]  # two copies on the first node, one on the second, two nodes stay
        problem = Problem(
            requests=np.array([[5, 1], [2, 1]]),
            counts=np.array([3, 2 * n_runs]),
            capacity=np.array([1, 1]),
            free=free,
        )
        sizes = np.full(n_runs, 4, dtype=np.int64)
        single = replace(problem, free=np.repeat(free, sizes, axis=0))  # nothing to break
        expected = recorded(next(solved(single, rule)))
        for packing in solved(problem, rule, free_counts=sizes):
            assert recorded(packing) == expected
