"""An explanation says what the scheduler decides, and why."""

from strategies_scheduler import node, pod

from pyscale.policies.kube_scheduler.explain import explain, scheduler_of


def cluster():
    taint = [{"key": "dedicated", "value": "a", "effect": "NoSchedule"}]
    nodes = [node("n0", "a"), node("n1", "b", "1"), node("n2", "b", taints=taint)]
    return scheduler_of(nodes, [pod("b0", "500m", "n0")])


def test_every_node_has_its_verdict_and_scores():
    scheduler = cluster()
    explanation = explain(scheduler, pod("p", "800m"))
    assert explanation.node in ("n0", "n1")
    by_node = {entry.node: entry for entry in explanation.nodes}
    assert by_node["n2"].verdict.plugin == "TaintToleration"
    assert by_node["n0"].scores["NodeResourcesFit"].raw == (67 + 95) // 2
    for entry in (by_node["n0"], by_node["n1"]):
        assert entry.total == sum(score.weighted for score in entry.scores.values())
    assert "InterPodAffinity" in explanation.skipped


def test_the_text_is_a_table_with_one_line_per_node():
    text = str(explain(cluster(), pod("p", "800m")))
    lines = text.splitlines()
    assert lines[0].startswith("pod default/p: n")
    assert lines[1].split()[:2] == ["node", "total"]
    assert [line.split()[0] for line in lines[2:5]] == ["n0", "n1", "n2"]
    assert "TaintToleration: node(s) had untolerated taint(s)" in text


def test_an_unschedulable_pod_has_the_message_of_the_event():
    explanation = explain(cluster(), pod("p", "6"))
    assert explanation.node is None
    assert explanation.message == (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu."
    )
    assert "also NodeResourcesFit" in str(explanation)


def test_explaining_a_bound_pod_changes_nothing():
    scheduler = cluster()
    before = scheduler.snapshot.state.usage(0)
    explanation = explain(scheduler, pod("b0", "500m", "n0"))
    assert explanation.bound_to == "n0"
    assert scheduler.snapshot.state.usage(0) == before
    assert scheduler.node_of["default/b0"] == "n0"
