"""Whole runs: laws that hold for every trace and policy, and single behaviours of the world."""

import pickle
import signal
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.laws import check_laws, cost_from_records
from reference.policies import Eager, Fixed
from reference.scheduling import Plain

from pyscale import catalog as catalogs
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.nodes import Node
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, OwnerReference, PodSpec, PodTemplate
from pyscale.model.requirements import LabelSelector
from pyscale.policies.base import Policy
from pyscale.policies.decision import AddNodes, Bind, Decision, Keep, RemoveNodes, Scale, WakeOn
from pyscale.policies.kube_scheduler import KubeScheduler
from pyscale.simulation import SimulationOptions, simulate
from pyscale.simulation.clock import HOUR, MINUTE, SECOND
from pyscale.simulation.engine import Simulation

KWOK = catalogs.kwok()
SMALL, LARGE = "c-2x-amd64-linux", "c-4x-amd64-linux"
ZONES = ("test-zone-a", "test-zone-b")
OWNER = (OwnerReference("ReplicaSet", "web", controller=True),)
JOB = (OwnerReference("Job", "batch", controller=True),)


def template(milli_cpu, owners=OWNER, **labels):
    spec = PodSpec((Container(requests={"cpu": milli_cpu * 10**6}),))
    return PodTemplate(spec, labels=labels, owners=owners)


def table(templates, *rows):
    """Rows of (class, arrival s, duration s, count)."""
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    never = columns[2] < 0
    duration = np.where(never, -1, columns[2] * SECOND)
    return PodTable.build(templates, columns[0], columns[3], columns[1] * SECOND, duration)


def group(size, name="blue", **more):
    fields = {"min_size": 0, "max_size": 100, "desired_size": size, **more}
    return NodeGroup(name, (SMALL,), ZONES, **fields)


def run(pods, policy, seed=0, catalog=KWOK, **options):
    return simulate(
        pods, policy, catalog, scheduler=Plain(), seed=seed, options=SimulationOptions(**options)
    )


PODS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 600), st.integers(-1, 900), st.integers(1, 5)),
    min_size=1,
    max_size=12,
)
CLASSES = [template(300), template(1500, JOB), template(700, ())]
POLICIES = st.builds(
    Eager,
    types=st.sampled_from(((SMALL,), (LARGE, SMALL))),
    capacity_types=st.sampled_from(((), ("on-demand",), ("spot", "on-demand"))),
    removes=st.booleans(),
    grace_ns=st.sampled_from((None, 60 * SECOND)),
    replace_every=st.integers(0, 3),
    group=st.sampled_from((None, None, group(1), group(2, max_size=4, min_size=1))),
)
WORLDS = st.fixed_dictionaries(
    {
        "boot_jitter_ns": st.sampled_from((0, 30 * SECOND)),
        "launch_failure_rate": st.sampled_from((0.0, 0.3)),
        "interruptions_per_hour": st.sampled_from((0.0, 8.0)),
        "group_delay_ns": st.sampled_from((0, 20 * SECOND)),
        "capacity": st.sampled_from(({}, {(SMALL, ZONES[0], "on-demand"): 2})),
        "end_ns": st.just(1800 * SECOND),
    }
)


@given(PODS, POLICIES, WORLDS, st.integers(0, 2**64 - 1))
def test_the_laws_hold_in_every_run(rows, policy, world, seed):
    pods = table(CLASSES, *rows)
    result = run(pods, policy, seed, **world)
    check_laws(result, pods.n_pods)
    assert result.metrics.cost_nano == cost_from_records(result, KWOK)
    again = run(pods, policy, seed, **world)
    assert again.digest() == result.digest()
    assert pickle.loads(pickle.dumps(result)).digest() == result.digest()
    if policy.group is not None:
        sizes = np.array([act.count for act in result.acts if act.group == "blue"])
        assert sizes.sum() <= policy.group.max_size * max(1, len(result.acts))


def test_a_run_is_the_same_on_every_machine():
    pods = table(CLASSES, (0, 0, 400, 9), (1, 30, 200, 3), (2, 60, -1, 2), (0, 500, 100, 5))
    policy = Eager(types=(LARGE, SMALL), replace_every=3)
    world = {"boot_jitter_ns": 20 * SECOND, "launch_failure_rate": 0.2, "end_ns": HOUR}
    digest = run(pods, policy, 7, interruptions_per_hour=4.0, **world).digest()
    assert digest.startswith("59c1a78876a89ef0bb6655a0")


