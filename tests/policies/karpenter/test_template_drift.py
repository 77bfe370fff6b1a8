"""Drift that the objects of a cluster tell: noted hashes, and reasons of the provider."""

import json

import pytest

from pyscale.catalog import kwok
from pyscale.manifests import load_cluster
from pyscale.policies.karpenter.disruption import Disruption
from pyscale.policies.karpenter.plan import objects_of
from pyscale.policies.karpenter.solver import Solver

LABELS = {
    "karpenter.sh/nodepool": "default",
    "karpenter.sh/capacity-type": "on-demand",
    "topology.kubernetes.io/zone": "test-zone-a",
    "node.kubernetes.io/instance-type": "c-2x-amd64-linux",
    "karpenter.sh/registered": "true",
    "karpenter.sh/initialized": "true",
}
CLUSTER = """
apiVersion: karpenter.sh/v1
kind: NodePool
metadata:
  name: default
  annotations: {karpenter.sh/nodepool-hash: "%(pool)s", karpenter.sh/nodepool-hash-version: v3}
spec:
  template:
    spec:
      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
      requirements: []
---
apiVersion: karpenter.k8s.aws/v1
kind: EC2NodeClass
metadata:
  name: default
  annotations:
    karpenter.k8s.aws/ec2nodeclass-hash: "%(node_class)s"
    karpenter.k8s.aws/ec2nodeclass-hash-version: v4
---
apiVersion: karpenter.sh/v1
kind: NodeClaim
metadata:
  name: default-x
  labels: %(labels)s
  annotations:
    karpenter.sh/nodepool-hash: "1"
    karpenter.sh/nodepool-hash-version: %(version)s
    karpenter.k8s.aws/ec2nodeclass-hash: "1"
    karpenter.k8s.aws/ec2nodeclass-hash-version: v4
spec:
  nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}
  requirements: []
status:
  providerID: aws:///x
  nodeName: node-x
  lastPodEventTime: "2026-01-01T00:00:00Z"
  conditions: [{type: Drifted, status: "%(drifted)s", reason: %(reason)s}]
---
apiVersion: v1
kind: Node
metadata:
  name: node-x
  labels: %(labels)s
spec: {providerID: "aws:///x", taints: %(taints)s}
status: {allocatable: {cpu: "2", memory: 4Gi, pods: "20"}}
"""
SAME = {
    "pool": 1,
    "node_class": 1,
    "version": "v3",
    "drifted": "False",
    "reason": "Drifted",
    "taints": "[]",
    "labels": json.dumps(LABELS),
}


def cluster(**changes):
    return load_cluster((CLUSTER % {**SAME, **changes}).encode())


def drifted(**changes):
    return Disruption(Solver(objects_of(cluster(**changes), (), kwok()))).conditions.drifted


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pool": 2}, "NodePoolDrifted"),
        ({"node_class": 2}, "NodeClassDrift"),
        ({"pool": 2, "node_class": 2}, "NodePoolDrifted"),
        ({"drifted": "True", "reason": "AMIDrift"}, "AMIDrift"),
    ],
)
def test_the_first_reason_rules(changes, reason):
    assert [found for found, _ in drifted(**changes).values()] == [reason]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pool": 2, "version": "v2"},
        {"pool": ""},
        {"drifted": "True", "reason": "RequirementsDrifted"},
        {"drifted": "False", "reason": "AMIDrift"},
    ],
)
def test_what_can_not_be_compared_has_not_drifted(changes):
    assert drifted(**changes) == {}


def test_a_claim_tells_when_a_pod_came_last():
    (claim,) = cluster().node_claims
    assert claim.last_pod_event_ns == 1767225600 * 10**9
    (node,) = objects_of(cluster(), (), kwok()).nodes
    assert node.last_pod_event_ns == claim.last_pod_event_ns


def test_a_node_under_disruption_is_on_its_way_out():
    taints = "[{key: karpenter.sh/disrupted, effect: NoSchedule}]"
    (node,) = objects_of(cluster(taints=taints), (), kwok()).nodes
    assert node.marked_for_deletion
    assert not node.deleting
