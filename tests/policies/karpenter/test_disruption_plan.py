"""The dry run of disruption: every node has a decision or a reason, and they are Karpenter's."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pyscale.catalog import kwok
from pyscale.conformance.karpenter.disrupting import own_disruption
from pyscale.conformance.karpenter.reading import read_objects, read_settings
from pyscale.manifests import load_cluster
from pyscale.policies.karpenter import Karpenter
from pyscale.policies.karpenter.disruption_plan import LATER, NEXT, WORDS, plan_disruption

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "karpenter"
FAMILIES = ("emptiness", "drift", "single", "multi", "blockers", "budgets", "spot-to-spot")

POOL = """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: general}
spec:
  disruption: {consolidateAfter: 30s, budgets: [{nodes: "%s"}]}
  template:
    spec:
      nodeClassRef: {group: g, kind: K, name: n}
      requirements:
      - {key: kubernetes.io/arch, operator: In, values: [amd64]}
      - {key: kubernetes.io/os, operator: In, values: [linux]}
      - {key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}
"""
NODE = """---
apiVersion: v1
kind: Node
metadata:
  name: %(name)s
  creationTimestamp: "2026-03-01T08:00:00Z"
  labels:
    karpenter.sh/nodepool: general
    karpenter.sh/capacity-type: on-demand
    topology.kubernetes.io/zone: test-zone-a
    node.kubernetes.io/instance-type: c-%(cores)sx-amd64-linux
    kubernetes.io/arch: amd64
    kubernetes.io/os: linux
    kubernetes.io/hostname: %(name)s
status:
  allocatable: {cpu: "%(cores)s", memory: 32Gi, pods: "20"}
  conditions: [{type: Ready, status: "True", lastHeartbeatTime: "2026-03-01T12:00:00Z"}]
"""
POD = """---
apiVersion: v1
kind: Pod
metadata: {name: %(name)s, namespace: shop, labels: {app: web}, annotations: %(annotations)s}
spec:
  nodeName: %(node)s
  containers: [{name: c, image: i, resources: {requests: {cpu: "%(cpu)s", memory: 1Gi}}}]
  nodeSelector: %(selector)s
status: {phase: Running}
"""


def node(name, cores=2):
    return NODE % {"name": name, "cores": cores}


def pod(name, on, cpu, selector="{}", annotations="{}"):
    return POD % {
        "name": name,
        "node": on,
        "cpu": cpu,
        "selector": selector,
        "annotations": annotations,
    }


def plan(*parts, budget="5", **options):
    cluster = load_cluster("".join((POOL % budget, *parts)).encode())
    return Karpenter().disrupt(cluster, catalog=kwok(), **options)


def verdict(found, name):
    return next(each for each in found.nodes if each.node == name)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_next_command_is_that_of_the_acting_method(family):
    with gzip.open(GOLDEN / f"{family}.jsonl.gz") as lines:
        cases = [json.loads(line)["input"] for line in lines]
    for given in cases[:12]:
        found = plan_disruption(read_objects(given), read_settings(given))
        own = own_disruption({**given, "methods": None})
        acting = own["actingMethod"]
        assert (found.command.method if found.command else "") == WORDS.get(acting, "")
        if acting:
            assert list(found.command.nodes) == own["commands"][acting]["candidates"]
        for each in found.nodes:
            assert (each.command is None) == bool(each.reason)
            if each.when == LATER and each.command.method == WORDS["SingleNode"]:
                alone = (own.get("perCandidate") or {}).get(each.node)
                assert alone is None or alone["decision"] == each.command.decision


def test_an_empty_node_goes_next_and_saves_its_price():
    found = plan(node("idle"))
    each = verdict(found, "idle")
    assert each.when == NEXT
    assert found.command.method == "emptiness"
    assert found.command.decision == "delete"
    assert found.command.saves == each.price == pytest.approx(0.0543, abs=1e-4)


def test_a_large_node_is_replaced_by_a_smaller_one():
    found = plan(node("large", 16), pod("web", "large", "1500m"))
    each = verdict(found, "large")
    assert each.command.method == "single-node consolidation"
    assert each.command.decision == "replace"
    (claim,) = each.command.replacements
    assert claim.instance_types[0] == "c-2x-amd64-linux"
    assert claim.pods == ("shop/web",)
    assert each.command.saves == pytest.approx(each.price - claim.lowest_price)


def test_two_nodes_go_together_and_their_pods_move():
    found = plan(
        node("a"),
        node("b"),
        node("c", 8),
        pod("a", "a", "1"),
        pod("b", "b", "1"),
        pod("c", "c", "5", annotations='{karpenter.sh/do-not-disrupt: "true"}'),
    )
    assert found.command.method == "multi-node consolidation"
    assert found.command.nodes == ("a", "b")
    assert found.command.moves == {"c": ("shop/a", "shop/b")}
    assert "pod shop/c has the karpenter.sh/do-not-disrupt annotation" in str(found)


def test_what_the_budget_stops_is_said():
    found = plan(node("idle"), node("spare"), budget="1")
    assert [each.when for each in found.nodes] == [NEXT, ""]
    reason = "the budgets of NodePool general allow no further disruption"
    assert verdict(found, "spare").reason == reason
    assert found.budgets["Empty"] == {"general": 1}


def test_a_pod_without_another_place_is_named_with_its_reason():
    found = plan(node("a"), pod("odd", "a", "1", selector="{example.com/only: here}"))
    reason = verdict(found, "a").reason
    assert reason.startswith("not all pods would schedule: shop/odd (general: it requires")


def test_the_moment_is_the_latest_time_of_the_dump():
    found = plan(node("a"))
    assert found.now_ns == 1772366400 * 10**9
    early = plan(node("a"), now_ns=1772352010 * 10**9)
    assert verdict(early, "a").reason == "node is not consolidatable yet (consolidateAfter)"


def test_a_plan_is_plain_data_and_a_table():
    found = plan(node("idle"))
    data = json.loads(json.dumps(found.to_dict()))
    assert data["nodes"][0]["command"]["decision"] == "delete"
    assert str(found).splitlines()[0].split()[:4] == ["node", "pool", "machine", "$/h"]
    assert "next: emptiness takes idle and saves $0.0543 an hour" in str(found)


def test_a_cluster_without_nodes_has_nothing_to_disrupt():
    assert str(plan()) == "no node"
