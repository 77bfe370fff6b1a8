"""``pyscale plan`` takes one decision on a dump."""

import json

import pytest
from command import pyscale, refusal

DUMP = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"web-{i}", "namespace": "default", "uid": f"u{i}"},
            "spec": {
                "containers": [
                    {"name": "c", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}
                ]
            },
            "status": {
                "phase": "Pending",
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
                ],
            },
        }
        for i in range(5)
    ],
}
POOL = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodePool",
    "metadata": {"name": "general"},
    "spec": {
        "template": {
            "spec": {
                "nodeClassRef": {"group": "g", "kind": "K", "name": "n"},
                "requirements": [
                    {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}
                ],
            }
        }
    },
}
GROUPS = [
    {
        "name": "small",
        "instanceTypes": ["c-2x-amd64-linux"],
        "zones": ["test-zone-a"],
        "maxSize": 10,
    },
    {"name": "full", "instanceTypes": ["c-4x-amd64-linux"], "zones": ["test-zone-a"], "maxSize": 0},
]


@pytest.fixture
def files(tmp_path):
    for name, content in (("dump", DUMP), ("pools", POOL), ("groups", GROUPS)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return tmp_path


def test_karpenter_says_which_machines_it_would_buy(files):
    done = pyscale(
        "plan", files / "dump.json", "--catalog", "kwok", "--node-pools", files / "pools.json"
    )
    assert done.returncode == 0, done.stderr
    assert "new node of general" in done.stdout


def test_cluster_autoscaler_says_what_became_of_each_group(files):
    arguments = ("plan", files / "dump.json", "--policy", "ca", "--catalog", "kwok")
    groups = ("--node-groups", files / "groups.json")
    found = json.loads(pyscale(*arguments, *groups, "--format", "json").stdout)
    assert found["growth"] == {"small": 3}
    by_name = {each["group"]: each for each in found["groups"]}
    assert by_name["small"]["chosen"] is True
    assert "best option" in pyscale(*arguments, *groups).stdout


def test_groups_are_needed_for_cluster_autoscaler(files):
    done = pyscale("plan", files / "dump.json", "--policy", "ca", "--catalog", "kwok")
    assert "--node-groups: expected a file" in refusal(done)


def test_a_wrong_dump_is_one_line(tmp_path):
    (tmp_path / "dump.json").write_text('{"kind": "Pod", "spec": {"containers": 5}}')
    assert "$.spec.containers" in refusal(pyscale("plan", tmp_path / "dump.json"))


LABELS = {
    "karpenter.sh/nodepool": "general",
    "karpenter.sh/capacity-type": "on-demand",
    "topology.kubernetes.io/zone": "test-zone-a",
    "node.kubernetes.io/instance-type": "c-2x-amd64-linux",
    "kubernetes.io/arch": "amd64",
}
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "idle", "labels": LABELS, "creationTimestamp": "2026-03-01T08:00:00Z"},
    "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "20"}},
}


@pytest.fixture
def cluster(tmp_path):
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [NODE, POOL]}))
    return path


def test_disruption_is_a_table_with_what_is_saved(cluster):
    done = pyscale("plan", cluster, "--catalog", "kwok", "--disrupt")
    assert done.returncode == 0, done.stderr
    row = "idle  general  c-2x-amd64-linux  0.0543  next     0.0543  emptiness (Empty): delete"
    assert row in done.stdout


def test_disruption_is_plain_data(cluster):
    done = pyscale("plan", cluster, "--catalog", "kwok", "--disrupt", "--format", "json")
    found = json.loads(done.stdout)
    assert found["command"]["nodes"] == ["idle"]
    assert found["nodes"][0]["when"] == "next"


def test_the_moment_can_be_set(cluster):
    arguments = ("plan", cluster, "--catalog", "kwok", "--disrupt", "--format", "json", "--now")
    found = json.loads(pyscale(*arguments, "2026-03-02T00:00:00Z").stdout)
    assert found["now_ns"] == 1772409600 * 10**9
    assert "--now: expected a timestamp" in refusal(pyscale(*arguments, "tomorrow"))


def test_disruption_needs_a_pool_and_karpenter(files, cluster):
    dump = files / "dump.json"
    assert "dump.json: expected a NodePool" in refusal(pyscale("plan", dump, "--disrupt"))
    done = pyscale("plan", cluster, "--policy", "ca", "--disrupt")
    assert refusal(done) == "--disrupt: expected --policy karpenter, found 'ca'"


def test_a_dump_without_a_pool_gets_the_one_of_a_comparison(files):
    done = pyscale("plan", files / "dump.json", "--catalog", "kwok")
    assert done.returncode == 0, done.stderr
    assert "has no NodePool: pool 'default' stands in for one" in done.stderr
    assert "new node of default" in done.stdout
