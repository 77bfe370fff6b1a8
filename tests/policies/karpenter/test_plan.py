"""Dry runs of provisioning: what would be bought, and why a pod finds no place."""

import re

import pytest

from pyscale.catalog import kwok
from pyscale.manifests import ClusterObjects, node_from_dict, node_pool_from_dict, pod_from_dict
from pyscale.policies.karpenter import Karpenter
from pyscale.policies.karpenter.explain import explain
from pyscale.policies.karpenter.plan import objects_of
from pyscale.policies.karpenter.solver import Solver

LINUX = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
AMD64 = {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}


def pool(name="default", requirements=(), **spec):
    template = {"requirements": [LINUX, AMD64, *requirements], **spec}
    return node_pool_from_dict(
        {"metadata": {"name": name}, "spec": {"template": {"spec": template}}}, validate=False
    )


def pod(name, cpu="1", **spec):
    container = {"name": "c", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    manifest = {"metadata": {"name": name}, "spec": {"containers": [container], **spec}}
    return pod_from_dict(manifest, validate=False)


def plan(pods, *pools, cluster=None):
    return Karpenter(pools or (pool(),)).provision(pods, cluster, catalog=kwok())


def test_one_pod_gets_the_cheapest_machine_that_holds_it():
    made = plan([pod("web")])
    (claim,) = made.claims
    assert claim.pods == ("web",)
    assert claim.instance_types[0] == "c-2x-amd64-linux"
    assert len(claim.instance_types) == 33
    assert claim.lowest_price == 0.7 * (0.05 + 0.001 * 4.294967296)
    assert "new node of default: c-2x-amd64-linux" in str(made)
    assert f"and 30 more, $0.0380 to ${claim.highest_price:.4f} an hour, for 1 pod" in str(made)


def test_a_node_with_room_is_used_first():
    node = node_from_dict(
        {
            "metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}},
        },
        validate=False,
    )
    made = plan([pod("web"), pod("big", cpu="6")], cluster=ClusterObjects(nodes=(node,)))
    assert made.existing == {"n1": ("web",)}
    assert [claim.pods for claim in made.claims] == [("big",)]


TAINT = {"key": "team", "value": "red", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("waiting", "owner", "words"),
    [
        (pod("p"), pool(taints=[TAINT]), "does not tolerate team=red:NoSchedule"),
        (
            pod("p", nodeSelector={"example.com/team": "red"}),
            pool(),
            "requires example.com/team In .red., which the pool does not define",
        ),
        (
            pod("p", nodeSelector={"kubernetes.io/os": "windows"}),
            pool(),
            "requires kubernetes.io/os In .windows., the pool has kubernetes.io/os In .linux.",
        ),
        (pod("p", cpu="1000"), pool(), "of 36 types 36 meet the requirements, 0 have room"),
    ],
)
def test_a_refusal_says_what_is_wrong(waiting, owner, words):
    made = plan([waiting], owner)
    ((name, reason),) = made.unplaced["p"]
    assert name == "default"

    assert re.search(words, reason), reason
    assert "p finds no place: default: " in str(made)


def test_an_ignored_pod_is_named_with_its_reason():
    made = plan([pod("p", nodeSelector={"kubernetes.io/hostname": "n1"})])
    assert made.ignored == {"p": "the label kubernetes.io/hostname is restricted"}


def test_a_pod_with_a_place_has_nothing_to_explain():
    solver = Solver(objects_of(None, [pool()], kwok(), [pod("p")]))
    with pytest.raises(KeyError):
        explain(solver, solver.solve(), 0)


def test_a_plan_is_plain_data():
    data = plan([pod("web"), pod("big", cpu="1000")]).to_dict()
    assert set(data) == {"claims", "existing", "unplaced", "ignored"}
    assert data["claims"][0]["pods"] == ("web",)
