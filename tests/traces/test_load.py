import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.traces.load import Loads, Workload


def build(*series):
    workloads = [Workload(f"default/w{index}") for index in range(len(series))]
    arrays = [(np.array(t, dtype=np.int64), np.array(v, dtype=np.int64)) for t, v in series]
    return Loads.from_series(workloads, "requests_per_second", arrays)


steps = st.dictionaries(st.integers(0, 30), st.integers(0, 3), max_size=8)
series = st.lists(
    steps.map(lambda d: (sorted(d), [d[t] for t in sorted(d)])), min_size=1, max_size=3
)


def slow_at(one, time):
    known = [value for start, value in zip(*one, strict=True) if start <= time]
    return known[-1] if known else 0


@given(series=series, time=st.integers(0, 40))
def test_a_value_holds_until_the_next(series, time):
    loads = build(*series)
    expected = [slow_at(one, time) for one in series]
    assert loads.at(time).tolist() == expected
    assert loads.sample(np.array([time, time]))[:, 1].tolist() == expected


@given(series=series, start=st.integers(0, 20), length=st.none() | st.integers(1, 20))
def test_a_window_has_the_loads_of_the_whole(series, start, length):
    loads = build(*series)
    piece = loads.window(start, None if length is None else start + length)
    for time in range(length or 20):
        assert piece.at(time).tolist() == loads.at(start + time).tolist()


def test_cpu_follows_the_load_and_the_replicas():
    workload = Workload("w", idle_cpu_milli=20, cpu_us_per_request=5_000)
    # 200 requests/s of 5 ms each are one core.
    assert workload.cpu_use_milli(200_000, 1) == 1020
    assert workload.cpu_use_milli(200_000, 3) == 20 + 334


def test_loads_are_a_table():
    loads = build(([0, 5], [1500, 2500]), ([3], [1]))
    table = pyarrow.table(loads).to_pydict()
    assert table == {
        "workload": ["default/w0", "default/w0", "default/w1"],
        "time_ns": [0, 5, 3],
        "value": [1.5, 2.5, 0.001],
    }
    assert loads.of(1)[0].tolist() == [3]
    assert loads.digest() != build(([0, 5], [1500, 2500]), ([4], [1])).digest()
    assert repr(loads) == "Loads(requests_per_second, n_workloads=2, n_steps=3)"


@pytest.mark.parametrize(
    ("times", "values", "message"),
    [
        ([1, 1], [1, 2], "default/w0: time_ns must rise from 0 on"),
        ([-1], [1], "default/w0: time_ns must rise from 0 on"),
        ([1], [-1], "default/w0: expected loads >= 0, found -1"),
        ([1], [1, 2], "expected 1 values, found 2"),
    ],
)
def test_a_series_rises_in_time(times, values, message):
    offset = np.array([0, len(times)])
    with pytest.raises(ValueError, match=message):
        Loads(
            (Workload("default/w0"),),
            "requests_per_second",
            offset,
            np.array(times),
            np.array(values),
        )


def test_offsets_cover_the_steps():
    with pytest.raises(ValueError, match="offset must have 2 entries, found 1"):
        Loads((Workload("w"),), "concurrency", np.array([0]), np.array([]), np.array([]))
    with pytest.raises(ValueError, match="offset must rise from 0 to 0"):
        Loads((Workload("w"),), "concurrency", np.array([0, 1]), np.array([]), np.array([]))