def test_pods_wait_for_the_boot_of_their_machine():
    result = run(table(CLASSES, (0, 10, 100, 1)), Eager(types=(SMALL,)), boot_ns=45 * SECOND)
    assert result.pods.bound_ns.tolist() == [55 * SECOND]
    assert result.metrics.pending_max_ns == 45 * SECOND
    assert result.nodes.created_ns.tolist() == [10 * SECOND]


def test_a_claim_gets_the_cheapest_offering_and_ties_go_to_the_first_choice():
    result = run(table(CLASSES, (0, 0, 100, 1)), Eager(types=(LARGE, SMALL)))
    kind = result.kinds[0]
    prices = [o.price for o in KWOK.by_name[SMALL].offerings if o.available]
    assert kind.instance_type == SMALL
    assert KWOK.offering(kind.instance_type, kind.zone, kind.capacity_type).price == min(prices)
    assert kind.node.labels["topology.kubernetes.io/zone"] == kind.zone


def test_a_group_keeps_its_zones_in_balance():
    result = run(table(CLASSES, (0, 0, 100, 1)), Fixed((group(5),)))
    zones = [result.kinds[kind].zone for kind in result.nodes.kind.tolist()]
    assert zones == [ZONES[0], ZONES[1], ZONES[0], ZONES[1], ZONES[0]]
    assert result.metrics.node_groups == 1
    assert result.metrics.nodes_at_peak == 5


def test_a_group_that_cannot_be_had_is_tried_again():
    full = {(SMALL, zone, "on-demand"): 1 for zone in ZONES}
    pods = table(CLASSES, (1, 0, 100, 2), (1, 200, 600, 3))
    result = run(pods, Eager(group=group(0), removes=False), capacity=full, end_ns=700 * SECOND)
    assert {failure.code for failure in result.failures} == {"InsufficientCapacity"}
    assert len(result.nodes) == 2
    assert result.metrics.unschedulable_pods == 1


def test_the_cloud_takes_spot_machines_back_with_notice():
    policy = Eager(types=(SMALL,), capacity_types=("spot",), removes=False)
    result = run(table(CLASSES, (0, 0, 20000, 1)), policy, 3, interruptions_per_hour=5.0)
    assert result.metrics.interruptions >= 2
    lost = result.nodes.lost_ns >= 0
    assert (result.nodes.gone_ns[lost][:-1] == result.nodes.lost_ns[lost][:-1]).all()
    # What was left of the duration runs elsewhere.
    ran = result.pods.ended_ns - result.pods.bound_ns
    finished = result.pods.ended_ns >= 0
    assert ran[finished].sum() <= 20000 * SECOND


def test_a_job_starts_again_and_other_pods_go_on():
    class Churn(Fixed):
        def decide(self, view):
            if view.now_ns == 50 * SECOND:
                return Decision((RemoveNodes(tuple(view.node_id[:2]), "away"),))
            return Decision(wake_ns=50 * SECOND)

    for owners, length in ((OWNER, 50), (JOB, 100)):
        pods = table([template(1500, owners)], (0, 0, 100, 1))
        result = run(pods, Churn((group(3),)), end_ns=HOUR)
        assert result.metrics.evictions == 1
        assert (result.pods.ended_ns - result.pods.bound_ns).tolist() == [
            50 * SECOND,
            length * SECOND,
        ]
    result = run(table([template(1500, ())], (0, 0, 100, 1)), Churn((group(3),)), end_ns=HOUR)
    assert (result.metrics.evictions, result.metrics.lost_pods) == (1, 1)


class Removes(Policy):
    """Removes the first node after a minute."""

    name = "removes"

    def __init__(self, **how):
        self.how = how

    def node_groups(self):
        return (group(2, min_size=self.how.get("least", 0)),)

    def decide(self, view):
        if view.now_ns < MINUTE:
            return Decision(wake_ns=MINUTE)
        how = {key: value for key, value in self.how.items() if key != "least"}
        return Decision((RemoveNodes((int(view.node_id[0]),), "test", **how),))


class Budgeted:
    """A trace with one budget over web pods."""

    name = "budgeted"

    def __init__(self, pods, **limits):
        self.pods = pods
        selector = LabelSelector({"app": "web"})
        self.objects = {
            "PodDisruptionBudget": (PodDisruptionBudget("web", selector=selector, **limits),)
        }

    def digest(self):
        return self.pods.digest()


