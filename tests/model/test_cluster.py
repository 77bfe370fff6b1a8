"""A cluster that can be tried on: fork, change, take back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pyscale.model.cluster import Cluster
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.nodes import Node
from pyscale.model.pods import Container, Pod, PodSpec, PodTemplate

BIG = PodTemplate(PodSpec(containers=(Container(requests={"cpu": 3, "gpu": 1}),)))
SMALL = PodTemplate(PodSpec(containers=(Container(requests={"cpu": 1}),), overhead={"cpu": 1}))
NODE = Node("n", allocatable={"cpu": 4, "pods": 2 * 10**9})


def observed(cluster: Cluster) -> dict[str, Any]:
    return {
        "nodes": cluster.nodes,
        "pods": cluster.pods,
        "pending": cluster.pending_pods,
        "placed": {node.name: cluster.pods_on(node.name) for node in cluster.nodes},
        "requested": {node.name: cluster.requested(node.name) for node in cluster.nodes},
        "free": {node.name: cluster.free(node.name) for node in cluster.nodes},
    }


class ClusterMachine(RuleBasedStateMachine):
    """Random changes and trials, beside a list of what was seen before each trial."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.before: list[dict[str, Any]] = []
        self.created = 0

    def any_of(self, data: st.DataObject, things: list[str]) -> str:
        return data.draw(st.sampled_from(sorted(things)))

    @rule()
    def add_node(self) -> None:
        self.created += 1
        self.cluster.add_node(Node(f"n{self.created}", allocatable={"cpu": 4}))

    @precondition(lambda self: self.cluster.n_nodes)
    @rule(data=st.data())
    def remove_node(self, data: st.DataObject) -> None:
        name = self.any_of(data, [node.name for node in self.cluster.nodes])
        placed = self.cluster.pods_on(name)
        assert self.cluster.remove_node(name) == placed
        assert all(not self.cluster.pod(pod.key).node_name for pod in placed)

    @rule(template=st.sampled_from([BIG, SMALL]), phase=st.sampled_from(["", "Failed"]))
    def add_pod(self, template: PodTemplate, phase: str) -> None:
        self.created += 1
        self.cluster.add_pod(Pod(f"p{self.created}", template, phase=phase))

    @precondition(lambda self: self.cluster.n_pods)
    @rule(data=st.data())
    def remove_pod(self, data: st.DataObject) -> None:
        key = self.any_of(data, [pod.key for pod in self.cluster.pods])
        assert self.cluster.remove_pod(key).key == key

    @precondition(lambda self: self.cluster.n_nodes and self.cluster.pending_pods)
    @rule(data=st.data())
    def bind(self, data: st.DataObject) -> None:
        node = self.any_of(data, [node.name for node in self.cluster.nodes])
        key = self.any_of(data, [pod.key for pod in self.cluster.pending_pods])
        self.cluster.bind(key, node)
        assert self.cluster.pods_on(node)[-1].key == key

    @precondition(lambda self: any(pod.node_name for pod in self.cluster.pods))
    @rule(data=st.data())
    def unbind(self, data: st.DataObject) -> None:
        key = self.any_of(data, [pod.key for pod in self.cluster.pods if pod.node_name])
        self.cluster.unbind(key)
        assert not self.cluster.pod(key).node_name

    @precondition(lambda self: len(self.before) < 4)
    @rule()
    def fork(self) -> None:
        self.before.append(observed(self.cluster))
        self.cluster.fork()

    @precondition(lambda self: self.before)
    @rule()
    def rollback(self) -> None:
        self.cluster.rollback()
        assert observed(self.cluster) == self.before.pop()

    @precondition(lambda self: self.before)
    @rule()
    def commit(self) -> None:
        now = observed(self.cluster)
        self.cluster.commit()
        self.before.pop()
        assert observed(self.cluster) == now

    @invariant()
    def a_pod_is_where_it_says(self) -> None:
        placed = {
            pod.key: node.name
            for node in self.cluster.nodes
            for pod in self.cluster.pods_on(node.name)
        }
        assert placed == {pod.key: pod.node_name for pod in self.cluster.pods if pod.node_name}

    @invariant()
    def a_fresh_cluster_of_the_same_objects_adds_up_to_the_same(self) -> None:
        fresh = Cluster(self.cluster.nodes, self.cluster.pods)
        assert fresh.n_nodes == self.cluster.n_nodes
        for node in self.cluster.nodes:
            assert fresh.requested(node.name) == self.cluster.requested(node.name)
            assert fresh.free(node.name) == self.cluster.free(node.name)

    def teardown(self) -> None:
        while self.before:
            self.rollback()


