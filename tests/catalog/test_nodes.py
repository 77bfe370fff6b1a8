"""Nodes of groups and pools, and Cluster Autoscaler's idea of them."""

import pytest

from pyscale.catalog import ec2, kwok, node_of_group, node_of_pool, template_of_group
from pyscale.errors import InvalidObjectError
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.requirements import Requirement
from pyscale.model.taints import Taint

MI = 2**20 * 10**9
GROUP = NodeGroup(
    "web",
    ("m5.large", "m5a.large"),
    ("us-east-1b", "us-east-1a"),
    labels={"team": "web"},
    taints=(Taint("dedicated", "NoSchedule", "web"),),
)


def test_a_node_of_a_group_has_the_machines_true_allocatable():
    node = node_of_group("n1", GROUP, ec2("us-east-1"), "m5a.large", "us-east-1a", creation_ns=7)
    assert node.allocatable == ec2("us-east-1").by_name["m5a.large"].allocatable()
    assert node.labels["node.kubernetes.io/instance-type"] == "m5a.large"
    assert node.labels["topology.kubernetes.io/zone"] == "us-east-1a"
    assert node.labels["kubernetes.io/hostname"] == "n1"
    assert node.labels["team"] == "web"
    assert node.taints == GROUP.taints
    assert node.creation_ns == 7


def test_the_template_is_the_first_type_in_the_first_zone_without_overhead():
    node = template_of_group(GROUP, ec2("us-east-1"))
    assert node.labels == {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "m5.large",
        "beta.kubernetes.io/instance-type": "m5.large",
        "topology.kubernetes.io/region": "us-east-1",
        "failure-domain.beta.kubernetes.io/region": "us-east-1",
        "topology.kubernetes.io/zone": "us-east-1b",
        "failure-domain.beta.kubernetes.io/zone": "us-east-1b",
        "topology.ebs.csi.aws.com/zone": "us-east-1b",
        "kubernetes.io/hostname": "web-asg-template",
        "team": "web",
    }
    assert node.allocatable == node.capacity
    assert node.capacity["pods"] == 110 * 10**9
    assert node.capacity["memory"] == 8192 * MI


def test_resource_tags_correct_the_template():
    group = NodeGroup("g", ("m5.large",), ("us-east-1a",), resource_tags={"pods": 29 * 10**9})
    assert template_of_group(group, ec2("us-east-1")).capacity["pods"] == 29 * 10**9


def test_a_node_of_a_pool_carries_machine_pool_and_requirement_labels():
    kind = kwok().by_name["m-2x-amd64-linux"]
    pool = NodePool("default", labels={"tier": "gold"}, taints=(Taint("a", "NoSchedule"),))
    asked = (Requirement("team", "In", ("red", "blue")), Requirement("x", "Exists"))
    node = node_of_pool("n", pool, kind, kind.offerings[0], asked)
    assert node.labels["karpenter.kwok.sh/instance-memory"] == "16Gi"
    assert node.labels["karpenter.sh/capacity-type"] == "spot"
    assert node.labels["karpenter.sh/nodepool"] == "default"
    assert node.labels["tier"] == "gold"
    assert node.labels["team"] == "blue"
    assert "x" not in node.labels
    assert node.taints == pool.taints
    assert node.allocatable == kind.allocatable()


def test_an_unknown_machine_or_zone_names_the_group():
    group = NodeGroup("g", ("m5.lrge",), ("us-east-1a",))
    with pytest.raises(InvalidObjectError, match=r"node group g: unknown instance type 'm5.lrge'"):
        template_of_group(group, ec2("us-east-1"))
    group = NodeGroup("g", ("m5.large",), ("us-east-9a",))
    with pytest.raises(InvalidObjectError, match=r"node group g: unknown zone 'us-east-9a'"):
        template_of_group(group, ec2("us-east-1"))
    with pytest.raises(InvalidObjectError, match="expected at least one instance type"):
        template_of_group(NodeGroup("g", (), ()), ec2("us-east-1"))
