import html

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.model.nodes import Node
from pyscale.model.pod_table import NEVER, PodTable
from pyscale.traces.summary import TraceSummary, duration_text
from pyscale.traces.templates import make_template
from pyscale.traces.trace import Trace, summarise

SECOND = 10**9
TEMPLATE = make_template({"cpu": SECOND})


def build(arrivals, durations, **columns):
    n = len(arrivals)
    pods = PodTable.build([TEMPLATE], [0] * n, [1] * n, arrivals, durations, **columns)
    return Trace("t", pods, owner_id=np.arange(n, dtype=np.int32), owners=tuple("abcdefgh"[:n]))


def test_a_window_keeps_what_runs_and_what_arrives():
    trace = build([0, 2, 5, 9], [3, NEVER, 2, 1])
    piece = trace.window(4, 9)
    assert piece.pods.arrival_ns.tolist() == [0, 1]
    assert piece.pods.duration_ns.tolist() == [NEVER, 2]
    assert piece.owner_id.tolist() == [1, 2]
    assert piece.summary.left_censored == 1
    assert trace.window(4, 9, running=False).pods.arrival_ns.tolist() == [1]
    assert piece.metadata["window"] == {"start_ns": 4, "end_ns": 9, "running": True}


def test_a_window_counts_from_when_a_pod_began():
    trace = build([0, 0], [5, 5], start_ns=[3, -1])
    piece = trace.window(6)
    assert piece.pods.duration_ns.tolist() == [2]
    assert piece.pods.start_ns.tolist() == [0]


def test_a_window_needs_bounds_in_order():
    with pytest.raises(ValueError, match="expected 0 <= start_ns < end_ns, found 5 and 5"):
        build([0], [1]).window(5, 5)


rows = st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 20)), min_size=1, max_size=8)


@given(rows=rows, start=st.integers(0, 40), length=st.none() | st.integers(1, 20))
def test_the_same_pods_run_in_the_window_as_in_the_whole(rows, start, length):
    rows = sorted(rows)
    whole = build([a for a, _ in rows], [d for _, d in rows])
    end = None if length is None else start + length
    piece = whole.window(start, end)

    def running(trace, shift):
        pods = trace.pods
        ends = np.where(pods.duration_ns == NEVER, 10**6, pods.arrival_ns + pods.duration_ns)
        times = np.arange(start, 60 if end is None else end) - shift
        inside = (pods.arrival_ns <= times[:, None]) & (times[:, None] < ends)
        return inside.sum(axis=1).tolist()

    assert running(piece, start) == running(whole, 0)


def test_the_digest_tells_traces_apart():
    trace = build([0, 1], [1, 1])
    assert trace.digest() == build([0, 1], [1, 1]).digest()
    others = [
        build([0, 2], [1, 1]),
        Trace("t", trace.pods),
        Trace("t", trace.pods, nodes=()),
        Trace("t", trace.pods, nodes=(Node("n"),)),
    ]
    assert len({trace.digest(), *(other.digest() for other in others)}) == 5


def test_the_summary_reads_as_a_report():
    pods = PodTable.build([TEMPLATE], [0, 0], [2, 3], [0, SECOND], [NEVER, 3600 * SECOND])
    known = TraceSummary(rows_read=5, rows_kept=2, dropped={"bad": 3}, adjusted={"odd": 1})
    summary = summarise(pods, known)
    text = str(summary)
    for line in (
        "rows read",
        "dropped: bad    3",
        "adjusted: odd   1",
        "5 in 2 groups of 1 classes",
    ):
        assert line in text
    assert "requested cpu   5.0 cores" in text
    assert "1 h 1 s" in text
    assert summary.to_dict()["requests"] == {"cpu": 5 * SECOND}
    shown = Trace("<x>", pods, summary)
    assert html.escape("<x>") in shown._repr_html_()
    assert repr(shown) == "Trace('<x>', n_rows=2, n_pods=5)"
    assert shown.to_dict()["digest"] == shown.digest()


def test_durations_are_told_in_two_units():
    assert duration_text(90_061 * SECOND) == "1 d 1 h"
    assert duration_text(SECOND // 2) == "0.5 s"
    assert duration_text(60 * SECOND) == "1 min"


def test_owners_belong_to_rows():
    with pytest.raises(ValueError, match="owner_id must have 1 entries, found 2"):
        Trace("t", PodTable.build([TEMPLATE], [0]), owner_id=np.array([0, 0], dtype=np.int32))