def budgeted(**limits):
    return Budgeted(table([template(600, app="web")], (0, 0, -1, 4)), **limits)


def test_evictions_keep_to_the_budget():
    # Two pods on each node; the other node has room for one more.
    result = run(budgeted(min_available=3), Removes(), end_ns=HOUR)
    evicted = result.pods.created_ns[result.pods.origin >= 0]
    assert evicted.tolist() == [MINUTE, MINUTE + 10 * SECOND]
    free = run(budgeted(max_unavailable="50%"), Removes(), end_ns=HOUR)
    assert free.pods.created_ns[free.pods.origin >= 0].tolist() == [MINUTE, MINUTE]


def test_a_removal_that_takes_too_long_is_forced_or_called_off():
    trace = budgeted(min_available=4)
    forced = run(trace, Removes(grace_ns=100 * SECOND), end_ns=HOUR)
    assert forced.metrics.evictions == 2
    assert forced.nodes.gone_ns.tolist() == [MINUTE + 105 * SECOND, -1]
    given_up = run(trace, Removes(grace_ns=100 * SECOND, force=False), end_ns=HOUR)
    assert given_up.metrics.evictions == 0
    assert [failure.code for failure in given_up.failures] == ["DrainTimeout"]
    assert given_up.nodes.gone_ns.tolist() == [-1, -1]


def test_a_group_never_gets_smaller_than_its_minimum():
    result = run(budgeted(min_available=0), Removes(least=2), end_ns=HOUR)
    assert [failure.code for failure in result.failures] == ["MinSize"]
    assert result.metrics.nodes_removed == 0


def test_scaling_a_group_down_takes_from_the_fullest_zone_the_oldest():
    class Shrinks(Fixed):
        def decide(self, view):
            if view.now_ns == MINUTE:
                return Decision((Scale("blue", 2, "less"),))
            return Decision(wake_ns=MINUTE)

    result = run(table(CLASSES, (0, 0, 1000, 1)), Shrinks((group(5),)))
    assert (result.nodes.gone_ns >= 0).tolist() == [True, True, True, False, False]


def test_replacements_come_first():
    policy = Eager(types=(SMALL,), removes=False, replace_every=5)
    result = run(table(CLASSES, (0, 0, -1, 1)), policy, end_ns=400 * SECOND)
    nodes = result.nodes
    first_gone = nodes.gone_ns[0]
    assert nodes.ready_ns[1] == first_gone - 5 * SECOND
    assert result.pods.node.tolist()[:2] == [0, 1]
    assert result.pods.bound_ns[1] == result.pods.ended_ns[0]


def test_a_replacement_that_never_joins_leaves_the_old_node():
    policy = Eager(types=(SMALL,), removes=False, replace_every=4, group=group(1))
    options = {"boot_ns_by_type": {SMALL: 10**15}, "end_ns": 1000 * SECOND}
    result = run(table(CLASSES, (0, 0, -1, 1)), policy, **options)
    assert "ReplacementFailed" in {failure.code for failure in result.failures}
    assert result.nodes.gone_ns[0] == -1
    assert result.metrics.evictions == 0


def test_every_node_runs_the_daemons_that_it_takes():
    daemon = template(100, (OwnerReference("DaemonSet", "log", controller=True),))
    pods = table([template(300), daemon], (0, 0, 100, 2), (1, 0, -1, 7))
    result = run(pods, Fixed((group(3),)), end_ns=HOUR)
    assert result.pods.is_daemon.sum() == 3
    assert result.metrics.pods == 2
    assert sorted(result.pods.node[result.pods.is_daemon].tolist()) == [0, 1, 2]


def test_pods_start_on_the_nodes_of_the_trace():
    nodes = tuple(
        Node(name, allocatable={"cpu": 2 * 10**9, "pods": 5 * 10**9}) for name in ("a", "b")
    )
    pods = replace(table(CLASSES, (0, 0, 100, 1), (0, 0, 100, 1)), node_name=("b", "b"))
    result = run(pods, Fixed(), nodes=nodes)
    assert result.pods.node.tolist() == [1, 1]
    assert result.metrics.cost_nano == 0
    assert result.metrics.nodes_launched == 0


