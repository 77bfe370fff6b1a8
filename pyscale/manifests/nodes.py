"""Nodes from manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyscale.model.nodes import ContainerImage, Node
from pyscale.model.validation import validate_node

from . import _wire as wire
from ._convert import node_conditions, node_taints, read, resources, time_ns


def node_from_dict(obj: Mapping[str, Any], where: str = "", validate: bool = True) -> Node:
    """Read a ``v1`` Node.

    Parameters
    ----------
    obj, where, validate
        As in :func:`pyscale.manifests.pod_from_dict`.

    Returns
    -------
    Node
        Allocatable is the capacity where the node has none, which is the API's default.

    Raises
    ------
    InvalidObjectError
        With object and field path.
    """
    return read("node", obj, wire.Node, _build, where, validate and validate_node)


def _build(given: wire.Node) -> Node:
    metadata = given.metadata or wire.ObjectMeta()
    spec = given.spec or wire.NodeSpec()
    status = given.status or wire.NodeStatus()
    capacity = resources(status.capacity, "$.status.capacity")
    return Node(
        name=metadata.name or "",
        labels=metadata.labels or {},
        annotations=metadata.annotations or {},
        taints=node_taints(spec.taints),
        unschedulable=bool(spec.unschedulable),
        capacity=capacity,
        allocatable=(
            capacity
            if status.allocatable is None
            else resources(status.allocatable, "$.status.allocatable")
        ),
        images=tuple(
            ContainerImage(tuple(image.names or ()), image.size_bytes or 0)
            for image in status.images or ()
        ),
        provider_id=spec.provider_id or "",
        creation_ns=time_ns(metadata.creation_timestamp, "$.metadata.creationTimestamp"),
        deletion_ns=time_ns(metadata.deletion_timestamp, "$.metadata.deletionTimestamp"),
        conditions=node_conditions(status.conditions),
    )
