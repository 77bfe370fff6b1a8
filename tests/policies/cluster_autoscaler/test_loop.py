"""What the loop never does: more than is asked, beyond a group's sizes, against a budget."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import pyscale as ps
from pyscale.catalog import kwok, node_of_group
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.groups import NodeGroup
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, OwnerReference, Pod, PodSpec, PodTemplate
from pyscale.model.requirements import LabelSelector
from pyscale.model.times import MINUTE, SECOND
from pyscale.policies.base import Policy
from pyscale.policies.decision import AddNodes, RemoveNodes, Scale
from pyscale.policies.snapshot import view_of
from pyscale.simulation import SimulationOptions, simulate

KWOK = kwok()
SMALL, LARGE = "c-2x-amd64-linux", "c-4x-amd64-linux"
ZONE = "test-zone-a"


def template(milli_cpu, app, kind="ReplicaSet"):
    owners = (OwnerReference(kind, app, app, "apps/v1", controller=True),) if kind else ()
    spec = PodSpec((Container(requests={"cpu": milli_cpu * 10**6}),))
    return PodTemplate(spec, labels={"app": app}, owners=owners)


TEMPLATES = [template(300, "web"), template(900, "job", "Job"), template(1500, "web")]


class Watched(Policy):
    """Cluster Autoscaler, every view and decision of which is looked at."""

    name = "watched"

    def __init__(self, policy, templates, run=None, looks=None):
        self.policy, self.templates, self.run = policy, templates, run
        self.looks = looks if looks is not None else []

    def begin(self, setting):
        return Watched(self.policy, self.templates, self.policy.begin(setting), self.looks)

    def node_groups(self):
        return (self.run or self.policy).node_groups()

    def decide(self, view):
        decision = self.run.decide(view)
        self.look(view, decision)
        self.looks.append(len(decision.actions))
        return decision

    def look(self, view, decision):
        groups = {group.name: index for index, group in enumerate(view.groups)}
        desired = view.group_desired.tolist()
        for group, size in zip(view.groups, desired, strict=True):
            assert group.min_size <= size <= group.max_size
        budgets = view.setting.disruption_budgets
        assert (view.disruptions_allowed >= 0).all()
        exhausted = [
            budget.selector.match_labels["app"]
            for budget, allowed in zip(budgets, view.disruptions_allowed.tolist(), strict=True)
            if allowed < 1
        ]
        for action in decision.actions:
            if isinstance(action, AddNodes):
                desired[groups[action.group]] += action.count
            elif isinstance(action, Scale):
                desired[groups[action.group]] = action.size
            elif isinstance(action, RemoveNodes):
                assert not action.force
                for node in action.nodes:
                    row = view.row_of(node)
                    desired[view.kinds[view.node_kind[row]].group] -= 1
                    for class_id in view.pods_on(row)[1].tolist():
                        labels = view.setting.templates[class_id].labels
                        assert labels["app"] not in exhausted
        for group, size in zip(view.groups, desired, strict=True):
            assert group.min_size <= size <= group.max_size


class Budgeted:
    """A trace with one budget over web pods."""

    name = "budgeted"

    def __init__(self, pods, least):
        self.pods = pods
        selector = LabelSelector({"app": "web"})
        budget = PodDisruptionBudget("web", selector=selector, min_available=least)
        self.objects = {"PodDisruptionBudget": (budget,)}

    def digest(self):
        return self.pods.digest()


sizes = st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4)).map(
    lambda s: {"min_size": s[0], "desired_size": s[0] + s[1], "max_size": s[0] + s[1] + s[2]}
)


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 900), st.integers(60, 1800), st.integers(1, 6)),
        min_size=1,
        max_size=8,
    ),
    first=sizes,
    second=sizes,
    least=st.integers(0, 4),
    zonal=st.booleans(),
    order=st.sampled_from(["canonical", "random"]),
    flags=st.fixed_dictionaries(
        {},
        optional={
            "balance_similar_node_groups": st.just(True),
            "scale_down_unneeded_time": st.sampled_from([0, MINUTE]),
            "scale_down_utilization_threshold": st.sampled_from([0.3, 1.0]),
            "max_nodes_total": st.integers(1, 6),
            "enforce_node_group_min_size": st.just(True),
            "expander": st.sampled_from(["random", "most-pods", "least-nodes,least-waste"]),
        },
    ),
    capacity=st.sampled_from([{}, {(SMALL, ZONE, "on-demand"): 1}]),
)
def test_groups_keep_their_sizes_and_budgets_are_kept(
    rows, first, second, least, zonal, order, flags, capacity
):
    columns = np.array(rows, np.int64).T
    pods = PodTable.build(
        TEMPLATES, columns[0], columns[3], columns[1] * SECOND, columns[2] * SECOND
    )
    flags = {"scale_down_delay_after_add": MINUTE, **flags}
    groups = (
        NodeGroup("small", (SMALL,), (ZONE,), **first),
        NodeGroup("large", (LARGE,), (ZONE, "test-zone-b") if zonal else (ZONE,), **second),
    )
    policy = Watched(ps.ClusterAutoscaler(groups, order=order, **flags), TEMPLATES)
    options = SimulationOptions(end_ns=2400 * SECOND, capacity=capacity)

    result = simulate(Budgeted(pods, least), policy, KWOK, options=options)

    assert policy.looks
    assert result.metrics.evictions >= 0


@settings(max_examples=30)
@given(
    loads=st.lists(st.integers(0, 2), min_size=1, max_size=6),
    spare=st.integers(0, 3),
    expander=st.sampled_from(["least-waste", "random", "price"]),
    minutes=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    order=st.sampled_from(["canonical", "random"]),
)
def test_a_loop_over_a_cluster_that_needs_nothing_does_nothing(
    loads, spare, expander, minutes, order
):
    # Every node is used to more than half, or its group is as small as it may be.
    group = NodeGroup("busy", (SMALL,), (ZONE,), 0, len(loads) + spare)
    idle = NodeGroup("idle", (LARGE,), (ZONE,), 2, 5)
    nodes, pods = [], []
    for number, extra in enumerate(loads):
        nodes.append(node_of_group(f"n{number}", group, KWOK))
        pods.append(Pod(f"a{number}", template(1200, "web"), node_name=f"n{number}"))
        pods += [
            Pod(f"b{number}-{k}", template(100, "web"), node_name=f"n{number}")
            for k in range(extra)
        ]
    nodes += [node_of_group(f"idle{k}", idle, KWOK) for k in range(2)]
    view = view_of(pods, nodes, KWOK, now_ns=MINUTE, groups=(group, idle))
    policy = ps.ClusterAutoscaler((group, idle), expander=expander, order=order)
    run = policy.begin(view.setting)
    now = MINUTE
    for wait in minutes:
        decision = run.decide(replace(view, now_ns=now))

        assert decision.actions == ()
        assert decision.wake_ns > now
        now += wait * MINUTE
