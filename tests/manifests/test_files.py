"""Files of Kubernetes objects, whatever their shape, and what is wrong with them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pyscale.errors import InvalidObjectError
from pyscale.manifests import load_cluster, read_objects


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c"}], **spec},
    }


def names(source: str | Path | bytes) -> list[str]:
    return [manifest.content["metadata"]["name"] for manifest in read_objects(source)]


def test_one_object_a_list_and_many_documents_are_read(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps(pod("a")))
    (tmp_path / "list.json").write_text(
        json.dumps({"kind": "List", "apiVersion": "v1", "items": [pod("a"), pod("b")]})
    )
    (tmp_path / "array.json").write_text(json.dumps([pod("a"), pod("b")]))
    (tmp_path / "many.yaml").write_text(
        "---\n---\n" + "\n---\n".join(json.dumps(pod(name)) for name in "abc") + "\n...\n"
    )
    (tmp_path / "many.yml.gz").write_bytes(gzip.compress((tmp_path / "many.yaml").read_bytes()))
    assert names(tmp_path / "one.json") == ["a"]
    assert names(tmp_path / "list.json") == ["a", "b"]
    assert names(tmp_path / "array.json") == ["a", "b"]
    assert names(tmp_path / "many.yaml") == ["a", "b", "c"]
    assert names(str(tmp_path / "many.yml.gz")) == ["a", "b", "c"]


def test_contents_are_judged_by_how_they_look() -> None:
    assert names(json.dumps(pod("a")).encode()) == ["a"]
    assert names(b"{kind: Pod, metadata: {name: a}}") == ["a"]
    assert names(b"\xef\xbb\xbfkind: Pod\nmetadata:\n  name: a\n") == ["a"]


def test_the_items_of_a_typed_list_need_no_kind() -> None:
    items = [{"metadata": {"name": "a"}}]
    data = json.dumps({"kind": "PodList", "apiVersion": "v1", "items": items}).encode()
    (manifest,) = read_objects(data)
    assert (manifest.kind, manifest.api_version) == ("Pod", "v1")
    assert manifest.where == "<bytes>, item 0"


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    text = b"""
kind: Pod
metadata:
  name: a
  creationTimestamp: 2026-01-05T12:00:00Z
  labels: &labels {1: "x", true: "y"}
  annotations: {<<: *labels, 1: "z"}
