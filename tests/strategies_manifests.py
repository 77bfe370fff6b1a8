"""Manifests, valid ones and damaged ones, for Hypothesis."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

SELECTOR = {
    "matchLabels": {"app": "web"},
    "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}],
}
TERM = {"topologyKey": "topology.kubernetes.io/zone", "labelSelector": SELECTOR}
BY_APP = {"matchLabels": {"app": "web"}}
SPEC = {
    "containers": [
        {
            "name": "c",
            "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": 1, "memory": "1Gi"}},
            "ports": [{"containerPort": 80, "hostPort": 8080, "hostIP": "10.0.0.1"}],
        }
    ],
    "initContainers": [{"name": "i", "restartPolicy": "Always"}],
    "nodeSelector": {"disk": "ssd"},
    "affinity": {
        "nodeAffinity": {
            REQUIRED: {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "gen", "operator": "Gt", "values": ["3"]}]}
                ]
            },
            PREFERRED: [{"weight": 5, "preference": {"matchExpressions": []}}],
        },
        "podAffinity": {REQUIRED: [TERM]},
        "podAntiAffinity": {PREFERRED: [{"weight": 7, "podAffinityTerm": TERM}]},
    },
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute"}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": SELECTOR,
        }
    ],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "d"}}],
    "priority": 10,
}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": SPEC}
CREATED = "2026-01-05T12:00:00Z"
METADATA = {"name": "x", "labels": {"a": "b"}, "creationTimestamp": CREATED}


def _object(kind: str, version: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": dict(METADATA), **content}


VALID = [
    _object("Pod", "v1", spec=SPEC, status={"phase": "Running", "startTime": CREATED}),
    _object(
        "Node",
        "v1",
        spec={"taints": [{"key": "k", "effect": "NoSchedule"}], "providerID": "aws://x"},
        status={
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": 110},
            "conditions": [{"type": "Ready", "status": "True"}],
            "images": [{"names": ["nginx"], "sizeBytes": 5}],
        },
    ),
    _object(
        "NodePool",
        "karpenter.sh/v1",
        spec={
            "weight": 10,
            "limits": {"cpu": "100"},
            "disruption": {
                "consolidateAfter": "30s",
                "budgets": [
                    {"nodes": "10%", "schedule": "0 9 * * mon-fri", "duration": "8h",
                     "reasons": ["Empty"]}
                ],
            },
            "template": {
                "spec": {
                    "requirements": [
                        {"key": "karpenter.sh/capacity-type", "operator": "In",
                         "values": ["spot", "on-demand"], "minValues": 1}
                    ],
                    "expireAfter": "Never",
                    "startupTaints": [{"key": "s", "effect": "NoSchedule"}],
                }
            },
        },
        status={"conditions": [{"type": "Ready", "status": "True"}]},
    ),
    _object(
        "NodeClaim",
        "karpenter.sh/v1",
        spec={"requirements": [], "resources": {"requests": {"cpu": "1"}}},
        status={"capacity": {"cpu": "4"}, "nodeName": "n"},
    ),
    _object("EC2NodeClass", "karpenter.k8s.aws/v1", spec={}),
    _object(
        "PodDisruptionBudget",
        "policy/v1",
        spec={"minAvailable": "50%", "selector": SELECTOR},
        status={"disruptionsAllowed": 1, "disruptedPods": {"a": "2026-01-05T12:00:00Z"}},
    ),
    _object(
        "PersistentVolume",
        "v1",
        spec={
            "capacity": {"storage": "1Gi"},
            "csi": {"driver": "d"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "z", "operator": "In", "values": ["a"]}]}]}},
            "claimRef": {"namespace": "default", "name": "c"},
        },
    ),
    _object("PersistentVolumeClaim", "v1", spec={"accessModes": ["ReadWriteOnce"]}),
    _object(
        "StorageClass",
        "storage.k8s.io/v1",
        provisioner="d",
        allowedTopologies=[{"matchLabelExpressions": [{"key": "z", "values": ["a"]}]}],
    ),
    _object(
        "CSINode",
        "storage.k8s.io/v1",
        spec={"drivers": [{"name": "d", "nodeID": "n", "allocatable": {"count": 3}}]},
    ),
    _object("Namespace", "v1"),
    _object("Service", "v1", spec={"selector": {"app": "web"}}),
    _object(
        "Deployment", "apps/v1", spec={"replicas": 3, "selector": BY_APP, "template": TEMPLATE}
    ),
    _object("DaemonSet", "apps/v1", spec={"selector": BY_APP, "template": TEMPLATE}),
    _object("Job", "batch/v1", spec={"parallelism": 2, "completions": 5, "template": TEMPLATE}),
    _object(
        "CronJob",
        "batch/v1",
        spec={"schedule": "@daily", "jobTemplate": {"spec": {"template": TEMPLATE}}},
    ),
    _object("ReplicationController", "v1", spec={"selector": {"app": "web"}, "template": TEMPLATE}),
]  # fmt: skip
"""One valid object of every kind that is read."""

ODD_TEXTS = [
    "", " ", "-1", "1e3", "Gi", "100m", "NaN", "x" * 300, "a/b/c", "0x1", "\ud800", "\0", "Never",
    "Exists", "In", "Gt", "99999999999999999999", "2026-13-01T00:00:00Z", "* * * * 9", "101%",
]  # fmt: skip
odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.floats(),
    st.sampled_from(ODD_TEXTS),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just({"": None}),
    st.just({"key": 3}),
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    entries: list[Any] = []
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    result = [(value, key) for key, _ in entries]
    for _, part in entries:
        result += _places(part)
    return result


@st.composite
def damaged_objects(draw: st.DrawFn) -> dict[str, Any]:
    """A valid object with one to four fields replaced, removed, renamed or doubled."""
    result: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 4))):
        container, key = draw(st.sampled_from(_places(result)))
        action = draw(st.sampled_from(["replace", "replace", "remove", "double"]))
        if action == "remove" and key not in ("kind", "apiVersion"):
            del container[key]
        elif action == "double" and isinstance(container, list):
            container.append(copy.deepcopy(container[key]))
        else:
            container[key] = copy.deepcopy(draw(odd_values))
        if not result:
            break
    return result
