from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pyscale.kernel._heap import EventHeap

times = st.one_of(st.integers(0, 5), st.integers(-(2**63), 2**63 - 1))


class HeapAgainstSorting(RuleBasedStateMachine):
    """The heap, and beside it a list that is sorted before every look."""

    def __init__(self) -> None:
        super().__init__()
        self.heap = EventHeap(1)
        self.events: list[tuple[int, int, int, int, int]] = []
        self.pushed = 0

    @rule(time=times, priority=st.integers(-3, 3), kind=st.integers(0, 9), payload=times)
    def push(self, time: int, priority: int, kind: int, payload: int) -> None:
        assert self.heap.push(time, priority, kind, payload) == self.pushed
        self.events.append((time, priority, self.pushed, kind, payload))
        self.pushed += 1

    @precondition(lambda self: self.events)
    @rule()
    def pop(self) -> None:
        self.events.sort()
        assert self.heap.pop() == self.events.pop(0)

    @rule(n=st.integers(1, 30), time=times)
    def push_many_at_one_time(self, n: int, time: int) -> None:
        for payload in range(n):
            self.push(time, payload % 3, 0, payload)

    @rule()
    def clear(self) -> None:
        self.heap.clear()
        self.events.clear()
        self.pushed = 0

    @invariant()
    def the_first_event_is_the_smallest(self) -> None:
        assert len(self.heap) == len(self.events)
        assert self.heap.peek() == min(self.events, default=None)


TestHeapAgainstSorting = HeapAgainstSorting.TestCase
TestHeapAgainstSorting.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


def test_equal_times_and_priorities_leave_in_the_order_of_arrival() -> None:
    heap = EventHeap()
    for payload in range(100):
        heap.push(7, 0, 0, payload)
    assert [heap.pop()[4] for _ in range(100)] == list(range(100))


def test_popping_nothing_is_an_index_error() -> None:
    with pytest.raises(IndexError, match="pop from an empty event heap"):
        EventHeap().pop()
