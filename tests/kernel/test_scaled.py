"""The event loop with workloads against a slow restatement that starts from the pods each time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.scheduling import PlainScheduler
from reference.workloads import PlainWorkload, pods_of

from pyscale.kernel._placer import ObjectPlacer
from pyscale.kernel._scaled import ScaledEngine
from pyscale.model.autoscaling import (
    AVERAGE_VALUE,
    EXTERNAL,
    PODS_METRIC,
    RESOURCE,
    UTILIZATION,
    VALUE,
    HorizontalPodAutoscaler,
    MetricSpec,
)
from pyscale.policies.pod_autoscaler.horizontal import HorizontalController
from pyscale.policies.pod_autoscaler.pod_samples import observe
from pyscale.policies.pod_autoscaler.replica_tables import (
    HorizontalPodAutoscalerOptions,
    empty_metrics,
)

REQUESTS = [[1, 1], [2, 1], [1, 1]]
MILLI = [0, 200, 100]
KINDS = ((4, 5), (8, 3), (2, 2))
WINDOW = 6
SPECS = (
    MetricSpec(RESOURCE, "cpu", UTILIZATION, 60),
    MetricSpec(RESOURCE, "cpu", AVERAGE_VALUE, 70),
    MetricSpec(PODS_METRIC, "load", AVERAGE_VALUE, 9),
    MetricSpec(EXTERNAL, "load", VALUE, 20),
    MetricSpec(EXTERNAL, "load", AVERAGE_VALUE, 20),
)
MEASURE = (0, 0, 1, 2, 2)


def engine_of(plain, delay, on_sync, rows=()):
    scheduler = PlainScheduler(REQUESTS, lambda pod_class, kind: (pod_class + kind) % 3 != 0)
    arrivals, durations, counts = np.array(rows, np.int64).reshape(-1, 3).T
    steps = [step for one in plain for step in one.steps]
    engine = ScaledEngine(
        np.array(REQUESTS, np.int64).T,
        np.zeros(3, np.int32),
        np.array([1, 1, 1], np.uint8),
        np.zeros(3, np.uint8),
        np.zeros(len(arrivals), np.int32),
        np.ascontiguousarray(arrivals),
        np.ascontiguousarray(durations),
        np.ascontiguousarray(counts),
        np.full(len(arrivals), -1, np.int32),
        np.empty(0, np.int32),
        ObjectPlacer(scheduler),
        np.arange(1, 1 + len(plain), dtype=np.int32),
        np.array([one.capacity for one in plain], np.int64),
        np.array([one.idle for one in plain], np.int64),
        np.array([one.cost for one in plain], np.int64),
        np.cumsum([0, *(len(one.steps) for one in plain)]),
        np.array([time for time, _ in steps], np.int64),
        np.array([value for _, value in steps], np.int64),
        np.array(MILLI, np.int64),
        delay,
        WINDOW,
        on_sync,
    )
    for number, amounts in enumerate(KINDS):
        scheduler.add_kind(number, amounts)
    return engine


def workloads(delay):
    def build(given, request):
        steps, capacity, idle, cost = given
        return PlainWorkload(sorted(steps.items()), capacity, idle, cost, delay, request)

    one = st.tuples(
        st.dictionaries(st.integers(0, 60), st.integers(0, 90), max_size=8),
        st.sampled_from((-1, 0, 7, 20)),
        st.sampled_from((0, 5)),
        st.sampled_from((0, 999_999, 3_000_000)),
    )
    return st.tuples(one, one).map(lambda both: [build(both[0], 200), build(both[1], 100)])


SYNCS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=8, max_size=8)
STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(("add", "add", "evict", "drain"))), max_size=8
)


@given(st.data(), st.sampled_from((0, 3, 6, 11)), SYNCS, STEPS, st.integers(1, 4))
def test_the_engine_accounts_and_observes_as_its_plain_twin(data, delay, syncs, steps, off):
    plain = data.draw(workloads(delay))
    young = data.draw(st.sampled_from((0, 8, 100)))
    wanted = iter(syncs)
    autoscaler = HorizontalPodAutoscaler("a", 9, SPECS)
    options = HorizontalPodAutoscalerOptions(
        horizontal_pod_autoscaler_cpu_initialization_period=young
    )

    def check_rows():
        both = (autoscaler, autoscaler)
        ours, expected = empty_metrics(both), empty_metrics(both)
        owner = np.repeat(np.arange(2, dtype=np.int32), len(SPECS))
        engine.observe(ours, owner, np.array(MEASURE * 2, np.int32), young)
        columns = engine.pod_columns()
        for index, (row, spec) in enumerate(zip(expected, SPECS * 2, strict=True)):
            one, pods = plain[owner[index]], pods_of(columns, 1 + owner[index])
            objects, metrics = one.as_objects(pods, engine.now, engine.sampled, WINDOW)
            observe(row, spec, objects, metrics, engine.now, options)
            if not row["valid"] or not ours[index]["valid"]:
                # A metric without any sample is invalid for upstream, and has no pods for us.
                assert not row["valid"]
                assert not ours[index]["valid"] or ours[index]["n_metrics"] == 0
                continue
            names = ("usage",) if spec.of_workload else (
                "usage", "n_metrics", "n_ready", "n_unready", "n_missing", "missing_fill"
            )  # fmt: skip
            for name in (*names, "n_ready"):
                if name != "n_ready" or spec.target_type != AVERAGE_VALUE or not spec.of_workload:
                    assert ours[index][name] == row[name], (spec, name)
            if spec.target_type == UTILIZATION:
                for name in ("request", "unready_request", "missing_request"):
                    assert ours[index][name] == row[name], name

    due = off

    def on_sync(number):
        nonlocal due
        if engine.now != due:
            return
        due += 5
        check_rows()
        replicas = next(wanted, None)
        if replicas is None:
            return
        before = engine.pod_columns()
        engine.scale(np.array(replicas, np.int32))
        after = engine.pod_columns()
        for number, one in enumerate(plain):
            pods = pods_of(before, 1 + number)
            gone = {pod.number for pod in pods_of(after, 1 + number) if pod.ended >= 0}
            gone -= {pod.number for pod in pods if pod.ended >= 0}
            alive = sum(pod.ended < 0 for pod in pods)
            count = max(alive - replicas[number], 0)
            assert gone == one.victims(pods, count, engine.now)

    engine = engine_of(plain, delay, on_sync, [(2, 4, 2), (9, -1, 1)])
    engine.sample_every(WINDOW)
    engine.call_every(1)
    for wait, action in [(0, "add"), *steps, (50, "")]:
        while engine.run(engine.now + wait, 0)[0]:
            pass
        states = engine.node_columns()
        ready = states["id"][(states["state"] == 1) & ~states["cordoned"]].tolist()
        if action == "add":
            engine.add_node(wait % 3, engine.now + wait % 4)
        elif ready and action == "drain":
            engine.evict(engine.pods_on(ready[0])[0].tolist())
            engine.terminate(ready[0])
            engine.remove(ready[0])
        elif ready and len(engine.pods_on(ready[-1])[0]):
            engine.evict(engine.pods_on(ready[-1])[0][:1].tolist())
    columns, sums = engine.pod_columns(), engine.workload_columns()
    begins, ends, owners, causes = (some.tolist() for some in engine.shortages())
    counts = np.zeros(2, np.int32)
    engine.replica_counts(counts)
    for number, one in enumerate(plain):
        pods = pods_of(columns, 1 + number)
        assert counts[number] == sum(pod.ended < 0 for pod in pods)
        totals = sums["served"][number], sums["unserved"][number], sums["short_ns"][number]
        assert totals == one.totals(pods, engine.now)
        joined = []
        for begin, end, owner, cause in zip(begins, ends, owners, causes, strict=True):
            if owner != number:
                continue
            if cause >= 0:
                assert columns["bound_ns"][cause] + delay == end
            end = engine.now if end < 0 else end
            if joined and joined[-1][1] == begin:
                joined[-1][1] = end
            elif begin < end:
                joined.append([begin, end])
        assert joined == one.shortages(pods, engine.now)


def test_loads_beyond_64_bits_are_summed_exactly():
    plain = [PlainWorkload([(0, 10**12)], 10**12, 0, 1, 0)] * 2
    engine = engine_of(plain, 0, print)
    engine.add_node(0, 0)
    engine.scale(np.array([0, 1], np.int32))
    while engine.run(10**15, 0)[0]:
        pass
    sums = engine.workload_columns()
    assert (sums["unserved"], sums["served"]) == ([10**27, 0], [0, 10**27])
    assert sums["short_ns"] == [10**15, 0]


@given(st.data(), st.integers(0, 7))
def test_to_drive_is_to_sample_to_observe_to_reconcile_and_to_scale(data, delay):
    plain = data.draw(workloads(delay))
    autoscalers = tuple(
        HorizontalPodAutoscaler("a", 6, (spec,), min_replicas=1)
        for spec in data.draw(st.lists(st.sampled_from(SPECS), min_size=2, max_size=2))
    )
    measure = np.array([MEASURE[SPECS.index(one.metrics[0])] for one in autoscalers], np.int32)
    owner = np.arange(2, dtype=np.int32)
    options = HorizontalPodAutoscalerOptions(
        horizontal_pod_autoscaler_sync_period=WINDOW,
        horizontal_pod_autoscaler_cpu_initialization_period=8,
    )

    def run(by_hand):
        controller = HorizontalController(autoscalers, options)

        def on_sync(number):
            engine.sample()
            engine.observe(controller.metrics, owner, measure, 8)
            counts = np.zeros(2, np.int32)
            engine.replica_counts(counts)
            engine.scale(controller.reconcile(engine.now, counts, counts).desired)

        engine = engine_of(plain, delay, on_sync)
        for kind in (0, 1, 1):
            engine.add_node(kind, 0)
        engine.scale(np.array([1, 2], np.int32))
        if by_hand:
            assert engine.call_every(WINDOW) == 0
        else:
            engine.sample_every(WINDOW)
            controller.drive(engine, owner, measure)
        while engine.run(15 * WINDOW, 0)[0]:
            pass
        columns = engine.pod_columns()
        return [some.tolist() for some in (*engine.scalings(), *columns.values())]

    assert run(by_hand=False) == run(by_hand=True)


def test_counts_of_a_wrong_shape_are_refused():
    engine = engine_of([PlainWorkload([], -1, 0, 0, 0)], 0, print)
    with pytest.raises(ValueError, match=r"replicas must have shape \(1,\)"):
        engine.scale(np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="period must be > 0, found 0"):
        engine.call_every(0)
    none = np.zeros(0, np.int32)
    with pytest.raises(ValueError, match="history must be of 1 workloads"):
        HorizontalController((HorizontalPodAutoscaler("a", 9, SPECS),) * 2).drive(
            engine, none, none
        )
    with pytest.raises(ValueError, match=r"workload and measure must have shape \(5,\)"):
        HorizontalController((HorizontalPodAutoscaler("a", 9, SPECS),)).drive(engine, none, none)


def test_pods_of_another_class_count_with_their_own_request():
    engine = engine_of([PlainWorkload([(0, 5)], -1, 0, 0, 0)], 0, print)
    engine.scale(np.array([1], np.int32))
    engine.set_class(0, 2)
    engine.scale(np.array([3], np.int32))
    rows = empty_metrics([HorizontalPodAutoscaler("a", 9, SPECS[:1])])
    zero = np.zeros(1, np.int32)
    engine.observe(rows, zero, zero, 0)
    assert rows["unready_request"][0] == 200 + 100 + 100
    engine.add_node(0, 0)
    engine.run(WINDOW - 1, 0)
    while engine.run(WINDOW, 0)[0]:
        pass
    engine.sample()
    engine.observe(rows, zero, zero, 0)
    assert (rows["n_metrics"][0], rows["request"][0]) == (3, 400)
    engine.scale(np.array([1], np.int32))
    engine.observe(rows, zero, zero, 0)
    assert rows["request"][0] in (100, 200)
    with pytest.raises(IndexError, match="no workload 1 or class 0"):
        engine.set_class(1, 0)
