"""The compiled cycle decides as the slow, readable restatement does."""

from collections import Counter

from hypothesis import given, settings
from reference.kube_scheduler.case_reader import CaseInput as SlowCase
from reference.kube_scheduler.sequence import SequenceRunner
from strategies_scheduler import scheduler_cases

from pyscale.conformance._scheduler_cases import CaseInput
from pyscale.conformance._scheduler_sequence import sequence_rows
from pyscale.kernel import _scan


@given(scheduler_cases())
@settings(max_examples=40, deadline=None)
def test_sequences_are_decided_as_by_the_restatement(case):
    slow = [decision.row for decision in SequenceRunner(SlowCase(case)).run()]
    assert sequence_rows(CaseInput(case), [])["decisions"] == slow


@given(scheduler_cases())
@settings(max_examples=10, deadline=None)
def test_vector_loops_do_not_change_a_decision(case):
    quick = sequence_rows(CaseInput(case), [])
    try:
        _scan.use_avx2(False)
        assert sequence_rows(CaseInput(case), []) == quick
    finally:
        _scan.use_avx2(True)


def counts_by_name(scheduler):
    """Every counter's counts, of the domains that are not empty."""
    topology = scheduler.snapshot.state.topology
    return [
        {domain: count for domain, count in topology.counts(i).items() if count}
        for i in range(topology.n_counters)
    ]


@given(scheduler_cases())
@settings(max_examples=30, deadline=None)
def test_incremental_counts_equal_a_recount(case):
    case.pop("steps", None)
    case.pop("preemption", None)
    incremental = CaseInput(case)
    for reference in case["pods"]:
        incremental.scheduler.info(incremental.pod(reference))
    before = counts_by_name(incremental.scheduler)
    minima = [
        incremental.scheduler.snapshot.state.topology.summary(i)
        for i in range(incremental.scheduler.snapshot.state.topology.n_counters)
    ]
    snapshot = incremental.scheduler.snapshot
    snapshot.fork()
    nodes = snapshot.state.listing()
    for i, reference in enumerate(case["pods"]):
        snapshot.add_pod(
            incremental.scheduler.info(incremental.pod(reference)).class_id,
            nodes[i % len(nodes)],
        )
    snapshot.fork()
    for node in nodes[::2]:
        for class_id, count in Counter(snapshot.state.pods_on(node)).items():
            for _ in range(count):
                snapshot.remove_pod(class_id, node)
    snapshot.remove_node(nodes[0])
    snapshot.revert()
    recounted = recount(snapshot)
    assert counts_by_name(incremental.scheduler) == recounted
    snapshot.revert()
    assert counts_by_name(incremental.scheduler) == before
    assert minima == [
        snapshot.state.topology.summary(i) for i in range(snapshot.state.topology.n_counters)
    ]


def recount(snapshot):
    """Take all pods away and put them back, one by one."""
    placed = {node: snapshot.state.pods_on(node) for node in snapshot.state.listing()}
    for node, pods in placed.items():
        for class_id, count in pods.items():
            for _ in range(count):
                snapshot.remove_pod(class_id, node)
    empty = snapshot.state.topology
    assert all(not any(empty.counts(i).values()) for i in range(empty.n_counters))
    for node, pods in placed.items():
        for class_id, count in pods.items():
            for _ in range(count):
                snapshot.add_pod(class_id, node)
    topology = snapshot.state.topology
    return [
        {domain: count for domain, count in topology.counts(i).items() if count}
        for i in range(topology.n_counters)
    ]
