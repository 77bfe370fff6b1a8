"""Events wake the pods that they may help."""

from dataclasses import replace

from strategies_scheduler import node, pod

from pyscale.policies.kube_scheduler.events import node_changed, pod_bound, pod_deleted
from pyscale.policies.kube_scheduler.explain import scheduler_of
from pyscale.policies.kube_scheduler.queue import QueuedPod


def parked(info, *rejectors):
    return QueuedPod(info.key, 0, 0, 0, rejectors=frozenset(rejectors))


def test_a_deleted_pod_helps_where_resources_lacked():
    scheduler = scheduler_of([node("n0", "a")], [pod("b0", "500m", "n0")])
    waiting = scheduler.info(pod("p", "4"))
    hint = pod_deleted(scheduler, scheduler.pods_on["n0"]["default/b0"], {waiting.key: waiting})
    assert hint(parked(waiting, "NodeResourcesFit"))
    assert not hint(parked(waiting, "NodeAffinity"))
    assert not hint(parked(waiting, "NodePorts"))


def test_a_new_node_helps_if_the_pod_fits_on_it_when_empty():
    scheduler = scheduler_of([node("n0", "a"), node("n1", "a", "1")], [])
    waiting = scheduler.info(pod("p", "2"))
    by_key = {waiting.key: waiting}
    assert node_changed(scheduler, "n0", by_key)(parked(waiting, "NodeResourcesFit"))
    assert not node_changed(scheduler, "n1", by_key)(parked(waiting, "NodeResourcesFit"))


def test_a_node_without_its_cordon_helps():
    scheduler = scheduler_of([node("n0", "a", unschedulable=True)], [])
    waiting = scheduler.info(pod("p"))
    by_key = {waiting.key: waiting}
    assert not node_changed(scheduler, "n0", by_key)(parked(waiting, "NodeUnschedulable"))
    scheduler.update_node(replace(node("n0", "a"), unschedulable=False))
    assert node_changed(scheduler, "n0", by_key)(parked(waiting, "NodeUnschedulable"))


def test_a_bound_pod_helps_only_affinity_and_spread():
    scheduler = scheduler_of([node("n0", "a")], [])
    waiting = scheduler.info(pod("p"))
    hint = pod_bound(scheduler, {waiting.key: waiting})
    assert hint(parked(waiting, "InterPodAffinity"))
    assert not hint(parked(waiting, "NodeResourcesFit"))
