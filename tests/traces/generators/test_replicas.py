import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyscale.model.pod_table import NEVER
from pyscale.traces.generators.replicas import follow, lifetimes

replicas = st.lists(st.integers(0, 9), min_size=1, max_size=12)


@given(replicas=replicas, step=st.integers(1, 5), offset=st.integers(0, 4))
def test_as_many_pods_run_as_there_are_replicas(replicas, step, offset):
    offset %= step
    arrival, duration, count = lifetimes(np.array(replicas), step, offset)
    assert (np.diff(arrival) >= 0).all()
    end = np.where(duration == NEVER, 10**9, arrival + duration)
    for index, number in enumerate(replicas):
        time = index * step + offset
        assert count[(arrival <= time) & (time < end)].sum() == number


def test_the_youngest_pods_leave_first():
    arrival, duration, count = lifetimes(np.array([2, 5, 1, 1, 3]), 10)
    rows = list(zip(arrival.tolist(), duration.tolist(), count.tolist(), strict=True))
    assert rows == [(0, NEVER, 1), (0, 20, 1), (10, 10, 3), (40, NEVER, 2)]


def slow_follow(wanted, window, tolerance):
    now = wanted[0]
    result = []
    for step, wish in enumerate(wanted):
        largest = max(wanted[max(0, step - window + 1) : step + 1])
        target = wish if wish > now else min(now, largest)
        if abs(target - now) * tolerance > now:
            now = target
        result.append(now)
    return result


@given(
    wanted=st.lists(st.integers(1, 40), min_size=1, max_size=20),
    window=st.integers(1, 6),
    tolerance=st.integers(1, 20),
)
def test_replicas_follow_the_load(wanted, window, tolerance):
    columns = np.array([wanted, wanted[::-1]]).T
    found = follow(columns, window, tolerance)
    assert found[:, 0].tolist() == slow_follow(wanted, window, tolerance)
    assert found[:, 1].tolist() == slow_follow(wanted[::-1], window, tolerance)
