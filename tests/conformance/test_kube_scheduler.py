"""Recorded decisions of kube-scheduler 1.36.2 are ours."""

from pathlib import Path

import pytest

from pyscale.conformance import judge
from pyscale.conformance.kube_scheduler import replay

RECORDINGS = Path(__file__).parents[1] / "golden" / "kube-scheduler"
FAMILIES = sorted(path.name.removesuffix(".jsonl.gz") for path in RECORDINGS.glob("*.jsonl.gz"))


@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_decisions_are_ours(family):
    verdicts = list(judge([RECORDINGS / f"{family}.jsonl.gz"]))
    assert verdicts
    for verdict in verdicts:
        assert verdict.outcome == "equal", f"{verdict.id}: {verdict.detail}"


def preempt_among(n_nodes, **recorded):
    """Replay one preemption on nodes alike, each full of one less important pod."""
    full = {"containers": [{"name": "c", "resources": {"requests": {"cpu": "2"}}}]}
    row = ["p", None, f"0/{n_nodes} nodes are available: {n_nodes} Insufficient cpu.", recorded]
    case = {
        "kind": "sequence",
        "preemption": "deferred",
        "nodeTemplates": [{"status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "9"}}}],
        "nodes": [{"name": f"n{i}", "template": 0} for i in range(n_nodes)],
        "podTemplates": [{"spec": full}],
        "boundPods": [
            {
                "name": f"b{i}",
                "template": 0,
                "nodeName": f"n{i}",
                "startTime": "2025-01-01T00:00:00Z",
            }
            for i in range(n_nodes)
        ],
        "pods": [{"name": "p", "template": 0, "priority": 10}],
    }
    ours, _ = replay({"input": case, "outcomes": [{"decisions": [row]}]})
    details = ours["decisions"][0][3]
    return details["nominated"], details["tied"]


def test_chance_among_many_nodes_may_leave_out_some_that_are_as_good():
    victims = {"victims": ["default/b7"], "pdbViolations": 0}

    assert preempt_among(120, nominated=7, tied=100, **victims) == (7, 100)
    assert preempt_among(120, nominated=7, tied=99, **victims) == (0, 120)
    assert preempt_among(100, nominated=7, tied=100, **victims) == (0, 100)


def node_affinity_scores(preferred):
    """Score two nodes for a pod with these preferred terms."""
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    container = {"name": "c", "resources": {"requests": {"cpu": "1"}}}
    case = {
        "kind": "score",
        "nodeTemplates": [{"status": {"allocatable": {"cpu": "4", "memory": "4Gi", "pods": "9"}}}],
        "nodes": [
            {"name": "n0", "template": 0, "labels": {"disk": "ssd"}},
            {"name": "n1", "template": 0},
        ],
        "podTemplates": [{"spec": {"containers": [container], "affinity": affinity}}],
        "pods": [{"name": "p", "template": 0}],
    }
    ours, _ = replay({"input": case, "outcomes": [{"pods": []}]})
    return ours["pods"][0]["plugins"]["NodeAffinity"]


def test_preferred_terms_that_count_for_nothing_are_scored_all_the_same():
    ssd = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}

    assert node_affinity_scores([{"weight": 5, "preference": ssd}])["raw"] == [5, 0]
    assert node_affinity_scores([{"weight": 0, "preference": ssd}])["raw"] == [0, 0]
    assert node_affinity_scores([{"weight": 5, "preference": {}}])["norm"] == [0, 0]
    assert node_affinity_scores([]) == "skip"
