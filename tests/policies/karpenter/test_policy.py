"""Karpenter in a run: buying, giving back, replacing, and waiting before it does."""

from dataclasses import replace

import numpy as np
import pytest

from pyscale.catalog import kwok
from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.model.disruption import DisruptionBudget, DisruptionSettings
from pyscale.model.groups import NodePool
from pyscale.model.nodes import (
    CAPACITY_TYPE_LABEL,
    INSTANCE_TYPE_LABEL,
    NODEPOOL_LABEL,
    ZONE_LABEL,
    Node,
)
from pyscale.model.pods import Container, Pod, PodSpec, PodTemplate
from pyscale.model.requirements import Requirement
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.model.times import HOUR, SECOND
from pyscale.policies.check import check_policy
from pyscale.policies.decision import AddNodes, RemoveNodes, ReplaceNodes
from pyscale.policies.karpenter import Karpenter
from pyscale.policies.registry import find_policy
from pyscale.policies.snapshot import setting_of, view_of

CATALOG = kwok()
LINUX = (
    Requirement("kubernetes.io/os", "In", ("linux",)),
    Requirement("kubernetes.io/arch", "In", ("amd64",)),
    Requirement(CAPACITY_TYPE_LABEL, "In", ("on-demand",)),
)
OPEN = DisruptionSettings(budgets=(DisruptionBudget("100%"),))
POOL = NodePool("default", requirements=LINUX, disruption=OPEN)


def template(cpu=1, **fields):
    spec = PodSpec((Container(requests={CPU: cpu * NANO, MEMORY: 2**28 * NANO}),))
    return PodTemplate(spec, **fields)


WEB = template(labels={"app": "web"})


def node(name, kind="c-16x-amd64-linux", created=0, pool="default"):
    machine = CATALOG.by_name[kind]
    labels = {key: values[0] for key, values in machine.labels.items() if len(values) == 1}
    labels |= {
        INSTANCE_TYPE_LABEL: kind,
        ZONE_LABEL: "test-zone-a",
        CAPACITY_TYPE_LABEL: "on-demand",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        NODEPOOL_LABEL: pool,
    }
    return Node(
        name,
        labels=labels,
        capacity=machine.capacity,
        allocatable=machine.allocatable(),
        creation_ns=created,
    )


def bound(number, on, template=WEB):
    return Pod(f"web-{number}", template, node_name=on, creation_ns=0, start_ns=0)


def look(run, pods, nodes, now, pools=(POOL,)):
    view = view_of(pods, nodes, CATALOG, now_ns=now, pools=pools)
    # In a run the version of a node changes with its pods.
    return run.decide(replace(view, node_version=np.diff(view.placements.start)))


def started(pods, nodes, policy=None):
    policy = policy or Karpenter((POOL,))
    return policy.begin(view_of(pods, nodes, CATALOG, pools=policy.pools).setting)


def test_it_keeps_the_rules_of_the_house():
    check_policy(Karpenter((POOL,)), CATALOG)


def test_it_is_found_by_its_name():
    assert find_policy("karpenter") is Karpenter


def test_a_window_gathers_pods_before_a_machine_is_bought():
    pods = [Pod(f"web-{i}", WEB, creation_ns=0) for i in range(3)]
    run = started(pods, [])
    first = look(run, pods, [], 0)
    assert first.actions == ()
    assert first.wake_ns == SECOND
    (order,) = look(run, pods, [], SECOND).actions
    assert isinstance(order, AddNodes)
    assert order.pods == (0, 1, 2)
    assert order.instance_types[0] == "c-4x-amd64-linux"
    assert order.capacity_types == ("on-demand",)


def test_an_empty_node_goes_after_the_validation_delay():
    nodes = [node("a"), node("b")]
    pods = [bound(0, "b")]
    run = started(pods, nodes)
    first = look(run, pods, nodes, HOUR)
    assert first.actions == ()
    assert first.wake_ns == HOUR + 15 * SECOND
    assert look(run, pods, nodes, HOUR + 5 * SECOND).actions == ()
    (removal,) = look(run, pods, nodes, HOUR + 15 * SECOND).actions
    assert removal == RemoveNodes((0,), "Empty: delete 1 nodes")


def test_a_node_that_got_a_pod_meanwhile_stays():
    nodes = [node("a"), node("b")]
    run = started([bound(0, "b")], nodes)
    look(run, [bound(0, "b")], nodes, HOUR)
    full = [bound(0, "b"), bound(1, "a")]
    removal = look(run, full, nodes, HOUR + 15 * SECOND).actions
    assert not any(0 in getattr(action, "nodes", ()) for action in removal)


def test_an_underused_node_is_replaced_by_a_cheaper_one():
    nodes = [node("a")]
    pods = [bound(0, "a")]
    run = started(pods, nodes)
    look(run, pods, nodes, HOUR)
    (action,) = look(run, pods, nodes, HOUR + 15 * SECOND).actions
    assert isinstance(action, ReplaceNodes)
    assert action.remove == (0,)
    assert action.add[0].instance_types[0] == "c-2x-amd64-linux"
    assert action.reason == "Underutilized: replace 1 nodes"


def test_nodes_beyond_the_budget_stay():
    closed = DisruptionSettings(budgets=(DisruptionBudget("0"),))
    pool = NodePool("default", requirements=LINUX, disruption=closed)
    nodes = [node("a"), node("b")]
    run = started([bound(0, "b")], nodes, Karpenter((pool,)))
    for time in (HOUR, HOUR + 15 * SECOND):
        decision = look(run, [bound(0, "b")], nodes, time, (pool,))
        assert decision.actions == ()


def test_a_node_expires_whatever_the_budgets_say():
    closed = DisruptionSettings(budgets=(DisruptionBudget("0"),))
    pool = NodePool("default", requirements=LINUX, disruption=closed, expire_after_ns=HOUR)
    nodes, pods = [node("a")], [bound(0, "a")]
    run = started(pods, nodes, Karpenter((pool,)))
    before = look(run, pods, nodes, HOUR - SECOND, (pool,))
    assert before.actions == ()
    assert before.wake_ns == HOUR
    assert look(run, pods, nodes, HOUR, (pool,)).actions == (RemoveNodes((0,), "Expired: 1 nodes"),)


def test_nothing_is_looked_at_twice_while_nothing_happens():
    nodes, pods = [node("a", "c-2x-amd64-linux")], [bound(0, "a")]
    run = started(pods, nodes)
    first = look(run, pods, nodes, HOUR)
    assert first.actions == ()
    assert first.wake_ns == HOUR + 10 * SECOND
    assert look(run, pods, nodes, HOUR + 10 * SECOND).actions == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preference_policy": "Some"}, "expected Respect or Ignore, found 'Some'"),
        ({"min_values_policy": ""}, "expected Strict or BestEffort, found ''"),
        ({"batch_idle_duration_ns": -1}, "expected at least 0, found -1"),
        ({"node_pools": (POOL, POOL)}, "the name is taken twice"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(InvalidObjectError, match=message):
        Karpenter(**options)


def test_static_pools_are_not_supported():
    with pytest.raises(UnsupportedError, match="static capacity"):
        Karpenter((NodePool("fixed", replicas=3),))


def test_without_pools_a_run_gets_one_that_serves_its_pods():
    arm = PodTemplate(PodSpec(node_selector={"kubernetes.io/arch": "arm64"}))
    setting = setting_of((arm,), CATALOG, expected_running=np.ones(1))
    (planned,) = Karpenter().begin(setting).node_pools()
    architectures = {r.key: r.values for r in planned.requirements}["kubernetes.io/arch"]
    assert "arm64" in architectures
