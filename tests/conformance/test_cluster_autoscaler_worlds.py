"""What no recording here shows of whole loops, in small worlds of the recordings' format."""

from pyscale.conformance.cluster_autoscaler import replay

OWNER = {"controller": True, "kind": "ReplicaSet", "name": "rs", "uid": "ReplicaSet-rs"}


def pod_template(app, cpu):
    requests = {"cpu": cpu, "memory": "100Mi"}
    return {
        "metadata": {"labels": {"app": app}, "ownerReferences": [OWNER]},
        "spec": {"containers": [{"name": "c", "resources": {"requests": requests}}]},
    }


def loops(world=(), **given):
    """Run ten-second loops on machines of two cores; ``world`` has the changes before each."""
    case = {
        "options": {},
        "iterations": len(world),
        "podTemplates": [pod_template("a", "100m"), pod_template("b", "1800m")],
        "nodeTemplates": [
            {
                "metadata": {"labels": {}},
                "status": {"capacity": {"cpu": "2", "memory": "4Gi", "pods": "110"}},
            }
        ],
        "nodes": [],
        "nodeGroups": [],
        "pods": [],
        "controllers": [
            {"kind": "ReplicaSet", "name": "rs", "namespace": "default", "replicas": 4}
        ],
        **given,
    }
    recorded = {"steps": [{"world": changes, "scaleDown": {"util": {}}} for changes in world]}
    outcomes = [{"result": recorded}]
    ours, _ = replay({"family": "loop", "input": case, "outcomes": outcomes})
    return ours["steps"]


def test_a_refused_eviction_is_tried_again_until_its_time_is_over():
    steps = loops(
        [[]] * 14,
        options={"scale-down-unneeded-time": "0s"},
        nodeGroups=[{"name": "ng", "minSize": 1, "maxSize": 3, "nodeTemplate": 0}],
        nodes=[
            {"name": "n0", "nodeGroup": "ng", "nodeTemplate": 0},
            {"name": "n1", "nodeGroup": "ng", "nodeTemplate": 0},
        ],
        pods=[
            {"name": "p0", "template": 0, "nodeName": "n0"},
            {"name": "p1", "template": 0, "nodeName": "n0"},
            {"name": "q0", "template": 1, "nodeName": "n1"},
        ],
        podDisruptionBudgets=[
            {
                "metadata": {"name": "one-at-a-time", "namespace": "default"},
                "spec": {"selector": {"matchLabels": {"app": "a"}}},
                "status": {"disruptionsAllowed": 1},
            }
        ],
    )

    calls = [call for step in steps for call in step.get("calls", ())]
    refused = [at for at, *call in calls if call == ["Evict", "p1", "refused"]]
    assert refused == list(range(15, 126, 10))
    assert [135, "Untaint", "n0", "ToBeDeleted"] in calls


def test_a_node_counts_before_the_listed_instances_know_of_it():
    machine = {"name": "ng", "minSize": 0, "maxSize": 9, "nodeTemplate": 0}
    grows = [["setTarget", "ng", 2], ["register", "ng-n0", True]]
    created = [{"name": name, "template": 1} for name in ("q1", "q2")]

    steps = loops(
        [[], grows, [["create", "q1"], ["create", "q2"]]],
        options={"ok-total-unready-count": 0},
        nodeGroups=[machine],
        nodes=[{"name": "n0", "nodeGroup": "ng", "nodeTemplate": 0}],
        pods=[{"name": "q0", "template": 1, "nodeName": "n0"}],
        events=[{"at": 20, "createPods": created}],
    )

    assert steps[-1]["fitting"] == {"q1": "ng-n0"}
    assert steps[-1]["scaleUp"]["plan"] == [["ng", 2, 3]]


def test_an_iteration_that_ends_early_reports_what_the_last_one_found():
    down = [["setReady", f"n{k}", False] for k in range(1, 4)]

    steps = loops(
        [[], [], down, []],
        options={"max-total-unready-percentage": 10, "ok-total-unready-count": 0},
        nodeGroups=[{"name": "ng", "minSize": 0, "maxSize": 9, "nodeTemplate": 0}],
        nodes=[{"name": f"n{k}", "nodeGroup": "ng", "nodeTemplate": 0} for k in range(4)],
        pods=[{"name": "q", "template": 1}],
    )

    early = [step for step in steps if step["scaleUp"]["result"] == "ScaleUpNotTried"]
    assert len(early) == 2
    assert all(step["scaleDown"]["util"] == steps[1]["scaleDown"]["util"] for step in early)
