"""What-ifs that end early refuse what those that go on to the end refuse."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.karpenter.cluster import Cluster
from reference.karpenter.consolidation import DELETE, NoCommand, compute_consolidation
from reference.karpenter.disruption import Disruption as Twin
from reference.karpenter.tracing import Trace
from strategies_karpenter import disruption_inputs

from pyscale.catalog import kwok
from pyscale.conformance.karpenter.disrupting import own_command
from pyscale.conformance.karpenter.reading import read_objects, read_settings
from pyscale.model.groups import NodePool
from pyscale.model.pod_table import PodTable
from pyscale.model.pods import Container, PodSpec, PodTemplate
from pyscale.model.resources import CPU, MEMORY, NANO
from pyscale.model.times import HOUR, SECOND
from pyscale.policies.karpenter import Karpenter
from pyscale.policies.karpenter.candidates import METHODS, MULTI_NODE, SINGLE_NODE
from pyscale.policies.karpenter.disruption import Disruption
from pyscale.policies.karpenter.solver import Solver
from pyscale.simulation import SimulationOptions, simulate


def node_affinity(**terms):
    return {"affinity": {"nodeAffinity": terms}}


ZONE = "topology.kubernetes.io/zone"
IN_A, IN_B = (
    {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]} for zone in "ab"
)
#: Whether cpu and memory are requested, and what else pods ask for.
CONSOLIDATING = {
    "kind": "disruption",
    "now": "2026-01-05T12:00:00Z",
    "nodePools": [
        {
            "metadata": {"name": "pool"},
            "spec": {
                "disruption": {"consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]},
                "template": {"spec": {}},
            },
        }
    ],
}
SHAPES = (
    (True, True, {}),
    (True, True, {}),
    (True, False, {}),
    (False, True, {}),
    (True, True, {"nodeSelector": {ZONE: "a"}}),
    (
        True,
        True,
        node_affinity(
            preferredDuringSchedulingIgnoredDuringExecution=[{"weight": 1, "preference": IN_A}]
        ),
    ),
    (
        True,
        False,
        node_affinity(
            requiredDuringSchedulingIgnoredDuringExecution={"nodeSelectorTerms": [IN_A, IN_B]}
        ),
    ),
    (True, True, {"nodeSelector": {"karpenter.sh/capacity-type": "on-demand"}}),
)


@st.composite
def priced_inputs(draw):
    """Crowded nodes, and types whose prices lie close together: most what-ifs open a claim."""
    price = st.integers(5, 12).map(lambda cents: cents / 100)
    kinds = [
        {
            "name": f"t{i}",
            "architecture": "amd64",
            "os": ["linux"],
            "capacity": {"cpu": str(cpu), "memory": f"{4 * cpu}Gi", "pods": "20"},
            "overhead": {"kubeReserved": {"cpu": "100m"}},
            "offerings": [
                {
                    "zone": zone,
                    "capacityType": kind,
                    "price": cpu * draw(price),
                    "available": draw(st.integers(0, 5)) > 0,
                }
                for zone in ("a", "b")
                for kind in draw(
                    st.sampled_from([("on-demand",), ("spot",), ("spot", "on-demand")])
                )
            ],
        }
        for i, cpu in enumerate(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    ]
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4))
    amount = st.sampled_from([400, 700, 1500, 2500])
    sizes = [(draw(amount) * bool(cpu), draw(amount) * bool(memory)) for cpu, memory, _ in shapes]
    given_input = {
        **CONSOLIDATING,
        "instanceTypes": kinds,
        "templates": [
            {
                "metadata": {"labels": {"app": "x"}},
                "spec": {
                    "containers": [
                        {
                            "name": "c",
                            "resources": {
                                "requests": {
                                    **({"cpu": f"{cpu}m"} if cpu else {}),
                                    **({"memory": f"{4 * memory}Mi"} if memory else {}),
                                }
                            },
                        }
                    ],
                    **more,
                },
            }
            for (cpu, memory), (_, _, more) in zip(sizes, shapes, strict=True)
        ],
        "nodes": [],
        "pods": [],
        "options": {"featureGates": {"SpotToSpotConsolidation": draw(st.booleans())}},
    }
    for i in range(draw(st.integers(2, 6))):
        kind = draw(st.sampled_from(kinds))
        offering = draw(st.sampled_from(kind["offerings"]))
        labels = {
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": kind["name"],
            "topology.kubernetes.io/zone": offering["zone"],
            "karpenter.sh/capacity-type": offering["capacityType"],
        }
        node = {"name": f"n{i}", "nodePool": "pool", "capacity": kind["capacity"]}
        node["state"] = draw(st.sampled_from(["initialized"] * 4 + ["registered"]))
        node["deleting"] = draw(st.integers(0, 7)) == 0
        given_input["nodes"].append(node | {"labels": labels})
        left = [1000 * int(kind["capacity"]["cpu"]) - 100] * 2
        for j in range(draw(st.sampled_from([2, 4, 10]))):
            number = draw(st.integers(0, len(shapes) - 1))
            left = [rest - size for rest, size in zip(left, sizes[number], strict=True)]
            if min(left) < 0:
                break
            given_input["pods"].append(
                {"name": f"b{i}{j}", "nodeName": f"n{i}", "template": number}
            )
    given_input["pods"] += [
        {"name": f"p{i}", "template": draw(st.integers(0, len(shapes) - 1))}
        for i in range(draw(st.sampled_from([0, 0, 1, 3])))
    ]
    for i, pod in enumerate(given_input["pods"]):
        pod["uid"] = f"u{i:03d}"
        pod["creationTimestamp"] = "2026-01-05T11:00:00Z"
    return given_input


def clusters():
    return st.one_of(priced_inputs(), disruption_inputs(), priced_inputs())


def disruption_of(given_input, **settings):
    objects, own = read_objects(given_input), read_settings(given_input)
    return Disruption(Solver(objects, replace(own, **settings)))


def numbers_of(candidates):
    return np.array([each.number for each in candidates], np.int32)


def found_in(disruption, groups):
    """Index of every group that is not refused, and whether it can be deleted."""
    found = []
    for i, group in enumerate(groups):
        is_refused, is_deletion = disruption.screening.first.together(numbers_of(group), len(group))
        assert not (is_refused and is_deletion)
        if not is_refused:
            found.append((i, is_deletion))
    return found


@settings(max_examples=300)
@given(clusters(), st.booleans(), st.data())
def test_a_scan_finds_what_is_not_refused(given_input, spot_to_spot, data):
    disruption = disruption_of(given_input, spot_to_spot_consolidation=spot_to_spot)
    candidates = disruption.evaluate(MULTI_NODE, compute=False).candidates
    if not candidates:
        return
    group = st.lists(st.sampled_from(candidates), min_size=1, unique=True)
    groups = [[each] for each in candidates] + data.draw(st.lists(group, max_size=6))
    numbers = [numbers_of(group).tolist() for group in groups]
    screened = disruption.screening.screen(numbers)
    expected = [(i, each.is_deletion) for i, each in enumerate(screened) if not each.refusal]
    assert found_in(disruption, groups) == expected
    # Nothing of the rounds that ended early is left.
    assert disruption.screening.screen(numbers) == screened


@given(clusters())
def test_the_first_alone_is_the_first_that_is_found(given_input):
    disruption = disruption_of(given_input)
    candidates = disruption.evaluate(MULTI_NODE, compute=False).candidates
    alone = dict(found_in(disruption, [[each] for each in candidates]))
    for start in range(len(candidates) + 1):
        found, is_deletion = disruption.screening.first.first_alone(numbers_of(candidates), start)
        assert found == min((i for i in alone if i >= start), default=len(candidates))
        assert is_deletion == alone.get(found, False)


@given(clusters())
def test_what_a_scan_refuses_the_twin_refuses(given_input):
    disruption = disruption_of(given_input)
    twin = Twin(Cluster(given_input))
    candidates = disruption.evaluate(SINGLE_NODE, compute=False).candidates
    found = dict(found_in(disruption, [[each] for each in candidates]))
    theirs = twin.evaluate(SINGLE_NODE).candidates
    assert len(theirs) == len(candidates)
    for i, each in enumerate(theirs):
        decision = twin_decision(twin, each)
        assert i in found or decision is None
        assert found.get(i, False) == (decision == DELETE)


def twin_decision(twin, candidate):
    try:
        return compute_consolidation(
            twin.cluster, [candidate], twin.conditions, Trace(), Trace()
        ).decision
    except NoCommand:
        return None


@given(clusters())
def test_commands_are_the_same_without_reasons(given_input):
    objects, own = read_objects(given_input), read_settings(given_input)
    told = Disruption(Solver(objects, own))
    quiet = Disruption(Solver(objects, own), reasons=False)
    for method in METHODS:
        ours, theirs = quiet.evaluate(method), told.evaluate(method)
        assert own_command(ours.command) == own_command(theirs.command)
        assert ours.is_constrained == theirs.is_constrained
        assert ours.budgets == theirs.budgets


def kind_of(name, price, zones=("b",), cpu="4"):
    offerings = [{"zone": zone, "capacityType": "on-demand", "price": price} for zone in zones]
    return {
        "name": name,
        "architecture": "amd64",
        "os": ["linux"],
        "capacity": {"cpu": cpu, "memory": "4Gi", "pods": "20"},
        "overhead": {},
        "offerings": [each | {"available": True} for each in offerings],
    }


def first_of(kinds, pods, candidate):
    """Scan one node of each kind, n0 and so on; ``pods`` tells of each its node and its spec."""
    given_input = {
        **CONSOLIDATING,
        "instanceTypes": kinds,
        "templates": [{"metadata": {}, "spec": spec} for _, spec in pods],
        "nodes": [
            {
                "name": f"n{i}",
                "nodePool": "pool",
                "state": "initialized",
                "capacity": kind["capacity"],
                "labels": {
                    "kubernetes.io/os": "linux",
                    "node.kubernetes.io/instance-type": kind["name"],
                    ZONE: "b",
                    "karpenter.sh/capacity-type": "on-demand",
                },
            }
            for i, kind in enumerate(kinds)
        ],
        "pods": [
            {
                "name": f"b{i}",
                "nodeName": f"n{node}",
                "template": i,
                "uid": f"u{i}",
                "creationTimestamp": "2026-01-05T11:00:00Z",
            }
            for i, (node, _) in enumerate(pods)
        ],
        "options": {},
    }
    disruption = disruption_of(given_input)
    candidates = disruption.evaluate(MULTI_NODE, compute=False).candidates
    return dict(found_in(disruption, [[each] for each in candidates])).get(candidate)


def pod_of(more=(), **requests):
    return {"containers": [{"name": "c", "resources": {"requests": requests}}], **dict(more)}


def test_what_a_home_has_none_left_of_is_no_matter_to_pods_that_want_none():
    kinds = [kind_of("t0", 0.4), kind_of("t1", 0.4), kind_of("t2", 0.1, cpu="1")]
    pods = [(0, pod_of(memory="4Gi")), (1, pod_of(cpu="3")), (1, pod_of(memory="1Gi"))]
    pods.append((2, pod_of(memory="4Gi")))
    assert first_of(kinds, pods, 1) is False


def test_pods_that_can_be_relaxed_may_go_where_they_would_rather_not():
    kinds = [kind_of("t0", 0.2), kind_of("t1", 0.5)]
    preferred = {"weight": 1, "preference": IN_A}
    rather = node_affinity(preferredDuringSchedulingIgnoredDuringExecution=[preferred])
    pods = [(0, pod_of(cpu="3")), (1, pod_of(rather.items(), cpu="3"))]
    assert first_of(kinds, pods, 1) is False


def test_pods_that_can_not_be_relaxed_rule_types_out():
    kinds = [kind_of("t0", 0.2), kind_of("t1", 0.5, ("a", "b"))]
    bound = {"nodeSelector": {ZONE: "a"}}
    pods = [(0, pod_of(cpu="3")), (1, pod_of(bound.items(), cpu="3"))]
    assert first_of(kinds, pods, 1) is None


POD_KINDS = (
    {"requests": {CPU: NANO // 2, MEMORY: 2**30 * NANO}},
    {"requests": {CPU: 3 * NANO, MEMORY: 2**31 * NANO}},
    {"requests": {CPU: NANO, MEMORY: 6 * 2**30 * NANO}},
)


@pytest.mark.parametrize("spot_to_spot", [False, True])
@settings(max_examples=3)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_run_without_reasons_is_the_run_with_them(spot_to_spot, seed):
    rng = np.random.default_rng(seed)
    templates = [PodTemplate(PodSpec((Container(**kind),))) for kind in POD_KINDS]
    n = 120
    pods = PodTable(
        templates,
        rng.integers(0, len(templates), n).astype(np.int32),
        rng.integers(1, 4, n).astype(np.int64),
        np.sort(rng.integers(0, 3600, n)) * SECOND,
        rng.integers(600, 9000, n) * SECOND,
    )
    policy = Karpenter([NodePool("default")], spot_to_spot_consolidation=spot_to_spot)
    options = SimulationOptions(end_ns=3 * HOUR)
    quiet = simulate(pods, policy, kwok(), options=options)
    make = Disruption.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Disruption, "__init__", lambda *args, reasons: make(*args))
        told = simulate(pods, policy, kwok(), options=options)
    assert quiet.digest() == told.digest()