def test_a_policy_may_bind_itself():
    class Binds(Fixed):
        def decide(self, view):
            if view.n_pending:
                return Decision((Bind((int(view.pending_pod[0]), 99), (0, 1), "here"),))
            return Decision(wake_on=WakeOn.POD_PENDING)

    full = template(300)
    picky = replace(full, spec=replace(full.spec, node_selector={"no": "where"}))
    pods = table([full, picky], (0, 0, 100, 1), (1, 5, 100, 1))
    simulation = Simulation(pods, Binds((group(2),)), KWOK, Plain())
    result = simulation.run()
    assert result.pods.bound_ns.tolist() == [0, -1]
    assert simulation.recorder.n_refused_bindings == 2


def test_an_interrupted_run_keeps_the_finished_part():
    class Stops(Fixed):
        def decide(self, view):
            if view.now_ns:
                raise KeyboardInterrupt
            return Decision(wake_ns=50 * SECOND)

    result = run(table(CLASSES, (0, 0, 100, 1), (0, 80, 5, 1)), Stops((group(1),)))
    assert not result.is_complete
    assert result.end_ns == 50 * SECOND
    assert len(result.pods) == 1
    assert "interrupted after 50 s" in str(result)


def test_a_policy_that_never_lets_time_pass_is_stopped():
    class Loops(Policy):
        name = "loops"

        def node_groups(self):
            return (group(1),)

        def decide(self, view):
            ready = view.node_id[view.node_state == 1]
            return Decision(
                (
                    AddNodes("x", group="blue"),
                    RemoveNodes(tuple(ready.tolist()), "x"),
                ),
                wake_on=WakeOn.POD_PENDING | WakeOn.NODE_READY,
            )

    pods = table(CLASSES, (0, 0, -1, 1))
    with pytest.raises(ValueError, match="loops: expected time to pass, found 1000 decisions"):
        run(pods, Loops(), boot_ns=0, end_ns=HOUR)


def test_a_decision_that_makes_no_sense_names_policy_and_place():
    class Wrong(Fixed):
        def decide(self, view):
            return Decision((RemoveNodes((5,), "x"),))

    with pytest.raises(ValueError, match=r"fixed: actions\[0\].nodes\[0\]: no node has the id 5"):
        run(table(CLASSES, (0, 0, 1, 1)), Wrong())


def test_a_trace_without_pods_is_refused():
    with pytest.raises(ValueError, match="trace pods: expected at least one pod, found none"):
        run(table(CLASSES), Fixed())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boot_ns": -1}, "boot_ns must be >= 0, found -1"),
        ({"boot_ns": 1.5}, "boot_ns must be an int"),
        ({"eviction_retry_ns": 0}, "eviction_retry_ns must be >= 1, found 0"),
        ({"launch_failure_rate": 1.0}, "launch_failure_rate must be from 0 to below 1"),
        ({"interruptions_per_hour": float("nan")}, "interruptions_per_hour must be a number"),
        ({"capacity": {("a", "b", "c"): -1}}, r"capacity\[\('a', 'b', 'c'\)\] must be >= 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        SimulationOptions(**options)


def test_claims_of_a_pool_carry_its_labels_and_taints():
    pool = NodePool("general", labels={"team": "x"})
    result = run(table(CLASSES, (0, 0, 100, 1)), Eager(types=(SMALL,), pool=pool))
    labels = result.kinds[0].node.labels
    assert (labels["team"], labels["karpenter.sh/nodepool"]) == ("x", "general")
    assert "kubernetes.io/hostname" not in labels
    assert result.metrics.node_pools == 1


def test_a_repeated_reason_to_keep_is_noted_once():
    class Keeps(Fixed):
        def decide(self, view):
            return Decision((Keep("why not"),), view.now_ns + SECOND)

    result = run(table(CLASSES, (0, 0, 100, 1)), Keeps((group(1),)))
    assert len(result.acts) == 1
    assert result.metrics.decisions == 101


def test_ctrl_c_reaches_the_compiled_loop():
    pods = table([template(1)], *((0, second, 0, 2000) for second in range(300)))
    policy = Fixed((group(60, max_size=60),))
    simulation = Simulation(pods, policy, KWOK, KubeScheduler())

    def stop(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        result = simulation.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not result.is_complete
    assert 0 < result.end_ns < simulation.end_ns
    assert (result.pods.bound_ns >= 0).any()
