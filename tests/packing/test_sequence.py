from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import packing as slow
from simd import simd_paths
from strategies_packing import Problem, problems

import pyscale as ps
from pyscale.packing import _solve, sequence


@st.composite
def event_lists(draw: st.DrawFn, n_classes: int) -> list[int]:
    """Arrivals and departures, each pod leaving once at most."""
    events: list[int] = []
    here: list[int] = []
    for choice in draw(st.lists(st.integers(-3, n_classes - 1), max_size=60)):
        if choice >= 0:
            here.append(len(events))
            events.append(choice)
        elif here:
            events.append(~here.pop(draw(st.integers(0, len(here) - 1))))
    return events


@pytest.mark.parametrize("opening", [True, False])
@given(problem=problems(max_nodes=20), data=st.data())
def test_cursors_find_what_a_scan_from_the_first_node_finds(
    problem: Problem, opening: bool, data: st.DataObject
) -> None:
    events = data.draw(event_lists(len(problem.requests)))
    rooms = problem.free.tolist()
    capacity = problem.capacity.tolist() if opening else None
    expected = slow.interleaved(events, problem.requests.tolist(), rooms, capacity)
    case = _solve.Problem(
        requests=problem.requests,
        counts=problem.counts,
        free=problem.free,
        free_counts=np.ones(len(problem.free), np.int64),
        capacity=problem.capacity if opening else np.empty(0, np.int64),
        max_new_nodes=10**6 if opening else 0,
    )
    exact = _solve.narrowed(case.requests, case.free, _solve.new_node(case))
    for width in (64,) if exact is None else (64, 32):
        for _ in simd_paths():
            placed = sequence.run_events(
                replace(case, width=width), np.array(events, dtype=np.int64)
            )
            nodes = placed.node_of_event.tolist()
            assert [None if n < 0 else n for n in nodes] == expected
            left = np.vstack([problem.free, *[problem.capacity] * placed.n_new_nodes])
            assert (left - placed.used()).tolist() == rooms


def test_a_long_sequence_over_many_nodes_gives_what_the_twin_gives() -> None:
    rng = np.random.default_rng(5)
    requests = rng.integers(0, [30, 40], (20, 2))
    free = rng.integers(-3, 90, (200, 2))
    events: list[int] = []
    here: list[int] = []
    for _ in range(3000):
        if here and rng.random() < 0.45:
            events.append(~here.pop(int(rng.integers(len(here)))))
        else:
            here.append(len(events))
            events.append(int(rng.integers(20)))
    expected = slow.interleaved(events, requests.tolist(), free.tolist(), [50, 60], 230)
    placed = ps.place_sequence(requests, events, free=free, capacity=[50, 60], max_new_nodes=30)
    assert [None if n < 0 else n for n in placed.node_of_event.tolist()] == expected


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([0, 2], r"events\[1\] must be a class below 2 or ~event, found 2"),
        ([0, ~1], r"events\[1\] must name an earlier event, found -2"),
        ([0, ~0, ~1], r"events\[2\] must name the arrival of a pod, found -2"),
        ([0, ~0, ~0], r"events\[2\] names a pod that has left before, found -1"),
    ],
)
def test_impossible_events_are_refused_with_their_index(events: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ps.place_sequence([[1], [2]], events, free=[[5]])


def test_the_result_shows_and_survives() -> None:
    placed = ps.place_sequence([[3], [5]], [0, 1, 0, ~1, 1, 1], free=[[6], [6]])
    assert pickle.loads(pickle.dumps(placed)) == placed
    assert placed.n_unplaced == 1
    assert repr(placed).startswith("<SequencePlacement classes: 2, events: 6")
    assert "<td>6</td>" in placed._repr_html_()
    assert placed.to_dict()["node_of_event"] == [0, 1, 0, 1, 1, -1]


def test_events_are_exported_as_an_arrow_stream() -> None:
    pa = pytest.importorskip("pyarrow")
    placed = ps.place_sequence([[3]], [0, ~0], free=[[6]])
    table = pa.table(placed)
    assert table.to_pydict() == {"event": [0, -1], "node": [0, 0]}
