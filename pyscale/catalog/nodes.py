"""Nodes as they come up on a machine of the catalogue, and as Cluster Autoscaler imagines them."""

from __future__ import annotations

from collections.abc import Sequence

from pyscale.errors import InvalidObjectError
from pyscale.model.catalog import Catalog, InstanceType, Offering
from pyscale.model.groups import NodeGroup, NodePool
from pyscale.model.nodes import (
    ARCH_LABEL,
    CAPACITY_TYPE_LABEL,
    HOSTNAME_LABEL,
    INSTANCE_TYPE_LABEL,
    NODEPOOL_LABEL,
    OS_LABEL,
    REGION_LABEL,
    ZONE_LABEL,
    Node,
    NodeCondition,
)
from pyscale.model.requirements import Requirement
from pyscale.model.taints import Taint

from .ec2_capacity import cluster_autoscaler_view

EBS_ZONE_LABEL = "topology.ebs.csi.aws.com/zone"
REGISTERED_LABEL = "karpenter.sh/registered"
INITIALIZED_LABEL = "karpenter.sh/initialized"

_BETA_LABELS = {
    INSTANCE_TYPE_LABEL: "beta.kubernetes.io/instance-type",
    REGION_LABEL: "failure-domain.beta.kubernetes.io/region",
    ZONE_LABEL: "failure-domain.beta.kubernetes.io/zone",
}
_KUBELET_BETA_LABELS = {ARCH_LABEL: "beta.kubernetes.io/arch", OS_LABEL: "beta.kubernetes.io/os"}


def node_of_group(
    name: str,
    group: NodeGroup,
    catalog: Catalog,
    instance_type: str | None = None,
    zone: str | None = None,
    *,
    creation_ns: int | None = None,
) -> Node:
    """Return a running node of an Auto Scaling group.

    Parameters
    ----------
    name : str
        The node's name, also its host name.
    group : NodeGroup
        Gives labels and taints.
    catalog : Catalog
        Gives the machine.
    instance_type, zone : str, optional
        Which of the group's; the first by default.
    creation_ns : int, optional
        Creation time.

    Returns
    -------
    Node
        Ready, with the machine's true allocatable.

    Raises
    ------
    InvalidObjectError
        If the instance type or the zone is unknown to the catalogue.
    """
    kind, zone = _machine(group, catalog, instance_type, zone)
    labels = _group_labels(name, group, kind, zone, catalog)
    labels.update({beta: labels[key] for key, beta in _KUBELET_BETA_LABELS.items()})
    offering = catalog.offering(kind.name, zone, group.capacity_type)
    return _node(name, kind, zone, labels, group.taints, offering, creation_ns)


def template_of_group(group: NodeGroup, catalog: Catalog) -> Node:
    """Return the node that Cluster Autoscaler expects from a group that has none yet.

    The first instance type in the first zone, whatever else the group can launch; 110 pods, the
    advertised memory and no overhead, unless ``group.resource_tags`` say otherwise.

    Raises
    ------
    InvalidObjectError
        If the instance type or the zone is unknown to the catalogue.

    Notes
    -----
    Follows Cluster Autoscaler ``cloudprovider/aws/aws_manager.go:buildNodeFromTemplate``; the
    name is not random, so that the same group gives the same template.
    """
    kind, zone = _machine(group, catalog, None, None)
    view = cluster_autoscaler_view(kind, group.resource_tags)
    name = f"{group.name}-asg-template"
    return _node(name, view, zone, _group_labels(name, group, kind, zone, catalog), group.taints)


def node_of_pool(
    name: str,
    pool: NodePool,
    instance_type: InstanceType,
    offering: Offering,
    requirements: Sequence[Requirement] = (),
    *,
    creation_ns: int | None = None,
) -> Node:
    """Return a registered and initialized node of a NodePool.

    Parameters
    ----------
    name : str
        The node's name, also its host name.
    pool : NodePool
        Gives labels and taints; startup taints are gone.
    instance_type : InstanceType
        The machine; a label with one possible value becomes the node's.
    offering : Offering
        Where and how it was bought.
    requirements : sequence of Requirement
        What the NodeClaim asked for; an In requirement on a label that the machine does not
        define gives the node its first value in byte order.
    creation_ns : int, optional
        Creation time.

    Notes
    -----
    Later sources win: requirements, machine, pool template, offering.  Follows Karpenter core
    ``pkg/controllers/nodeclaim/lifecycle/launch.go:PopulateNodeClaimDetails``.
    """
    chosen = {r.key: min(r.values) for r in requirements if r.operator == "In" and r.values}
    machine = {key: values[0] for key, values in instance_type.labels.items() if len(values) == 1}
    labels = {
        **{key: value for key, value in chosen.items() if key not in instance_type.labels},
        **machine,
        **pool.labels,
        ARCH_LABEL: instance_type.architecture,
        OS_LABEL: chosen.get(OS_LABEL, instance_type.os[0]),
        INSTANCE_TYPE_LABEL: instance_type.name,
        ZONE_LABEL: offering.zone,
        CAPACITY_TYPE_LABEL: offering.capacity_type,
        NODEPOOL_LABEL: pool.name,
        REGISTERED_LABEL: "true",
        INITIALIZED_LABEL: "true",
        HOSTNAME_LABEL: name,
    }
    return _node(name, instance_type, offering.zone, labels, pool.taints, offering, creation_ns)


def _machine(
    group: NodeGroup, catalog: Catalog, instance_type: str | None, zone: str | None
) -> tuple[InstanceType, str]:
    where = f"node group {group.name}"
    if not group.instance_types or not group.zones:
        raise InvalidObjectError(where, "expected at least one instance type and one zone")
    kind = catalog.instance_type(instance_type or group.instance_types[0], where)
    zone = zone or group.zones[0]
    catalog.check_zone(zone, where)
    return kind, zone


def _group_labels(
    name: str, group: NodeGroup, kind: InstanceType, zone: str, catalog: Catalog
) -> dict[str, str]:
    labels = {
        ARCH_LABEL: kind.architecture,
        OS_LABEL: "linux",
        INSTANCE_TYPE_LABEL: kind.name,
        REGION_LABEL: catalog.region or zone[:-1],
        ZONE_LABEL: zone,
        EBS_ZONE_LABEL: zone,
        HOSTNAME_LABEL: name,
        **group.labels,
    }
    return labels | {beta: labels[key] for key, beta in _BETA_LABELS.items()}


def _node(
    name: str,
    kind: InstanceType,
    zone: str,
    labels: dict[str, str],
    taints: tuple[Taint, ...],
    offering: Offering | None = None,
    creation_ns: int | None = None,
) -> Node:
    capacity = dict(kind.capacity)
    if offering is not None:
        capacity.update(offering.capacity_override or {})
    return Node(
        name=name,
        labels=labels,
        taints=taints,
        capacity=capacity,
        allocatable=kind.allocatable(offering),
        provider_id=f"aws:///{zone}/{name}",
        creation_ns=creation_ns,
        conditions=(NodeCondition("Ready", "True", last_transition_ns=creation_ns),),
    )
