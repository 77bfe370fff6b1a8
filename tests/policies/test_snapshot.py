"""A dump becomes the same view that a running simulation would show."""

import numpy as np
import pytest

from pyscale import catalog as catalogs
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.nodes import Node
from pyscale.model.pods import Container, OwnerReference, Pod, PodSpec, PodTemplate
from pyscale.policies.snapshot import setting_of, view_of

KWOK = catalogs.kwok()
MILLI = 10**6


def template(**requests):
    return PodTemplate(PodSpec((Container(requests=requests),)))


def node(name, kind="c-2x-amd64-linux", **labels):
    return Node(
        name,
        labels={
            "node.kubernetes.io/instance-type": kind,
            "topology.kubernetes.io/zone": "test-zone-a",
            "kubernetes.io/hostname": name,
            **labels,
        },
        allocatable={"cpu": 1999 * MILLI + 1, "memory": 2**30 * 10**9, "pods": 110 * 10**9},
    )


def test_requests_are_rounded_up_and_allocatable_down():
    pod = Pod("a", template(cpu=MILLI + 1, memory=1), creation_ns=3)
    view = view_of([pod], [node("n")], KWOK)
    assert view.setting.resources == ("cpu", "memory", "pods")
    assert view.setting.requests[:, 0].tolist() == [2, 1, 1]
    assert view.kind_allocatable[:, 0].tolist() == [1999, 2**30, 110]


def test_nodes_that_differ_in_name_only_are_one_kind():
    view = view_of([], [node("a"), node("b"), node("c", team="x")], KWOK)
    assert view.node_kind.tolist() == [0, 0, 1]
    assert view.kind_price_nano.tolist() == [view.kind_price_nano[0]] * 2
    assert view.kind_price_nano[0] > 0


def test_pods_are_placed_where_they_run_and_pend_in_order_of_creation():
    shape = template(cpu=250 * MILLI)
    pods = [
        Pod("late", shape, creation_ns=9),
        Pod("on-b", shape, node_name="b", start_ns=4),
        Pod("early", shape, creation_ns=2),
        Pod("done", shape, phase="Succeeded", node_name="b"),
    ]
    view = view_of(pods, [node("a"), node("b")], KWOK)
    assert view.pending_pod.tolist() == [2, 0]
    assert view.pending_since_ns.tolist() == [2, 9]
    assert view.placements.start.tolist() == [0, 0, 1]
    assert view.pods_on(1)[2].tolist() == [4]
    held = view.pods_of(np.array([1, 0, 1]))
    assert held.start.tolist() == [0, 1, 1, 2]
    assert held.pod.tolist() == [1, 1]
    assert held.bound_ns.tolist() == [4, 4]
    assert view.node_requested[:, 1].tolist() == [250, 0, 1]
    assert view.row_of(1) == 1
    assert view.row_of(2) == -1


def test_a_pod_on_an_unknown_node_is_refused():
    with pytest.raises(ValueError, match="pod default/a: expected a known node, found 'x'"):
        view_of([Pod("a", template(), node_name="x")], [], KWOK)


def test_owners_of_nodes_are_found_by_their_labels():
    group = NodeGroup("blue", ("c-2x-amd64-linux",), ("test-zone-a",))
    nodes = [node("a"), node("b", **{"karpenter.sh/nodepool": "spot"})]
    view = view_of([], nodes, KWOK, groups=[group], pools=[NodePool("spot")])
    assert [kind.pool for kind in view.kinds] == [-1, 0]
    assert view.group_desired.tolist() == [1]


def test_daemon_classes_are_those_of_a_daemon_set():
    owner = OwnerReference("DaemonSet", "log", controller=True)
    setting = setting_of([PodTemplate(), PodTemplate(owners=(owner,))], KWOK)
    assert setting.daemon_classes == (1,)
    assert np.array_equal(setting.requests[2], [1, 1])
