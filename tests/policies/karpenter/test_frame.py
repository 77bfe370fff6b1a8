"""A run whose looks share one kernel is the run in which every look makes its own."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyscale.catalog import kwok
from pyscale.model.disruption import DisruptionSettings, PodDisruptionBudget
from pyscale.model.groups import NodePool
from pyscale.model.nodes import HOSTNAME_LABEL, ZONE_LABEL
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import (
    Container,
    ContainerPort,
    OwnerReference,
    PodSpec,
    PodTemplate,
    TopologySpreadConstraint,
)
from pyscale.model.requirements import (
    LabelSelector,
    NodeSelectorTerm,
    PreferredNodeSelectorTerm,
    Requirement,
)
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.model.times import HOUR, SECOND
from pyscale.policies.karpenter import Karpenter
from pyscale.policies.karpenter.frame import Frame
from pyscale.policies.karpenter.run_solver import RunCompiler, RunSolver
from pyscale.policies.karpenter.view_cluster import node_name
from pyscale.simulation import SimulationOptions, simulate

COST = "controller.kubernetes.io/pod-deletion-cost"


def web(name, cpu, ports=(), **spec):
    requests = {CPU: cpu * NANO, MEMORY: cpu * 2**31 * NANO}
    container = Container(requests=requests, ports=ports)
    return PodTemplate(PodSpec((container,), **spec), labels={"app": name})


PLAIN = (
    web("small", 1),
    web("large", 5),
    web("zonal", 2, node_selector={ZONE_LABEL: "test-zone-b"}),
    web("port", 1, (ContainerPort(80, host_port=80),)),
    web("other-port", 1, (ContainerPort(81, host_port=81),)),
)
SPREAD = web(
    "spread",
    1,
    topology_spread_constraints=(
        TopologySpreadConstraint(
            1, ZONE_LABEL, "DoNotSchedule", LabelSelector(match_labels={"app": "spread"})
        ),
    ),
)
REQUIREMENTS = (
    Requirement("kubernetes.io/os", "In", ("linux",)),
    Requirement("kubernetes.io/arch", "In", ("amd64",)),
)
POOL = NodePool("default", requirements=REQUIREMENTS, disruption=DisruptionSettings())
POOLS = {
    "without limits": POOL,
    "with limits": replace(POOL, limits={CPU: 40 * NANO}),
    "short-lived": replace(POOL, expire_after_ns=HOUR),
    # Drift is not that of all nodes of a kind where names matter.
    "choosy": replace(
        POOL, requirements=(*REQUIREMENTS, Requirement(HOSTNAME_LABEL, "NotIn", (node_name(1),)))
    ),
}


def drawn_pods(data, templates):
    n = data.draw(st.integers(1, 25))
    arrivals = sorted(data.draw(st.integers(0, 3000)) for _ in range(n))
    return PodTable(
        templates,
        np.array([data.draw(st.integers(0, len(templates) - 1)) for _ in range(n)], np.int32),
        np.array([data.draw(st.integers(1, 4)) for _ in range(n)], np.int64),
        np.array(arrivals, np.int64) * SECOND,
        np.array([data.draw(st.integers(1, 6000)) for _ in range(n)], np.int64) * SECOND,
    )


def digests(trace, policy):
    """Digests of a run whose looks share a kernel, and of one in which they don't."""
    catalog, options = kwok(), SimulationOptions(end_ns=3 * HOUR)
    shared = simulate(trace, policy, catalog, options=options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Frame, "serves", lambda *_: False)
        patch.setattr(RunCompiler, "_can_go_on", lambda *_: False)
        apart = simulate(trace, policy, catalog, options=options)
    return shared.digest(), apart.digest()


@pytest.mark.parametrize("templates", [PLAIN, (*PLAIN, SPREAD)], ids=["plain", "spread"])
@pytest.mark.parametrize("name", POOLS)
@settings(max_examples=5)
@given(data=st.data())
def test_a_shared_kernel_changes_nothing_of_a_run(name, templates, data):
    pods = drawn_pods(data, templates)
    shared, apart = digests(pods, Karpenter([POOLS[name]]))
    assert shared == apart


CONTROLLED = (
    web("small", 1),
    replace(web("daemon", 1), owners=(OwnerReference("DaemonSet", "d"),)),
    replace(web("kept", 1), annotations={"karpenter.sh/do-not-disrupt": "true"}),
    replace(web("missed by nobody", 1), annotations={COST: "-2147483647"}),
    web("unimportant", 2, priority=-(2**26)),
    web(
        "wishful",
        1,
        preferred_node_affinity=(
            PreferredNodeSelectorTerm(
                1, NodeSelectorTerm((Requirement(ZONE_LABEL, "In", ("nowhere",)),))
            ),
        ),
    ),
)
BUDGETS = {
    "no budget": (),
    "one stays": (PodDisruptionBudget("b", selector=LabelSelector(match_labels={"app": "small"})),),
    "all stay": (
        PodDisruptionBudget(
            "b", selector=LabelSelector(match_labels={"app": "small"}), max_unavailable=0
        ),
    ),
}


@pytest.mark.parametrize("name", BUDGETS)
@settings(max_examples=8)
@given(data=st.data())
def test_what_keeps_pods_where_they_are_is_followed(name, data):
    pods = drawn_pods(data, CONTROLLED)
    trace = SimpleNamespace(name="made", pods=pods, objects={"PodDisruptionBudget": BUDGETS[name]})
    shared, apart = digests(trace, Karpenter([POOL]))
    assert shared == apart


def simulate_a_few_pods():
    pods = PodTable(
        PLAIN[:3],
        np.array([0, 1, 2, 0, 1], np.int32),
        np.ones(5, np.int64),
        np.array([0, 0, 0, 600, 1200], np.int64) * SECOND,
        np.full(5, 1800 * SECOND, np.int64),
    )
    simulate(pods, Karpenter([POOL]), kwok(), options=SimulationOptions(end_ns=HOUR))


def test_a_node_whose_name_its_pool_does_not_want_drifts():
    pods = PodTable(
        PLAIN[1:2],
        np.zeros(3, np.int32),
        np.ones(3, np.int64),
        np.arange(3, dtype=np.int64) * 300 * SECOND,
        np.full(3, HOUR, np.int64),
    )
    run = simulate(
        pods, Karpenter([POOLS["choosy"]]), kwok(), options=SimulationOptions(end_ns=HOUR)
    )
    assert [act.nodes for act in run.acts if act.reason.startswith("Drifted")] == [(1,)]


def test_looks_at_plain_pods_share_one_kernel(monkeypatch):
    made = []
    make = Frame.__init__
    monkeypatch.setattr(Frame, "__init__", lambda *args: made.append(args) or make(*args))
    simulate_a_few_pods()
    assert 1 <= len(made) <= 2


def test_a_kernel_knows_the_nodes_of_the_moment_by_name(monkeypatch):
    shared = []

    def compile_and_look(compiler, view):
        solver = compiles(compiler, view)
        shared.append(isinstance(solver, RunSolver) and len(solver.nodes) > 0)
        assert list(solver.topology.host_names) == [node.hostname for node in solver.nodes]
        assert [solver.number_of(node.name) for node in solver.nodes] == [*range(solver.n_nodes)]
        return solver

    compiles = RunCompiler.compile
    monkeypatch.setattr(RunCompiler, "compile", compile_and_look)
    simulate_a_few_pods()
    assert any(shared)
