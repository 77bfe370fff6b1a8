"""A node's kind can change in a fork and comes back on revert."""

from dataclasses import replace

from pyscale.model.nodes import Node
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.taints import Taint
from pyscale.policies.kube_scheduler.profile import Profile
from pyscale.policies.kube_scheduler.snapshot import Snapshot

NANO = 10**9


def test_a_taint_given_in_a_fork_is_gone_after_revert():
    snapshot = Snapshot(Profile(), interleaved=False)
    amounts = {"cpu": 4 * NANO, "memory": 2**33 * NANO, "pods": 10 * NANO}
    node = Node("", allocatable=amounts)
    first, second = snapshot.insert_node(node, "a"), snapshot.insert_node(node, "b")
    pods = snapshot.pod_class(PodTemplate(PodSpec((Container(requests={"cpu": NANO}),))))

    snapshot.fork()
    snapshot.relabel(first, replace(node, taints=(Taint("gone", "NoSchedule"),)))
    refusal = snapshot.check(pods, first)
    listing = snapshot.state.listing()
    snapshot.revert()

    assert refusal is not None
    assert refusal.plugin == "TaintToleration"
    assert listing == snapshot.state.listing() == [first, second]
    assert snapshot.check(pods, first) is None
