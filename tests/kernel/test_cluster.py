"""The list of nodes goes round the zones and is written anew only for other nodes."""

import pytest
from strategies_scheduler import node, pod

from pyscale.policies.kube_scheduler import Scheduler, Snapshot


def names(snapshot):
    return [snapshot.nodes[n].name for n in snapshot.state.listing()]


def three_zones():
    snapshot = Snapshot()
    for i, zone in enumerate("aabcb"):
        snapshot.add_node(node(f"n{i}", zone))
    return snapshot


def test_the_list_takes_one_node_of_each_zone_in_turn():
    assert names(three_zones()) == ["n0", "n2", "n3", "n1", "n4"]


def test_a_list_without_zones_keeps_the_order_of_arrival():
    snapshot = Snapshot(interleaved=False)
    for i, zone in enumerate("aabcb"):
        snapshot.add_node(node(f"n{i}", zone))
    assert names(snapshot) == [f"n{i}" for i in range(5)]


def test_a_node_that_comes_back_before_the_next_look_keeps_its_place():
    snapshot = three_zones()
    before = names(snapshot)
    snapshot.remove_node(snapshot.node_id("n0"))
    snapshot.add_node(node("n0", "a"))
    assert names(snapshot) == before


def test_a_node_that_comes_back_later_goes_to_the_end_of_its_zone():
    snapshot = three_zones()
    snapshot.remove_node(snapshot.node_id("n0"))
    assert names(snapshot) == ["n1", "n2", "n3", "n4"]
    snapshot.add_node(node("n0", "a"))
    assert names(snapshot) == ["n1", "n2", "n3", "n0", "n4"]


def test_revert_restores_a_removed_node_with_its_place_and_pods():
    snapshot = three_zones()
    pods = snapshot.pod_class(pod("p").template)
    snapshot.add_pod(pods, snapshot.node_id("n2"))
    before, usage = names(snapshot), snapshot.state.usage(snapshot.node_id("n2"))
    snapshot.fork()
    snapshot.remove_node(snapshot.node_id("n2"))
    snapshot.remove_node(snapshot.node_id("n4"))
    snapshot.add_node(node("new", "d"))
    assert names(snapshot) == ["n0", "n3", "new", "n1"]
    snapshot.revert()
    assert names(snapshot) == before
    assert snapshot.state.usage(snapshot.node_id("n2")) == usage


def test_host_ports_are_restored_by_revert():
    snapshot = three_zones()
    ports = [{"containerPort": 80, "hostPort": 80}]
    template = pod("p", containers=[{"name": "c", "image": "i", "ports": ports}]).template
    pods = snapshot.pod_class(template)
    snapshot.add_pod(pods, 0)
    snapshot.add_pod(pods, 0)  # an API server would not let it come to this
    snapshot.fork()
    snapshot.remove_pod(pods, 0)
    assert snapshot.check(pods, 0) is None  # a set upstream: one holder's end frees the port
    snapshot.revert()
    assert snapshot.check(pods, 0).plugin == "NodePorts"


def test_a_node_is_there_once():
    snapshot = three_zones()
    with pytest.raises(ValueError, match="node 'n1' is there already"):
        snapshot.add_node(node("n1", "a"))


def test_a_pod_that_is_not_there_cannot_leave():
    snapshot = three_zones()
    pods = snapshot.pod_class(pod("p").template)
    with pytest.raises(ValueError, match="node 0 holds no pod of class 0"):
        snapshot.remove_pod(pods, 0)


def test_ports_of_a_node_that_was_away_are_as_they_were():
    scheduler = Scheduler()
    scheduler.add_node(node("n0", "a"))
    scheduler.add_node(node("n1", "b"))
    ports = [{"containerPort": 80, "hostPort": 80}]
    holders = [pod(name, containers=[{"name": "c", "image": "i", "ports": ports}]) for name in "ab"]
    for holder in holders:
        scheduler.place(holder, "n0")
    scheduler.delete("default/a")  # frees the port, although b holds it too
    scheduler.remove_node("n0")
    scheduler.schedule(pod("other"))  # the list is looked at, the node's id is given up
    scheduler.add_node(node("n0", "a"))
    assert scheduler.snapshot.check(0, scheduler.snapshot.node_id("n0")) is None
