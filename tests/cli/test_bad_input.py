"""Wrong input is one line that names file, object and field, exit code 2, and no output."""

from __future__ import annotations

import copy
import gzip
import json

import pytest

from pyscale.cli import USAGE_ERROR, main

POOL = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodePool",
    "metadata": {"name": "general"},
    "spec": {
        "disruption": {"consolidateAfter": "0s"},
        "template": {
            "spec": {
                "nodeClassRef": {"group": "g", "kind": "K", "name": "n"},
                "requirements": [
                    {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}
                ],
            }
        },
    },
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]},
    "status": {"phase": "Pending"},
}
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n"},
    "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}},
}
GROUP = {
    "name": "a",
    "instanceTypes": ["c-2x-amd64-linux"],
    "zones": ["test-zone-a"],
    "minSize": 0,
    "maxSize": 5,
}
HEADER = "arrival_s,duration_s,cpu,memory\n"
CATALOG = "name,cpu,memory,zone,price,available\n"


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Run a command in a folder of its own and return the one line that it refuses with."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        assert stopped.value.code == USAGE_ERROR, printed
        assert printed.out == ""
        assert printed.err.startswith("pyscale: ")
        assert printed.err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
        return printed.err.removeprefix("pyscale: ").rstrip()

    def write(name, content):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return name

    run.write = write
    return run


def listed(*items):
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def changed(thing, path, value):
    """Return a copy with a value put at a path; a list there is lengthened by it."""
    thing = copy.deepcopy(thing)
    *parents, last = path.split(".")
    place = thing
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    if isinstance(place.get(last), list) and not isinstance(value, list):
        place[last].append(value)
    else:
        place[last] = value
    return thing


REQUIREMENTS = "spec.template.spec.requirements"
BUDGETS = "spec.disruption.budgets"


def requirement(operator, *values, key="kubernetes.io/arch"):
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            REQUIREMENTS,
            requirement("In", "arm64"),
            "$.spec.template.spec.requirements: no node can have kubernetes.io/arch In [amd64] and",
        ),
        (
            REQUIREMENTS,
            requirement("Near", "x", key="a"),
            "$.spec.template.spec.requirements[1].operator: expected one of In, NotIn,",
        ),
        (
            BUDGETS,
            [{"nodes": "1", "schedule": "61 * * * *", "duration": "1h"}],
            "$.spec.disruption.budgets[0].schedule: expected a minute from 0 to 59, found '61'",
        ),
        (
            BUDGETS,
            [{"nodes": "101%"}],
            "$.spec.disruption.budgets[0].nodes: expected a count or a percentage up to 100%",
        ),
        ("spec.limits", {"cpu": "many"}, "$.spec.limits.cpu: expected a quantity such as 100m"),
    ],
)
@pytest.mark.parametrize("option", ["--node-pools", ""])
def test_a_wrong_node_pool(refused, path, value, message, option):
    wrong = changed(POOL, path, value)
    pods = refused.write("pods.json", listed(POD))
    pools = refused.write("pools.json", listed(wrong))
    dump = refused.write("dump.json", listed(wrong, POD))
    more = (pods, "--node-pools", pools) if option else (dump,)
    line = refused("plan", *more, "--catalog", "kwok")
    file = pools if option else dump
    assert line.startswith(f"{file}, item 0: node pool general: {message}")


