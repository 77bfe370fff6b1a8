"""Nodes and NodeClaims that an API server would refuse."""

from __future__ import annotations

from pyscale.model.node_claims import NodeClaim
from pyscale.model.nodes import Node

from . import _fields as check
from ._fields import Problems, raise_first
from .groups import claim_template_problems


def validate_node(node: Node, where: str = "") -> None:
    """Refuse a node that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("node", node.name, where, _node_problems(node))


def _node_problems(node: Node) -> Problems:
    yield from check.metadata(node.name, node.labels, node.annotations)
    yield from check.taints("$.spec.taints", node.taints)
    yield from check.resources("$.status.capacity", node.capacity)
    yield from check.resources("$.status.allocatable", node.allocatable)
    for index, image in enumerate(node.images):
        yield from check.within(f"$.status.images[{index}].sizeBytes", image.size_bytes, 0)


def validate_node_claim(claim: NodeClaim, where: str = "") -> None:
    """Refuse a NodeClaim that an API server would refuse.

    Raises
    ------
    InvalidObjectError
        For the first problem.
    """
    raise_first("node claim", claim.name, where, _claim_problems(claim))


def _claim_problems(claim: NodeClaim) -> Problems:
    yield from check.metadata(claim.name, claim.labels, claim.annotations)
    yield from claim_template_problems(
        "$.spec", claim.requirements, claim.taints, claim.startup_taints
    )
    yield from check.resources("$.spec.resources.requests", claim.requests)
    yield from check.resources("$.status.capacity", claim.capacity)
    yield from check.resources("$.status.allocatable", claim.allocatable)
