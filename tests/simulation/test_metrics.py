"""Figures and curves against what one gets by looking at every instant."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.policies import Eager
from reference.scheduling import Plain

from pyscale import catalog as catalogs
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, OwnerReference, PodSpec, PodTemplate
from pyscale.simulation import SimulationOptions, simulate
from pyscale.simulation.clock import HOUR, SECOND, format_ns
from pyscale.simulation.draws import below, draw, share, waiting_ns
from pyscale.simulation.metrics import exact_sums, most_at_once, percentile
from pyscale.simulation.result import metric_lines
from pyscale.simulation.series import steps

TYPES = ("c-2x-amd64-linux", "c-4x-amd64-linux")
TIMES = st.integers(0, 40)


@pytest.fixture(scope="module")
def result():
    owner = (OwnerReference("ReplicaSet", "web", controller=True),)
    templates = [
        PodTemplate(PodSpec((Container(requests={"cpu": cpu * 10**6}),)), owners=owner)
        for cpu in (300, 1500)
    ]
    rng = np.random.default_rng(1)
    n = 40
    pods = PodTable.build(
        templates,
        rng.integers(0, 2, n),
        rng.integers(1, 4, n),
        rng.integers(0, 1800, n) * SECOND,
        rng.integers(-1, 900, n) * SECOND,
    )
    options = SimulationOptions(end_ns=HOUR, interruptions_per_hour=2.0)
    policy = Eager(types=TYPES, replace_every=4)
    return simulate(pods, policy, catalogs.kwok(), scheduler=Plain(), options=options)


def at(result, begins, ends, time):
    return (begins <= time) & ((ends < 0) | (ends > time))


def test_curves_are_counts_at_every_instant(result):
    pods, nodes, series = result.pods, result.nodes, result.series
    moments = np.arange(0, result.end_ns, 37 * SECOND)
    pending, running = series.pending_pods().at(moments), series.running_pods().at(moments)
    machines, room = series.nodes().at(moments), series.allocatable("cpu").at(moments)
    need, use = series.requested("cpu").at(moments), series.utilisation("cpu").at(moments)
    by_type = {name: curve.at(moments) for name, curve in series.nodes_by_type().items()}
    bound = pods.bound_ns >= 0
    for index, time in enumerate(moments):
        waits = at(result, pods.created_ns, pods.bound_ns, time)
        runs = bound & at(result, pods.bound_ns, pods.ended_ns, time)
        there = at(result, nodes.created_ns, nodes.gone_ns, time)
        assert pending[index] == waits.sum()
        assert running[index] == runs.sum()
        assert machines[index] == there.sum() == sum(curve[index] for curve in by_type.values())
        assert need[index] == result.requests[0, pods.class_id[runs]].sum()
        assert room[index] == result.allocatable[0, nodes.kind[there]].sum()
        assert use[index] == pytest.approx(need[index] / room[index] if room[index] else 0)


def test_totals_are_the_areas_under_the_curves(result):
    use = result.metrics.resources["cpu"]
    for amount, curve in (
        (use.used, result.series.requested("cpu")),
        (use.bought, result.series.allocatable("cpu")),
        (result.metrics.node_hours, result.series.nodes()),
    ):
        times = np.append(curve.times_ns, result.end_ns)
        area = sum(int(v) * int(t) for v, t in zip(curve.values, np.diff(times), strict=True))
        assert amount == pytest.approx(area / HOUR)
    spent = result.series.cost_usd().values[-1]
    assert spent == pytest.approx(result.metrics.cost_usd, abs=1e-6)
    assert use.waste == use.bought - use.used
    assert result.metrics.nodes_at_peak == result.series.nodes().values.max()


def test_the_table_has_all_that_the_report_promises(result):
    labels = [label for label, _ in metric_lines(result.metrics)]
    for label in (
        "cost", "cost per useful vCPU-hour", "node-hours", "nodes at peak", "cpu allocated",
        "memory wasted", "pending time p50", "pending time p95", "pending time p99",
        "pending time max", "unschedulable pods", "evictions", "nodes launched", "nodes removed",
        "node groups maintained", "decision time",
    ):  # fmt: skip
        assert label in labels
    assert "eager on pods" in str(result)
    assert "<caption>eager on pods</caption>" in result._repr_html_()
    assert result.to_dict()["metrics"]["resources"]["cpu"]["allocation"] > 0


@given(st.lists(st.tuples(TIMES, TIMES), max_size=20))
def test_a_peak_is_the_most_that_overlap(pairs):
    begins = np.array([min(pair) for pair in pairs], np.int64)
    ends = np.array([max(pair) for pair in pairs], np.int64)
    expected = max(
        (int(((begins <= time) & (np.maximum(ends, begins + 1) > time)).sum()) for time in begins),
        default=0,
    )
    assert most_at_once(begins, ends) == expected


@given(st.lists(st.tuples(TIMES, st.integers(-3, 3)), max_size=20), TIMES)
def test_steps_are_running_sums(changes, end):
    times = np.array([time for time, _ in changes], np.int64)
    amounts = np.array([amount for _, amount in changes], np.int64)
    curve = steps(times, amounts, end)
    assert curve.times_ns[0] == 0
    assert (np.diff(curve.times_ns) > 0).all()
    for moment in range(end + 1):
        assert curve.at(np.array([moment]))[0] == amounts[times <= moment].sum()


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=30), st.integers(1, 100))
def test_percentiles_are_nearest_ranks(values, percent):
    ordered = np.array(sorted(values), np.int64)
    found = percentile(ordered, percent)
    assert (ordered <= found).sum() * 100 >= percent * len(values)
    assert (ordered < found).sum() * 100 < percent * len(values)
    assert percentile(np.empty(0, np.int64), percent) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2**62)), max_size=20))
def test_sums_are_exact_beyond_64_bits(pairs):
    groups = np.array([group for group, _ in pairs], np.int64)
    lengths = np.array([length for _, length in pairs], np.int64)
    expected = [sum(length for group, length in pairs if group == g) for g in range(3)]
    assert exact_sums(groups, lengths, 3) == expected


def test_draws_depend_on_seed_purpose_and_number_only():
    assert draw(1, 2, 3) == draw(1, 2, 3)
    assert len({draw(s, p, n) for s in range(5) for p in range(5) for n in range(40)}) == 1000
    shares = [share(9, 1, n) for n in range(4000)]
    assert min(shares) >= 0
    assert max(shares) < 1
    assert np.mean(shares) == pytest.approx(0.5, abs=0.02)
    assert {below(9, 1, n, 3) for n in range(100)} == {0, 1, 2, 3}
    waits = [waiting_ns(9, 1, n, 2.0) / HOUR for n in range(4000)]
    assert np.mean(waits) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0, "0 s"),
        (5, "5 ns"),
        (-90 * SECOND, "-1 min 30 s"),
        (HOUR, "1 h"),
        (86_401 * SECOND, "1 d"),
    ],
)
def test_durations_are_short(time, text):
    assert format_ns(time) == text
