"""Each quirk is reproduced by default, and repaired by its flag."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyscale.catalog import kwok
from pyscale.errors import InvalidObjectError
from pyscale.manifests import (
    ClusterObjects,
    node_from_dict,
    node_pool_from_dict,
    persistent_volume_claim_from_dict,
    pod_from_dict,
    workload_from_dict,
)
from pyscale.policies.karpenter import Karpenter
from pyscale.policies.karpenter.parity import QUIRKS, TieBreak, repaired_quirks

ZONE = "topology.kubernetes.io/zone"
ARCH = "kubernetes.io/arch"
LINUX = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}


def pool(*requirements, **spec):
    template = {"requirements": [LINUX, *requirements]}
    manifest = {"metadata": {"name": "default"}, "spec": {"template": {"spec": template}, **spec}}
    return node_pool_from_dict(manifest, validate=False)


def pod(name, cpu="1", on="", labels=None, **spec):
    container = {"name": "c", "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    manifest = {
        "metadata": {"name": name, "labels": labels or {"app": "web"}},
        "spec": {"containers": [container], "nodeName": on, **spec},
        "status": {
            "phase": "Running" if on else "Pending",
            "conditions": []
            if on
            else [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
        },
    }
    return pod_from_dict(manifest, validate=False)


def node(name, zone="test-zone-a", cpu="1", **labels):
    known = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        ZONE: zone,
        ARCH: "arm64",
    }
    return node_from_dict(
        {
            "metadata": {"name": name, "labels": known | labels},
            "status": {"allocatable": {"cpu": cpu, "memory": "64Gi", "pods": "110"}},
        },
        validate=False,
    )


def spread(key=ZONE, selector=True, **more):
    constraint = {"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **more}
    if selector:
        constraint["labelSelector"] = {"matchLabels": {"app": "web"}}
    return [constraint]


def plan(parity, pods, *, nodes=(), given=None, **more):
    cluster = ClusterObjects(pods=tuple(pods), nodes=tuple(nodes), **more)
    return Karpenter([given or pool()], parity=parity).provision((), cluster, catalog=kwok())


def zones(claim):
    (found,) = [item for item in claim.requirements if item["key"] == ZONE]
    return found["values"]


def test_a_limit_on_nodes_is_overshot_within_a_round():
    pods = [pod(f"p{i}", cpu="200") for i in range(4)]
    limited = pool(limits={"nodes": "2"})
    assert len(plan("strict", pods, given=limited).claims) == 4
    sane = plan(["node-limit"], pods, given=limited)
    assert len(sane.claims) == 2
    assert sorted(sane.unplaced) == ["p2", "p3"]
    assert sane.unplaced["p2"] == (("default", "the pool may have no further node"),)


def test_min_domains_of_the_first_creator_serve_all():
    pods = [pod("a", topologySpreadConstraints=spread())]
    pods += [pod(f"b{i}", topologySpreadConstraints=spread(minDomains=9)) for i in range(6)]
    assert not plan("strict", pods).unplaced
    assert len(plan(["min-domains"], pods).unplaced) == 3


def test_node_filters_are_told_apart_by_their_keys_only():
    nodes = [node("n", cpu="3")]
    pods = [pod(f"old{i}", on="n") for i in range(3)]
    both = {"topologySpreadConstraints": spread()}
    pods += [
        pod("a", nodeSelector={ARCH: "amd64"}, **both),
        pod("b", cpu="4", nodeSelector={ARCH: "arm64"}, **both),
    ]
    chosen = {
        parity: zones(next(c for c in plan(parity, pods, nodes=nodes).claims if "b" in c.pods))
        for parity in ("strict", ("node-filter",))
    }
    assert chosen == {"strict": ["test-zone-a"], ("node-filter",): ["test-zone-b"]}


def test_a_term_without_selector_counts_every_bound_pod():
    nodes = [node("n", cpu="3")]
    pods = [pod(f"old{i}", on="n") for i in range(3)]
    pods.append(pod("new", topologySpreadConstraints=spread(selector=False)))
    (strict,) = plan("strict", pods, nodes=nodes).claims
    (sane,) = plan(["nil-selector"], pods, nodes=nodes).claims
    assert (zones(strict), zones(sane)) == (["test-zone-b"], ["test-zone-a"])


def test_an_excluded_value_becomes_a_domain():
    rack = "example.com/rack"
    given = pool({"key": rack, "operator": "NotIn", "values": ["r1"]})
    nodes = [node("n", cpu="8", **{rack: "r2"})]
    pods = [pod(f"old{i}", on="n") for i in range(3)]
    pods.append(pod("new", topologySpreadConstraints=spread(rack)))
    assert list(plan("strict", pods, nodes=nodes, given=given).unplaced) == ["new"]
    sane = plan(["excluded-domains"], pods, nodes=nodes, given=given)
    assert sane.existing == {"n": ("new",)}


def daemon(*architectures):
    terms = [
        {"matchExpressions": [{"key": ARCH, "operator": "In", "values": [architecture]}]}
        for architecture in architectures
    ]
    affinity = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    spec = {
        "affinity": {"nodeAffinity": affinity},
        "containers": [{"name": "c", "resources": {"requests": {"cpu": "300m"}}}],
    }
    return workload_from_dict(
        {
            "kind": "DaemonSet",
            "metadata": {"name": "agent", "namespace": "kube-system"},
            "spec": {"template": {"spec": spec}},
        },
        validate=False,
    )


def requested_cpu(parity, waiting, *architectures):
    found = plan(parity, [waiting], workloads=(daemon(*architectures),))
    (claim,) = found.claims
    return claim.requests["cpu"] // 10**6


def test_terms_of_a_daemon_are_used_up():
    waiting = pod("p", nodeSelector={ARCH: "arm64"})
    assert requested_cpu("strict", waiting, "arm64", "amd64") == 1000
    assert requested_cpu(["daemon-terms"], waiting, "arm64", "amd64") == 1300


def test_the_least_overhead_forgets_a_first_group_without_daemons():
    assert requested_cpu("strict", pod("p"), "arm64") == 1300
    assert requested_cpu(["daemon-overhead"], pod("p"), "arm64") == 1000


def test_a_pod_whose_volume_is_unknown_loses_its_constraints():
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    claim = persistent_volume_claim_from_dict(
        {
            "metadata": {"name": "data", "namespace": "default"},
            "spec": {"volumeName": "gone"},
            "status": {"phase": "Bound"},
        },
        validate=False,
    )
    labels = {
        "karpenter.sh/nodepool": "default",
        "karpenter.sh/capacity-type": "on-demand",
        "node.kubernetes.io/instance-type": "c-64x-arm64-linux",
    }
    cluster = ClusterObjects(
        nodes=(node("n", cpu="64", **labels),),
        pods=(pod("p", on="n", volumes=[volume]),),
        persistent_volume_claims=(claim,),
    )
    strict, sane = (
        Karpenter([pool()], parity=parity).disrupt(cluster, catalog=kwok()).nodes[0]
        for parity in ("strict", ["volume-lookup"])
    )
    assert strict.command.decision == "replace"
    assert sane.reason.startswith("not all pods would schedule: p")


def equal_types():
    catalog = kwok()
    (like,) = [kind for kind in catalog.instance_types if kind.name == "c-2x-amd64-linux"]
    types = []
    for i in range(30):
        labels = {**like.labels, "node.kubernetes.io/instance-type": (f"t{i:02}",)}
        offerings = [replace(offer, price=0.2 if i % 2 else 0.1) for offer in like.offerings]
        types.append(replace(like, name=f"t{i:02}", labels=labels, offerings=tuple(offerings)))
    return replace(catalog, instance_types=tuple(types))


def test_equal_prices_lose_their_order():
    catalog = equal_types()
    cluster = ClusterObjects(pods=(pod("p"),))
    (strict,), (sane,) = (
        Karpenter([pool()], parity=parity).provision((), cluster, catalog=catalog).claims
        for parity in ("strict", ["unstable-sort"])
    )
    ordered = (*range(0, 30, 2), *range(1, 30, 2))
    assert sane.instance_types == tuple(f"t{i:02}" for i in ordered)
    assert strict.instance_types != sane.instance_types
    assert sorted(strict.instance_types) == sorted(sane.instance_types)


def test_open_claims_of_equally_many_pods_lose_their_order():
    pods = [pod(f"big{i:02}", cpu="1500m") for i in range(30)]
    pods += [pod(f"small{i:02}", cpu="100m") for i in range(45)]
    catalog = equal_types()
    strict, sane = (
        Karpenter([pool()], parity=parity)
        .provision((), ClusterObjects(pods=tuple(pods)), catalog=catalog)
        .claims
        for parity in ("strict", ["unstable-sort"])
    )
    # What has grown last comes first among those that are as large.
    assert [claim.pods[1:] for claim in (sane[0], sane[28], sane[29])] == [
        ("small00",),
        ("small28", "small31"),
        ("small29", "small30"),
    ]
    assert [claim.pods for claim in strict] != [claim.pods for claim in sane]
    assert sorted(len(claim.pods) for claim in strict) == sorted(len(claim.pods) for claim in sane)


def test_sane_repairs_everything():
    assert repaired_quirks("sane") == repaired_quirks(QUIRKS) == set(QUIRKS)
    assert Karpenter(parity="sane").settings().repaired == set(QUIRKS)
    assert not Karpenter().settings().repaired


def test_random_ties_are_drawn_by_their_seed():
    pods = (pod("p", topologySpreadConstraints=spread()),)
    cluster = ClusterObjects(pods=pods)

    def zone(**options):
        (claim,) = Karpenter([pool()], **options).provision((), cluster, catalog=kwok()).claims
        return zones(claim)[0]

    assert zone() == "test-zone-a"
    drawn = [zone(tie_break="random", tie_break_seed=seed) for seed in range(12)]
    assert len(set(drawn)) > 1
    assert drawn == [zone(tie_break="random", tie_break_seed=seed) for seed in range(12)]
    assert sorted("cab", key=TieBreak().key) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parity": "loose"}, "parity: expected strict, sane or names of quirks, found 'loose'"),
        ({"parity": ["typo"]}, "parity: expected some of volume-lookup, .*, found 'typo'"),
        ({"tie_break": "first"}, "tie_break: expected lexicographic or random, found 'first'"),
    ],
)
def test_unknown_words_are_refused(options, message):
    with pytest.raises(InvalidObjectError, match=message):
        Karpenter(**options)
