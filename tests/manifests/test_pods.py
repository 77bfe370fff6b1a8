"""Pods and templates from manifests."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pyscale.errors import InvalidObjectError, UnsupportedError
from pyscale.manifests import PodReader, pod_from_dict, pod_template_from_dict
from pyscale.model.pods import ContainerPort, OwnerReference
from pyscale.model.requirements import LabelSelector, NodeSelectorTerm, Requirement
from pyscale.model.taints import Toleration
from pyscale.model.topology import PodAffinityTerm, TopologySpreadConstraint
from pyscale.model.volumes import Volume

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
ZONE = "topology.kubernetes.io/zone"

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web-0",
        "namespace": "shop",
        "uid": "u-1",
        "labels": {"app": "web"},
        "annotations": {"example.com/note": "any text, really"},
        "creationTimestamp": "1970-01-01T00:00:01Z",
        "deletionTimestamp": "1970-01-01T00:00:02Z",
        "managedFields": [{"manager": "kubectl"}],
        "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "r",
             "controller": True, "blockOwnerDeletion": True}
        ],
    },
    "spec": {
        "nodeName": "n1",
        "containers": [
            {
                "name": "c",
                "image": "nginx:1",
                "command": ["x"],
                "resources": {
                    "requests": {"cpu": "100m", "memory": "1Gi", "nvidia.com/gpu": 1},
                    "limits": {"memory": "2Gi", "nvidia.com/gpu": "1"},
                },
                "ports": [{"containerPort": 80, "hostPort": 8080, "hostIP": "10.0.0.1"}],
            }
        ],
        "initContainers": [{"name": "i", "restartPolicy": "Always"}],
        "overhead": {"cpu": "10m"},
        "resources": {"requests": {"cpu": 1}, "limits": {"cpu": 1.5}},
        "nodeSelector": {"disk": "ssd"},
        "affinity": {
            "nodeAffinity": {
                REQUIRED: {"nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "gen", "operator": "Gt", "values": ["3"]}]},
                    {"matchFields": [
                        {"key": "metadata.name", "operator": "In", "values": ["n1"]}]},
                ]},
                PREFERRED: [{"weight": 5, "preference": {
                    "matchExpressions": [{"key": "a", "operator": "Exists"}]}}],
            },
            "podAntiAffinity": {
                REQUIRED: [{"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "web"}},
                            "namespaces": ["a"], "namespaceSelector": {},
                            "matchLabelKeys": ["v"], "mismatchLabelKeys": ["w"]}],
                PREFERRED: [{"weight": 7, "podAffinityTerm": {"topologyKey": ZONE}}],
            },
        },
        "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute",
                         "tolerationSeconds": 30}],
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule",
             "minDomains": 2, "nodeTaintsPolicy": "Honor", "matchLabelKeys": ["v"],
             "labelSelector": {"matchExpressions": [
                 {"key": "app", "operator": "In", "values": ["web"]}]}}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "d"}},
                    {"name": "tmp", "emptyDir": {}}, {"name": "bare"}],
        "priority": 10,
        "priorityClassName": "high",
        "preemptionPolicy": "Never",
        "schedulerName": "s",
        "schedulingGates": [{"name": "example.com/gate"}],
        "hostNetwork": False,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
    },
    "status": {
        "phase": "Running",
        "startTime": "1970-01-01T00:00:03Z",
        "nominatedNodeName": "n2",
        "conditions": [{"type": "Ready", "status": "True",
                        "lastTransitionTime": "1970-01-01T00:00:04Z"}],
    },
}  # fmt: skip


def changed(path: str, value: object) -> dict[str, Any]:
    """The pod with one field replaced; the path is dotted, numbers are list indices."""
    result = copy.deepcopy(POD)
    *parents, last = path.split(".")
    target: Any = result
    for name in parents:
        target = target[int(name)] if name.isdigit() else target[name]
    target[int(last) if last.isdigit() else last] = value
    return result


def test_every_field_of_a_pod_that_a_decision_reads_is_kept() -> None:
    pod = pod_from_dict(POD)
    assert (pod.name, pod.namespace, pod.key, pod.uid) == ("web-0", "shop", "shop/web-0", "u-1")
    assert (pod.creation_ns, pod.deletion_ns, pod.start_ns) == (10**9, 2 * 10**9, 3 * 10**9)
    assert (pod.node_name, pod.nominated_node_name, pod.phase) == ("n1", "n2", "Running")
    assert pod.conditions[0].last_transition_ns == 4 * 10**9
    template, spec = pod.template, pod.template.spec
    assert template.labels == {"app": "web"}
    assert template.controller == OwnerReference("ReplicaSet", "web", "r", "apps/v1", True)
    container = spec.containers[0]
    assert container.requests == {"cpu": 10**8, "memory": 2**30 * 10**9, "nvidia.com/gpu": 10**9}
    assert container.limits["memory"] == 2**31 * 10**9
    assert container.ports == (ContainerPort(80, 8080, "10.0.0.1"),)
    assert spec.init_containers[0].restart_policy == "Always"
    assert (spec.overhead, spec.resources) == ({"cpu": 10**7}, {"cpu": 10**9})
    assert spec.resource_limits == {"cpu": 15 * 10**8}
    assert spec.node_selector == {"disk": "ssd"}
    assert spec.required_node_affinity == (
        NodeSelectorTerm((Requirement("gen", "Gt", ("3",)),)),
        NodeSelectorTerm((), (Requirement("metadata.name", "In", ("n1",)),)),
    )
    assert spec.preferred_node_affinity[0].weight == 5
    term = PodAffinityTerm(
        ZONE, LabelSelector({"app": "web"}), ("a",), LabelSelector(), ("v",), ("w",)
    )
    assert spec.required_pod_anti_affinity == (term,)
    assert spec.preferred_pod_anti_affinity[0].weight == 7
    assert spec.required_pod_affinity == ()
    assert spec.tolerations == (Toleration("k", "Exists", "", "NoExecute", 30),)
    selector = LabelSelector({}, (Requirement("app", "In", ("web",)),))
    assert spec.topology_spread_constraints == (
        TopologySpreadConstraint(
            1,
            ZONE,
            "DoNotSchedule",
            selector,
            2,
            node_taints_policy="Honor",
            match_label_keys=("v",),
        ),
    )
    assert spec.volumes == (
        Volume("data", "persistentVolumeClaim", {"claimName": "d"}),
        Volume("tmp", "emptyDir", {}),
        Volume("bare"),
    )
    assert (spec.priority, spec.priority_class_name, spec.preemption_policy) == (
        10,
        "high",
        "Never",
    )
    assert (spec.scheduler_name, spec.scheduling_gates) == ("s", ("example.com/gate",))
    assert (spec.restart_policy, spec.termination_grace_period_seconds) == ("Always", 30)
    assert spec.manifest is not None
    assert spec.manifest["containers"][0]["command"] == ["x"]


def test_where_a_pod_runs_is_no_part_of_its_template() -> None:
    reader = PodReader()
    first = reader.read(POD)
    second = reader.read(changed("spec.nodeName", "n2"))
    assert (first.node_name, second.node_name) == ("n1", "n2")
    assert first.template is second.template
    assert pod_template_from_dict(POD).spec.node_name == "n1"


def test_an_absent_block_is_not_an_empty_one() -> None:
    bare = {"metadata": {"name": "p"}, "spec": {"containers": [{}]}}
    spec = pod_from_dict(bare).template.spec
    assert spec.required_node_affinity is None
    assert pod_from_dict(bare).namespace == "default"
    empty = pod_from_dict({"spec": {"affinity": {"nodeAffinity": {REQUIRED: {}}}}}, validate=False)
    assert empty.template.spec.required_node_affinity == ()


def test_null_is_absent() -> None:
    nulls = {"metadata": None, "spec": dict.fromkeys(POD["spec"]), "status": None}
    assert (
        pod_from_dict(nulls, validate=False).template == pod_from_dict({}, validate=False).template
    )


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("spec.containers.0.resources.requests.cpu", "1x",
         r"\$\.spec\.containers\[0\]\.resources\.requests\.cpu: expected a quantity"),
        ("spec.containers.0.resources.requests.cpu", [1],
         r"resources\.requests\.cpu: expected a quantity such as 100m or 2Gi, found \[1\]"),
        ("spec.containers.0.resources.limits", 5, r"resources\.limits: expected `object"),
        ("spec.overhead", {"a.b/c": True}, r"\$\.spec\.overhead\['a\.b/c'\]: expected a quantity"),
        ("metadata.labels.app", 3, r"\$\.metadata\.labels\.app: expected `str`, found `int`"),
        ("metadata.name", 3, r"\$\.metadata\.name: expected `str \| null`, found `int`"),
        ("metadata.creationTimestamp", "today", r"creationTimestamp: expected a timestamp such as"),
        ("spec.priority", 2**31, r"\$\.spec\.priority: expected `int` <= 2147483647"),
        ("spec.volumes.0.name", 1, r"\$\.spec\.volumes\[0\]\.name: expected `str`, found 1"),
        ("spec.volumes.1.emptyDir", 1, r"volumes\[1\]\.emptyDir: expected `object`, found 1"),
        ("spec.volumes.1.emptyDir", {"big": 2**70}, r"\$\.spec: expected plain JSON data"),
    ],
)  # fmt: skip
def test_a_field_of_a_wrong_type_is_refused_with_its_path(
    path: str, value: object, message: str
) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        pod_from_dict(changed(path, value), validate=False)


def test_the_error_names_file_and_object() -> None:
    with pytest.raises(InvalidObjectError) as caught:
        pod_from_dict(changed("spec.containers.0.resources.requests.cpu", "-1"), "dump.yaml")
    assert str(caught.value) == (
        "dump.yaml: pod shop/web-0: $.spec.containers[0].resources.requests.cpu: "
        "expected an amount >= 0, found -1"
    )


@pytest.mark.parametrize("obj", [None, [], 3, "pod"])
def test_what_is_no_object_is_refused(obj: Any) -> None:
    with pytest.raises(InvalidObjectError, match=r"pod: \$: expected `object`"):
        pod_from_dict(obj)


def test_recursive_data_is_refused() -> None:
    volume: dict[str, Any] = {"name": "v"}
    volume["emptyDir"] = volume
    with pytest.raises(InvalidObjectError, match=r"pod shop/web-0: nested too deeply"):
        pod_from_dict(changed("spec.volumes.0", volume))


@pytest.mark.parametrize("validate", [True, False])
def test_a_pod_that_claims_devices_is_not_taken_for_one_that_does_not(validate):
    pod = {"metadata": {"name": "gpu"}, "spec": {"resourceClaims": [{"name": "gpu"}]}}
    message = (
        r"dump.json: pod gpu: \$.spec.resourceClaims: "
        "dynamic resource allocation is not supported"
    )
    with pytest.raises(UnsupportedError, match=message):
        pod_from_dict(pod, "dump.json", validate)