spec: {time: 1:30, octal: 010, float: 1.5, day: 2026-01-05}
"""
    (manifest,) = read_objects(text)
    metadata, spec = manifest.content["metadata"], manifest.content["spec"]
    assert metadata["creationTimestamp"] == "2026-01-05T12:00:00Z"
    assert metadata["labels"] == {"1": "x", "true": "y"}
    assert metadata["annotations"] == {"1": "z", "true": "y"}
    assert spec == {"time": "1:30", "octal": 8, "float": 1.5, "day": "2026-01-05"}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(['*' + name] * 10)}]\n"
    for name, after in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "<bytes>: expected Kubernetes objects, found an empty file"),
        (b" \n\t", "found an empty file"),
        (b"---\n---\n", "found only empty documents"),
        (b"\xff\xfe", "expected UTF-8, found byte 0"),
        (b"3", "<bytes>, document 1: expected a Kubernetes object, found int"),
        (b"metadata: {name: a}", r"document 1: object a: \$\.kind: expected a kind, found none"),
        (b"kind: [Pod]", r"\$\.kind: expected a kind, found \['Pod'\]"),
        (b"{kind: Pod, apiVersion: 1}", r"Pod: \$\.apiVersion: expected a version such as v1"),
        (b"{kind: List, items: 3}", r"List: \$\.items: expected a list, found int"),
        (b"kind: Pod\n---\nkind: Pod\n---\na: [", r"document 3: .* \(line 6, column 1\)"),
        (b"a: b: c", r"document 1: mapping values are not allowed .* \(line 1, column 5\)"),
        (b"kind: Pod\nkind: Node", r"expected each key once, found 'kind' twice \(line 2"),
        (b"{[a]: b}", "expected a text as key of a mapping"),
        (b"a: !!python/object:os.system x", "could not determine a constructor"),
        (b"a: \x00", "this is not YAML"),
        (b"a: !!int x", "a bad scalar"),
        (b"a: " + b"9" * 5000, "a bad scalar"),
        (BOMB.encode(), "aliases that expand to more than 1000000 values"),
        (b"&a [*a]", "aliases that expand to more than 1000000 values"),
        (b"a: " + b"[" * 20000, "document 1"),
        (b'{"a":' * 20000, "nested too deeply"),
        (gzip.compress(b"kind: Pod")[:-4], "<bytes>: a damaged gzip file"),
        (gzip.compress(b"kind: Pod" * 100)[:20], "a damaged gzip file"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        list(read_objects(data))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidObjectError, match="cannot be read: Is a directory"):
        list(read_objects(tmp_path))
    with pytest.raises(InvalidObjectError, match=r"none\.yaml: cannot be read: No such file"):
        list(read_objects(tmp_path / "none.yaml"))
    with pytest.raises(InvalidObjectError, match="cannot be read"):
        list(read_objects("a\0b"))


def test_json_that_is_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"kind": ')
    with pytest.raises(InvalidObjectError, match=r"x\.json: this is not JSON: .*"):
        list(read_objects(path))
    path.write_text('{"a":' * 20000)
    with pytest.raises(InvalidObjectError, match="nested too deeply"):
        list(read_objects(path))


def labelled(kind: str, version: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}
SELECTOR = {"matchLabels": {"a": "b"}}


def owner(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": True}]


def test_a_cluster_is_loaded_kind_by_kind() -> None:
    objects = [
        labelled("Node", "v1", "n"),
        pod("p"),
        labelled("NodePool", "karpenter.sh/v1", "np"),
        labelled("NodeClaim", "karpenter.sh/v1", "nc"),
        labelled("PodDisruptionBudget", "policy/v1", "pdb"),
        labelled("PersistentVolume", "v1", "pv", csi={"driver": "d"}),
        labelled("PersistentVolumeClaim", "v1", "pvc"),
        {**labelled("StorageClass", "storage.k8s.io/v1", "sc"), "provisioner": "d"},
        labelled("CSINode", "storage.k8s.io/v1", "n"),
        labelled("Namespace", "v1", "ns"),
        labelled("Service", "v1", "svc"),
        labelled("Service", "serving.knative.dev/v1", "svc"),
        labelled("ConfigMap", "v1", "cm"),
        labelled("Deployment", "apps/v1", "d", template=TEMPLATE, selector=SELECTOR, replicas=3),
        labelled("DaemonSet", "apps/v1", "ds", template=TEMPLATE, selector=SELECTOR),
    ]
    cluster = load_cluster(json.dumps(objects).encode())
    assert [node.name for node in cluster.nodes] == ["n"]
    assert [entry.name for entry in cluster.pods] == ["p"]
    assert [pool.name for pool in cluster.node_pools] == ["np"]
    assert [claim.name for claim in cluster.node_claims] == ["nc"]
    assert [budget.name for budget in cluster.pod_disruption_budgets] == ["pdb"]
    assert cluster.persistent_volumes[0].source_kind == "csi"
    assert [claim.name for claim in cluster.persistent_volume_claims] == ["pvc"]
    assert cluster.storage_classes[0].provisioner == "d"
    assert [node.name for node in cluster.csi_nodes] == ["n"]
    assert [namespace.name for namespace in cluster.namespaces] == ["ns"]
    assert [service.name for service in cluster.services] == ["svc"]
    assert [workload.count for workload in cluster.workloads] == [3, None]
    assert [workload.name for workload in cluster.daemon_sets] == ["ds"]
    assert cluster.ignored == {"ConfigMap": 1, "Service": 1}


def test_workloads_miss_the_pods_that_are_not_there() -> None:
    web = labelled("Deployment", "apps/v1", "web", template=TEMPLATE, selector=SELECTOR, replicas=5)
    rs = labelled("ReplicaSet", "apps/v1", "web-1", template=TEMPLATE, selector=SELECTOR)
    rs["metadata"]["ownerReferences"] = owner("Deployment", "web")
    job = labelled("Job", "batch/v1", "job", template=TEMPLATE, parallelism=3, completions=2)
    asleep = labelled("Job", "batch/v1", "asleep", template=TEMPLATE, suspend=True)
    job_template = {"spec": {"template": TEMPLATE}}
    cron = labelled("CronJob", "batch/v1", "cron", schedule="@daily", jobTemplate=job_template)
    pods = [pod("w0"), pod("w1"), pod("w2"), pod("j0"), pod("alone")]
    for entry in pods[:3]:
        entry["metadata"]["ownerReferences"] = owner("ReplicaSet", "web-1")
    pods[1]["status"] = {"phase": "Failed"}
    pods[2]["status"] = {"phase": "Succeeded"}
    pods[3]["metadata"]["ownerReferences"] = owner("Job", "job")
    pods[3]["status"] = {"phase": "Succeeded"}
    cluster = load_cluster(json.dumps([web, rs, job, asleep, cron, *pods]).encode())
    missing = [(workload.name, count) for workload, count in cluster.missing_pods()]
    assert missing == [("web", 4), ("job", 1)]


def test_two_objects_of_one_kind_and_name_are_refused() -> None:
    with pytest.raises(InvalidObjectError, match=r"item 1: Pod a: \$\.metadata\.name: expected"):
        load_cluster(json.dumps([pod("a"), pod("a")]).encode())
    other = pod("a")
    other["metadata"]["namespace"] = "b"
    assert len(load_cluster(json.dumps([pod("a"), other]).encode()).pods) == 2


def test_a_version_of_karpenter_that_is_not_known_is_refused() -> None:
    data = json.dumps(labelled("NodePool", "karpenter.sh/v1beta1", "np")).encode()
    with pytest.raises(InvalidObjectError, match=r"apiVersion: expected karpenter\.sh/v1, found"):
        load_cluster(data)


def test_an_invalid_object_is_refused_unless_asked_not_to() -> None:
    data = json.dumps(pod("A_b")).encode()
    with pytest.raises(InvalidObjectError, match=r"pod default/A_b: \$\.metadata\.name: expected"):
        load_cluster(data)
    assert load_cluster(data, validate=False).pods[0].name == "A_b"
