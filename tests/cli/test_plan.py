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
