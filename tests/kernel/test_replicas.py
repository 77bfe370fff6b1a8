"""The compiled arithmetic of HPA equals the twin, and keeps its promises."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reference import replicas as twin

from pyscale.kernel._replicas import ReplicaHistory, propose
from pyscale.policies.pod_autoscaler.replica_tables import (
    METRIC_DTYPE,
    POLICY_DTYPE,
    WORKLOAD_DTYPE,
)

SELECT = ("Max", "Min", "Disabled")
VALUE = 2


def workload(**fields):
    row = np.zeros(1, WORKLOAD_DTYPE)
    defaults = {"maximum": 1000, "n_metrics": 1, "tolerance_up": 0.1, "tolerance_down": 0.1}
    for name, value in {**defaults, **fields}.items():
        row[name] = value
    return row


def metric(**fields):
    row = np.zeros(1, METRIC_DTYPE)
    for name, value in {"valid": 1, **fields}.items():
        row[name] = value
    return row


def proposal_of(workloads, metrics):
    values, valid = np.zeros(len(metrics), np.int64), np.zeros(len(metrics), np.uint8)
    propose(workloads, metrics, values, valid)
    return [int(v) if ok else None for v, ok in zip(values, valid, strict=True)]


amounts = st.integers(0, 10**7)
pods = st.builds(
    twin.Pods,
    ready=st.lists(st.tuples(amounts, amounts), max_size=6),
    unready=st.lists(amounts, max_size=3),
    missing=st.lists(amounts, max_size=3),
)


@given(
    pods=pods,
    target=st.integers(1, 300),
    current=st.integers(0, 50),
    up=st.sampled_from([0.0, 0.1, 0.5]),
    down=st.sampled_from([0.0, 0.1]),
    utilization=st.booleans(),
)
def test_sums_over_pods_give_the_proposal_of_the_pods(pods, target, current, up, down, utilization):
    full = max(100, target)
    row = metric(
        kind=0 if utilization else 1,
        target=target,
        usage=sum(usage for usage, _ in pods.ready),
        request=sum(request for _, request in pods.ready),
        n_metrics=len(pods.ready),
        n_ready=len(pods.ready),
        n_unready=len(pods.unready),
        unready_request=sum(pods.unready),
        n_missing=len(pods.missing),
        missing_request=sum(pods.missing),
        missing_fill=sum(twin.truncated(r * full, 100) for r in pods.missing)
        if utilization
        else target * len(pods.missing),
    )
    scale = workload(current=current, tolerance_up=up, tolerance_down=down)
    expected = twin.propose_per_pod(pods, target, current, up, down, utilization)
    assert proposal_of(scale, row) == [expected]


@pytest.mark.parametrize(
    ("pods", "current", "target", "expected"),
    [
        (twin.Pods([(75, 100)] * 4), 4, 50, 6),
        (twin.Pods([(54, 100)] * 4), 4, 50, 4),
        (twin.Pods([(90, 100)] * 4, unready=[100] * 2), 6, 50, 8),
        (twin.Pods([(75, 100)] * 4, unready=[100] * 4), 8, 50, 8),
        (twin.Pods([(20, 100)] * 3, missing=[100]), 4, 50, 4),
    ],
)
def test_worked_examples_of_upstream(pods, current, target, expected):
    assert twin.propose_per_pod(pods, target, current, 0.1, 0.1, True) == expected


@pytest.mark.parametrize(
    ("usage", "expected"), [(2**62, 2**31 - 1), (105, 10), (150, 15), (0, 0), (-5, 0)]
)
def test_a_value_metric_is_capped_and_tolerant(usage, expected):
    row = metric(kind=VALUE, target=100, usage=usage, n_ready=10)
    assert proposal_of(workload(current=10), row) == [expected]


def test_a_per_pod_proposal_beyond_32_bits_loses():
    row = metric(kind=1, target=1, usage=2**40, n_metrics=1, n_ready=1)
    assert proposal_of(workload(current=1), row) == [-(2**31)]


rules = st.builds(
    twin.Rules,
    window=st.sampled_from([0, 15, 60, 300]),
    select=st.sampled_from(SELECT),
    policies=st.lists(
        st.tuples(
            st.sampled_from(["Pods", "Percent"]), st.integers(1, 150), st.sampled_from([15, 60])
        ),
        min_size=1,
        max_size=3,
    ),
)


@example(  # the change down at 1 s is forgotten at 17 s, though the period up still reaches it
    up=twin.Rules(0, "Max", [("Pods", 1, 60)]),
    down=twin.Rules(0, "Max", [("Pods", 1, 15)]),
    start=2,
    limits=(1, 5),
    loads=[(1, 0), (1, 2), (15, 0), (1, 3)],
)
@given(
    up=st.none() | rules,
    down=rules,
    start=st.integers(1, 20),
    limits=st.tuples(st.integers(1, 5), st.integers(5, 40)),
    loads=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 60)), min_size=1, max_size=30),
)
def test_a_series_equals_the_twin_that_forgets_what_upstream_does(up, down, start, limits, loads):
    minimum, maximum = limits
    history, past = ReplicaHistory(1), twin.History()
    policies = [
        (kind == "Percent", value, period)
        for direction in ((up, down) if up else ())
        for kind, value, period in direction.policies
    ]
    table = np.array(policies, POLICY_DTYPE)
    current = min(max(start, minimum), maximum)
    now = 0
    for step, load in loads:
        now += step
        scale = workload(
            current=current, status=current, minimum=minimum, maximum=maximum,
            has_behavior=up is not None,
            up_select=SELECT.index(up.select) if up else 0,
            down_select=SELECT.index(down.select) if up else 0,
            n_up_policies=len(up.policies) if up else 0,
            n_down_policies=len(down.policies) if up else 0,
            up_window=up.window if up else 0,
            down_window=down.window if up else 300,
        )  # fmt: skip
        row = metric(kind=4, target=1, usage=load)
        (proposal,) = proposal_of(scale, row)
        desired, outcome = np.zeros(1, np.int32), np.zeros(1, np.uint8)
        history.reconcile(now, scale, row, table, desired, outcome)
        expected = twin.normalise(
            past, now, max(proposal, 0), current, minimum, maximum, up, down, 300
        )
        assert (int(desired[0]), int(outcome[0])) == (expected, 0)
        assert minimum <= expected <= maximum
        current = expected


def test_invalid_metrics_keep_the_scale_unless_the_others_grow():
    rows = np.concatenate([metric(valid=0), metric(kind=4, target=1, usage=9)])
    for current, expected in ((3, (6, 5)), (20, (20, 4))):
        scale = workload(current=current, status=current, minimum=1, n_metrics=2)
        desired, outcome = np.zeros(1, np.int32), np.zeros(1, np.uint8)
        ReplicaHistory(1).reconcile(0, scale, rows, np.zeros(0, POLICY_DTYPE), desired, outcome)
        assert (int(desired[0]), int(outcome[0])) == expected


def test_tables_may_be_changed_in_place_or_be_others():
    tables = ReplicaHistory(1), ReplicaHistory(1)
    scale, rows = workload(minimum=1, maximum=99), metric(kind=4, target=1)
    none = np.zeros(0, POLICY_DTYPE)
    for step in range(12):
        scale["current"] = scale["status"] = 3 + step % 4
        rows["usage"] = 2 + 5 * (step % 3)
        if step == 6:
            scale, rows = scale.copy(), rows.copy()
        found = []
        for history, own in zip(tables, ((scale, rows), (scale.copy(), rows.copy())), strict=True):
            desired, outcome = np.zeros(1, np.int32), np.zeros(1, np.uint8)
            history.reconcile(10**10 * step, *own, none, desired, outcome)
            found.append((int(desired[0]), int(outcome[0])))
        assert found[0] == found[1]


def test_rows_outside_the_metrics_are_refused():
    with pytest.raises(ValueError, match=r"workloads\[0\]: metrics must lie within 0..1"):
        proposal_of(workload(n_metrics=2), metric())
