import gzip
import json
import lzma

import pytest

from pyscale import traces
from pyscale.errors import TraceError
from pyscale.model.pod_table import NEVER
from pyscale.traces.kubernetes import read_kubernetes

SECOND = 10**9


def pod(name, created="2025-01-01T00:00:00Z", owner=None, status=None, annotations=None, node=""):
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": created}
    if owner:
        metadata["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "uid": "u"}
            | {"controller": True}
        ]
    metadata["annotations"] = annotations or {}
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}}
    spec = {"containers": [container], "nodeName": node}
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return value | {"status": status or {"phase": "Running"}}


def node(name):
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"}},
    }


def workload(kind, name, replicas, owner=None):
    metadata = {"name": name, "namespace": "shop"}
    if owner:
        metadata["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "uid": "u"}
            | {"controller": True}
        ]
    labels = {"app": name}
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def dump(*items):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})


def write(tmp_path, text, name="dump.json"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def finished(at, phase="Succeeded"):
    return {
        "phase": phase,
        "containerStatuses": [{"name": "c", "state": {"terminated": {"finishedAt": at}}}],
    }


def test_pods_and_nodes_of_a_dump_become_a_trace(tmp_path):
    scheduled = {
        "phase": "Running",
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "True",
                "lastTransitionTime": "2025-01-01T00:00:12Z",
            }
        ],
    }
    text = dump(
        node("n0"),
        pod("late", "2025-01-01T00:00:10Z", status=scheduled, node="n0"),
        pod("early"),
        pod("done", status=finished("2025-01-01T00:01:00Z")),
        pod("gone", status={"phase": "Failed"}),
        pod("daemon", owner=("DaemonSet", "d"), node="n0"),
        pod("mirror", annotations={"kubernetes.io/config.mirror": "x"}),
    )
    trace = traces.load_trace(write(tmp_path, text))
    pods = trace.pods
    assert pods.names == ("shop/early", "shop/done", "shop/late")
    assert pods.arrival_ns.tolist() == [0, 0, 10 * SECOND]
    assert pods.duration_ns.tolist() == [NEVER, 60 * SECOND, NEVER]
    assert pods.start_ns.tolist() == [-1, -1, 12 * SECOND]
    assert pods.node_name == ("", "", "n0")
    assert [entry.name for entry in trace.nodes] == ["n0"]
    assert trace.summary.rows_read == 6
    assert trace.summary.dropped == {
        "a pod of a DaemonSet or a mirror pod, overhead of its node": 2,
        "a finished pod (Failed) without times": 1,
    }
    assert [entry.name for entry in trace.objects["NodePod"]] == ["daemon", "mirror"]


def test_pods_may_arrive_at_once(tmp_path):
    text = dump(pod("a"), pod("b", "2025-01-02T00:00:00Z"))
    trace = read_kubernetes(write(tmp_path, text), at_once=True)
    assert trace.pods.arrival_ns.tolist() == [0, 0]


def test_an_owner_is_the_topmost_controller(tmp_path):
    text = dump(
        workload("Deployment", "web", 3),
        workload("ReplicaSet", "web-5f", 3, owner=("Deployment", "web")),
        pod("web-5f-a", owner=("ReplicaSet", "web-5f")),
        pod("job-a", owner=("Job", "job")),
        pod("bare"),
    )
    trace = traces.load_trace(write(tmp_path, text))
    owners = [trace.owners[i] if i >= 0 else "" for i in trace.owner_id]
    by_name = dict(zip(trace.pods.names, owners, strict=True))
    assert by_name == {
        "shop/web-5f-a": "shop/web",
        "shop/job-a": "shop/job",
        "shop/bare": "",
        "shop/web-missing": "shop/web",
    }
    assert trace.pods.count.sum() == 5
    assert trace.summary.adjusted == {"pods that a workload wants and the dump does not have": 2}


def test_manifests_without_pods_give_the_pods_they_want(tmp_path):
    text = "\n---\n".join(
        json.dumps(entry) for entry in (workload("Deployment", "a", 2), workload("Job", "b", 1))
    )
    text = text.replace('"apps/v1", "kind": "Job"', '"batch/v1", "kind": "Job"')
    trace = traces.load_trace(write(tmp_path, text, "all.yaml"))
    assert trace.pods.n_pods == 3
    assert trace.nodes is None


@pytest.mark.parametrize(
    ("name", "pack"),
    [("d.json.gz", gzip.compress), ("d.json.xz", lzma.compress), ("d.json", bytes)],
)
def test_dumps_may_be_compressed(tmp_path, name, pack):
    path = write(tmp_path, pack(dump(pod("a")).encode()), name)
    assert traces.load_trace(path).pods.names == ("shop/a",)


def test_json_lines_are_read(tmp_path):
    text = json.dumps(pod("a")) + "\n\n" + json.dumps(pod("b")) + "\n"
    assert traces.load_trace(write(tmp_path, text, "d.jsonl")).pods.n_pods == 2
    with pytest.raises(TraceError, match=r"d.jsonl, row 2: is not JSON"):
        traces.load_trace(write(tmp_path, json.dumps(pod("a")) + "\n{", "d.jsonl"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (dump(), "dump.json: expected pods, found none"),
        (dump(node("n")), "dump.json: expected pods, found none"),
        (dump(pod("a"), pod("a")), "expected each name once, found a second object"),
        ("{", "dump.json: this is not JSON"),
        (
            dump(pod("a")).replace("100m", "-1"),
            "$.spec.containers[0].resources.requests",
        ),
        (dump(pod("a", status=finished("noon"))), "expected a timestamp"),
        ("", "expected a trace, found an empty file"),
    ],
)
def test_a_fault_is_one_line(tmp_path, text, message):
    with pytest.raises(TraceError) as caught:
        traces.load_trace(write(tmp_path, text))
    assert message in str(caught.value)
    assert str(caught.value).count("dump.json") == 1
    assert "\n" not in str(caught.value)