TestClusterMachine = ClusterMachine.TestCase
TestClusterMachine.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


def test_requests_include_overhead_and_the_pod_itself() -> None:
    cluster = Cluster([NODE], [Pod("a", SMALL, node_name="n"), Pod("b", BIG, node_name="n")])
    assert cluster.requested("n") == {"cpu": 5, "gpu": 1, "pods": 2 * 10**9}
    assert cluster.free("n") == {"cpu": -1, "pods": 0, "gpu": -1}


def test_a_pod_that_has_ended_holds_nothing() -> None:
    cluster = Cluster([NODE], [Pod("a", SMALL, node_name="n", phase="Succeeded")])
    assert cluster.requested("n") == {}
    assert cluster.pending_pods == ()


def test_leaving_a_trial_takes_it_back_unless_it_was_kept() -> None:
    cluster = Cluster([NODE], [Pod("a", SMALL), Pod("b", SMALL)])
    with cluster.fork():
        cluster.bind("default/a", "n")
    assert cluster.pods_on("n") == ()
    with cluster.fork() as trial:
        cluster.bind("default/a", "n")
        trial.commit()
    assert [pod.name for pod in cluster.pods_on("n")] == ["a"]
    assert cluster.depth == 0


def test_an_error_takes_the_trial_back() -> None:
    cluster = Cluster([NODE], [Pod("a", SMALL)])

    def try_it() -> None:
        with cluster.fork():
            cluster.bind("default/a", "n")
            cluster.node("other")

    with pytest.raises(KeyError):
        try_it()
    assert cluster.pods_on("n") == ()


def test_a_kept_trial_can_be_taken_back_with_the_outer_one() -> None:
    cluster = Cluster([NODE], [Pod("a", SMALL)])
    with cluster.fork():
        with cluster.fork() as inner:
            cluster.remove_node("n")
            inner.commit()
        assert cluster.nodes == ()
    assert cluster.nodes == (NODE,)


def test_a_trial_that_has_ended_does_not_end_another() -> None:
    cluster = Cluster([NODE])
    ended = cluster.fork()
    cluster.rollback()
    cluster.fork()
    with pytest.raises(ValueError, match="expected an open fork, found one that has ended"):
        ended.commit()
    with ended:
        pass
    assert cluster.depth == 1


def test_the_order_survives_a_removal_that_is_taken_back() -> None:
    cluster = Cluster([Node("a"), Node("b")], [Pod("x", SMALL), Pod("y", SMALL)])
    with cluster.fork():
        cluster.remove_node("a")
        cluster.add_node(Node("a"))
        cluster.remove_pod("default/x")
        assert [node.name for node in cluster.nodes] == ["b", "a"]
    assert [node.name for node in cluster.nodes] == ["a", "b"]
    assert [pod.name for pod in cluster.pods] == ["x", "y"]


def test_impossible_changes_are_refused() -> None:
    cluster = Cluster([NODE], [Pod("a", SMALL)], [PodDisruptionBudget("pdb")])
    with pytest.raises(ValueError, match="node n: expected each name once"):
        cluster.add_node(NODE)
    with pytest.raises(ValueError, match="pod default/a: expected each name once"):
        cluster.add_pod(Pod("a", SMALL))
    with pytest.raises(ValueError, match="pod default/b: expected a known node, found 'm'"):
        cluster.add_pod(Pod("b", SMALL, node_name="m"))
    with pytest.raises(ValueError, match="pod default/a: expected a pod on a node"):
        cluster.unbind("default/a")
    cluster.bind("default/a", "n")
    with pytest.raises(ValueError, match="expected a pending pod, found it on n"):
        cluster.bind("default/a", "n")
    with pytest.raises(ValueError, match="expected an open fork, found none"):
        cluster.rollback()
    with pytest.raises(KeyError):
        cluster.remove_node("m")
    assert len(cluster.node_table()) == 1
