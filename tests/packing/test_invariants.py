"""What must hold whatever the rule, and anomalies that are right although they look wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.fit import fits
from strategies_packing import Problem, problems

import pyscale as ps
from pyscale.packing import PACK_RULES, PLACE_RULES, Packing

FEWEST = "fewest_pods_first"


def packed(problem: Problem, rule: str) -> Packing:
    if rule == "rotating":
        return ps.place(problem.requests, problem.counts, problem.free, rule)
    free = None if rule.startswith(FEWEST) else problem.free
    return ps.pack(problem.requests, problem.counts, problem.capacity, rule, free=free)


RULES = (*PACK_RULES, "rotating")


@pytest.mark.parametrize("rule", RULES)
@given(problem=problems())
def test_no_node_gives_more_than_it_has(problem: Problem, rule: str) -> None:
    packing = packed(problem, rule)
    before = np.vstack(
        [packing.free, *[problem.capacity] * packing.n_new_nodes]
    )  # negative room is allowed, and must not get worse
    assert ((packing.room >= 0) | (packing.room == before)).all()


@pytest.mark.parametrize("rule", RULES)
@given(problem=problems())
def test_every_pod_has_one_place_or_is_counted_unplaced(problem: Problem, rule: str) -> None:
    packing = packed(problem, rule)
    placed = np.zeros(len(problem.counts), dtype=np.int64)
    np.add.at(placed, packing.records[:, 0], packing.records[:, 2] * packing.records[:, 3])
    assert (placed + packing.unplaced == problem.counts).all()
    in_place = packing.class_of_pod[packing.node_of_pod >= 0]
    assert np.bincount(in_place, minlength=len(placed)).tolist() == placed.tolist()
    assert (packing.node_of_pod < packing.n_nodes).all()


@pytest.mark.parametrize("rule", [r for r in RULES if not r.startswith("next_fit")])
@given(problem=problems())
def test_what_is_unplaced_has_room_nowhere(problem: Problem, rule: str) -> None:
    packing = packed(problem, rule)
    for pod_class in np.flatnonzero(packing.unplaced).tolist():
        assert packing.reason(pod_class)
        for room in packing.room.tolist():
            assert not fits(room, problem.requests[pod_class].tolist())


@pytest.mark.parametrize("rule", [r for r in PACK_RULES if r.endswith("_decreasing")])
@given(problem=problems(), seed=st.integers(0, 2**32))
def test_decreasing_rules_do_not_depend_on_the_order_of_the_input(
    problem: Problem, rule: str, seed: int
) -> None:
    shuffled = np.random.default_rng(seed).permutation(len(problem.counts))
    other = replace(problem, requests=problem.requests[shuffled], counts=problem.counts[shuffled])
    a, b = packed(problem, rule), packed(other, rule)
    assert a.n_nodes == b.n_nodes
    assert a.room.tolist() == b.room.tolist()


# Best and worst fit compare sums over resources, whose weights may have to be rounded.
@pytest.mark.parametrize("rule", [r for r in RULES if r[:4] not in ("best", "wors")])
@given(problem=problems(), factor=st.integers(1, 1000))
def test_a_finer_unit_changes_nothing(problem: Problem, rule: str, factor: int) -> None:
    finer = replace(
        problem,
        requests=problem.requests * factor,
        capacity=problem.capacity * factor,
        free=problem.free * factor,
    )
    a, b = packed(problem, rule), packed(finer, rule)
    assert a.node_of_pod.tolist() == b.node_of_pod.tolist()


@given(problem=problems(max_resources=1))
def test_first_fit_uses_at_most_twice_the_bins_that_the_sum_needs(problem: Problem) -> None:
    empty = replace(problem, free=problem.free[:0])
    packing = packed(empty, "first_fit")
    possible = problem.requests[:, 0] <= problem.capacity[0]
    total = int((problem.requests[:, 0] * problem.counts)[possible].sum())
    if problem.capacity[0] and total:
        assert packing.n_nodes <= 2 * -(-total // int(problem.capacity[0]))


@pytest.mark.parametrize("rule", PLACE_RULES)
def test_nothing_to_place_and_nowhere_to_place_it_are_answers(rule: str) -> None:
    assert ps.place(np.empty((0, 2), int), [], [[5, 5]], rule).n_unplaced == 0
    nowhere = ps.place([[1, 1]], [3], np.empty((0, 2), int), rule)
    assert nowhere.n_unplaced == 3
    assert nowhere.reason(0) == "no node has room"


def test_a_request_of_nothing_fits_an_overcommitted_node() -> None:
    packing = ps.place([[0, 0], [0, 1]], [1000, 1], [[-5, 0]])
    assert packing.unplaced.tolist() == [0, 1]


def bins(pods: list[list[int]], capacity: list[int]) -> int:
    return ps.pack(pods, None, capacity).n_nodes


def test_without_one_pod_more_nodes_may_be_needed() -> None:
    pods = [[8, 5], [8, 3], [7, 8], [5, 1], [2, 11], [2, 10]]
    assert bins(pods, [20, 20]) == 2
    assert bins(pods[1:], [20, 20]) == 3


def test_of_a_larger_node_more_may_be_needed() -> None:
    pods = [[12, 4], [11, 8], [9, 1], [5, 9], [1, 4]]
    assert bins(pods, [20, 20]) == 2
    assert bins(pods, [21, 20]) == 3


def test_the_largest_amounts_do_not_overflow() -> None:
    huge = 2**61
    packing = ps.pack([[huge, 1], [1, 1]], [2, 3], [huge, 10], free=[[-huge, 5], [huge, 5]])
    assert packing.node_of_pod.tolist() == [1, 2, 3, 3, 3]
    large = 2**60
    for rule in ("best_fit", "worst_fit"):
        other = ps.pack(
            [[large, 1], [1, 1]], [2, 3], [large, 10], rule, free=[[-large, 5], [large, 5]]
        )
        assert other.n_new_nodes == 2


def test_ten_million_million_pods_are_as_quick_as_ten() -> None:
    packing = ps.pack([[3], [2]], [10**13, 10**13], [7])
    assert packing.n_nodes == 2**31 - 1  # as many as can be numbered
    assert ps.pack([[3], [2]], [10**9, 10**9], [7]).n_nodes == 5 * 10**8 + -(-(10**9) // 3)