def test_two_pools_of_one_name(refused):
    dump = refused.write("dump.json", listed(POOL, POOL, POD))
    line = refused("plan", dump, "--catalog", "kwok")
    place = "dump.json, item 1: NodePool general: $.metadata.name: "
    assert line == place + "expected each name once, found a second object"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("big,8,32Gi,,0.4,\n", "row 2, zone: big has no offering: the field is missing"),
        ("big,8,32Gi,a,,\n", "row 2, price: the on-demand offering of big in a has none; one that"),
        ("big,8,32Gi,a,x,\n", "row 2, price: expected US dollars per hour >= 0, found 'x'"),
        ("big,,32Gi,a,1,\n", "row 2, cpu: the field is missing"),
        ("big,8,,a,1,\n", "row 2, memory: the field is missing"),
    ],
)
def test_a_wrong_catalogue(refused, rows, message):
    pods = refused.write("pods.json", listed(POD))
    catalog = refused.write("types.csv", CATALOG + rows)
    line = refused("plan", pods, "--catalog", catalog)
    assert line.startswith(f"types.csv, {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress((HEADER + "0,60,1,1Gi\n" * 2000).encode())[:90], "the gzip data ends early"),
        ("a,b\n1,2\n", "the format is not known; name it by format= or --trace-format, one of"),
        (HEADER + "0,60,-1,1Gi\n", "row 2, cpu: expected a quantity >= 0, found '-1'"),
        (HEADER + "0,60,x,1Gi\n", "row 2, cpu: expected a quantity such as"),
        (HEADER + "0,60,1e30,1Gi\n", "row 2, cpu: expected a quantity of at most 64 bits"),
        (HEADER + "0,60,nan,1Gi\n", "row 2, cpu: expected a quantity such as"),
        (HEADER + "nan,60,1,1Gi\n", "row 2, arrival_s: expected a finite number, found nan"),
        (HEADER + "0,-60,1,1Gi\n", "row 2, duration_s: expected a number >= 0"),
        ("arrival_s,departure_s,cpu\n9,5,1\n", "row 2, departure_s: time goes backwards"),
        ("name,arrival_s,cpu\na,0,1\na,1,1\n", "row 3, name: the name 'a' occurs twice"),
        (HEADER, "expected pods, found none"),
        ("", "expected a trace, found an empty file"),
        (HEADER + "0,60\n", "row 2: expected 4 fields, found 2"),
    ],
)
def test_a_wrong_trace(refused, content, message):
    trace = refused.write("t.csv", content)
    line = refused("simulate", trace, "--policy", "karpenter", "--catalog", "kwok")
    assert line.startswith("t.csv")
    assert message in line


def test_a_directory_a_missing_file_and_an_output_that_can_not_be_made(refused):
    trace = refused.write("t.csv", HEADER + "0,60,1,1Gi\n")
    run = ("--policy", "karpenter", "--catalog", "kwok")
    assert refused("simulate", "/", *run) == "/: expected a file, found a directory"
    assert refused("simulate", "no.csv", *run) == "no.csv: no such file"
    assert refused("simulate", trace, *run, "-o", trace).startswith("t.csv: cannot be made")


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([GROUP | {"minSize": 9}], "a: maxSize: 5 is less than minSize 9"),
        ([GROUP, GROUP], "a: name: another group has the same name"),
        ([GROUP | {"zones": ["mars"]}], "a: zones: unknown zone 'mars'"),
        ([GROUP | {"instanceTypes": ["z"]}], "a: instanceTypes: unknown instance type 'z'"),
        (
            [GROUP | {"options": {"scaleDownUnneededTime": "ten"}}],
            "a: options.scaleDownUnneededTime: expected a duration such as 1h30m, found 'ten'",
        ),
    ],
)
def test_a_wrong_node_group(refused, groups, message):
    pods = refused.write("pods.json", listed(POD))
    file = refused.write("groups.json", groups)
    line = refused("plan", pods, "--policy", "ca", "--catalog", "kwok", "--node-groups", file)
    assert line == f"groups.json: {message}"


def test_a_node_of_no_group_and_an_unknown_expander(refused):
    dump = refused.write("dump.json", listed(NODE, POD))
    file = refused.write("groups.json", [GROUP])
    line = refused("plan", dump, "--policy", "ca", "--catalog", "kwok", "--node-groups", file)
    assert line.startswith("dump.json: node n: $.metadata.labels: expected those of a node group")
    trace = refused.write("t.csv", HEADER + "0,60,1,1Gi\n")
    line = refused("study", "node-groups", trace, "--catalog", "kwok", "--expander", "best")
    assert line.startswith("option expander: expected one of random, most-pods,")


def constraint(**more):
    given = {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}
    return given | {"labelSelector": {"matchLabels": {"a": "b"}}} | more


def affinity(operator, value):
    expression = {"key": "a", "operator": operator, "values": [value]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


EXPRESSION = "nodeSelectorTerms[0].matchExpressions[0]"
SPREAD = "spec.topologySpreadConstraints"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("spec.affinity", affinity("Near", "1"), f"{EXPRESSION}.operator: expected one of In"),
        ("spec.affinity", affinity("Gt", "x"), f"{EXPRESSION}.values[0]: expected an integer"),
        (SPREAD, [constraint(maxSkew=0)], "[0].maxSkew: expected a number >= 1, found 0"),
        (SPREAD, [constraint()] * 2, "[1]: expected each topologyKey and action once"),
        ("spec.containers.0.resources.requests.cpu", "-1", "cpu: expected an amount >= 0"),
    ],
)
def test_a_wrong_pod(refused, path, value, message):
    dump = refused.write("dump.json", listed(NODE, changed(POD, path, value)))
    line = refused("explain", dump, "--pod", "web")
    assert line.startswith("dump.json, item 1: pod default/web: $.spec.")
    assert message in line


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "Nope"}, "name: unknown plugin 'Nope'"),
        ({"name": "ImageLocality", "weight": -1}, "weight: expected 0 to 1000000, found -1"),
    ],
)
def test_a_wrong_profile(refused, entry, message):
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"plugins": {"score": {"enabled": [entry]}}}],
    }
    dump = refused.write("dump.json", listed(NODE, POD))
    file = refused.write("config.json", config)
    line = refused("explain", dump, "--pod", "web", "--config", file)
    assert line == f"config.json: $.profiles[0].plugins.score.enabled[0].{message}"


HPA = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 1,
        "maxReplicas": 10,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 50},
                },
            }
        ],
    },
}
TARGET = "spec.metrics.0.resource.target"


def up(period):
    policies = [{"type": "Pods", "value": 4, "periodSeconds": period}]
    return {"scaleUp": {"policies": policies}}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("spec.minReplicas", 20, "$.spec.maxReplicas: expected >= 20, found 10"),
        (f"{TARGET}.averageUtilization", 0, "$.spec.metrics[0]: expected a target above 0"),
        (
            f"{TARGET}.type",
            "Share",
            "$.spec.metrics[0].resource.target.type: expected Utilization, Value, AverageValue",
        ),
        ("spec.metrics.0.type", "Moon", "$.spec.metrics[0].type: expected Resource,"),
        (
            "spec.behavior",
            up(0),
            "$.spec.behavior.scaleUp.policies[0].periodSeconds: expected 1 to 1800, found 0",
        ),
        (
            "spec.behavior",
            up(1801),
            "$.spec.behavior.scaleUp.policies[0].periodSeconds: expected 1 to 1800, found 1801",
        ),
        (
            "spec.behavior",
            {"scaleDown": {"stabilizationWindowSeconds": -1}},
            "$.spec.behavior.scaleDown.stabilizationWindowSeconds: expected 0 to 3600, found -1",
        ),
    ],
)
def test_a_wrong_pod_autoscaler(refused, path, value, message):
    file = refused.write("hpa.json", changed(HPA, path, value))
    trace = refused.write("t.csv", HEADER + "0,60,1,1Gi\n")
    run = ("--policy", "karpenter", "--catalog", "kwok")
    line = refused("simulate", trace, *run, "--pod-autoscaler", file)
    assert line.startswith("hpa.json")
    assert f": HorizontalPodAutoscaler default/web: {message}" in line


def test_a_wrong_scaled_object(refused):
    scaled = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"name": "web"},
            "cooldownPeriod": -1,
            "triggers": [{"type": "cpu", "metadata": {"value": "50"}, "metricType": "Utilization"}],
        },
    }
    file = refused.write("keda.json", scaled)
    trace = refused.write("t.csv", HEADER + "0,60,1,1Gi\n")
    run = ("--policy", "karpenter", "--catalog", "kwok")
    line = refused("simulate", trace, *run, "--pod-autoscaler", file)
    assert "ScaledObject default/web: $.spec.cooldownPeriod: expected at least 0, found -1" in line
