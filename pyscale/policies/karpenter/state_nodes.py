"""State nodes from the Nodes and NodeClaims of a cluster.

Follows Karpenter core ``pkg/controllers/state/statenode.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pyscale.model.node_claims import NodeClaim
from pyscale.model.nodes import NODEPOOL_LABEL, Node, NodeCondition
from pyscale.model.resources import Resources
from pyscale.model.volumes import CSINode

from .eviction import DISRUPTED_TAINT
from .labels import INITIALIZED_LABEL, REGISTERED_LABEL
from .state import StateNode, visible_taints
from .template_drift import NotedHashes


def join_nodes(
    nodes: Iterable[Node],
    claims: Sequence[NodeClaim] = (),
    csi_nodes: Iterable[CSINode] = (),
    hashes: NotedHashes | None = None,
) -> tuple[StateNode, ...]:
    """Join Nodes with their NodeClaims, by provider id or else by the claim's node name.

    Parameters
    ----------
    nodes : iterable of Node
    claims : sequence of NodeClaim
        A claim that has not been launched yet (no provider id) is no state node.  Without any
        claim at all, as in a dump of nodes and pods, a node with the NodePool label counts as
        managed by that pool.
    csi_nodes : iterable of CSINode
        How many volumes can be attached.
    hashes : NotedHashes, optional
        What drift is judged by.

    Notes
    -----
    A node with the taint of a disruption is one that Karpenter is about to delete.
    """
    hashes = hashes or NotedHashes(())
    limits = {
        csi_node.name: {
            driver.name: driver.count for driver in csi_node.drivers if driver.count is not None
        }
        for csi_node in csi_nodes
    }
    by_provider = {claim.provider_id: claim for claim in claims if claim.provider_id}
    by_node = {claim.node_name: claim for claim in claims if claim.node_name}
    joined, seen = [], set()
    for node in nodes:
        claim = by_provider.get(node.provider_id) or by_node.get(node.name)
        if claim is not None:
            seen.add(claim.name)
        joined.append(_joined(node, claim, bool(claims), limits.get(node.name, {}), hashes))
    joined += [_launched(claim) for claim in claims if claim.name not in seen and claim.provider_id]
    return tuple(joined)


def _joined(
    node: Node,
    claim: NodeClaim | None,
    has_claims: bool,
    limits: Mapping[str, int],
    hashes: NotedHashes,
) -> StateNode:
    pool = node.labels.get(NODEPOOL_LABEL, "")
    disrupted = any(taint.key == DISRUPTED_TAINT.key for taint in node.taints)
    if claim is None:
        managed = bool(pool) and not has_claims
        return StateNode(
            name=node.name,
            node_name=node.name,
            labels=node.labels,
            capacity=node.capacity,
            allocatable=node.allocatable or node.capacity,
            taints=node.taints,
            node_labels=node.labels,
            node_taints=node.taints,
            claim_labels=node.labels if managed else {},
            annotations=node.annotations,
            pool=pool if managed else "",
            managed=managed,
            ready=_ready(node.conditions),
            marked_for_deletion=node.deletion_ns is not None or (managed and disrupted),
            deleting=node.deletion_ns is not None,
            stale_hash=managed and hashes.is_stale(pool, node.annotations),
            creation_ns=node.creation_ns,
            csi_limits=limits,
        )
    registered = node.labels.get(REGISTERED_LABEL) == "true"
    initialized = registered and node.labels.get(INITIALIZED_LABEL) == "true"
    taints = node.taints if registered else claim.taints
    capacity, allocatable = node.capacity, node.allocatable
    if not initialized:
        taints = visible_taints(taints, claim.startup_taints)
        capacity = _filled(capacity, claim.capacity)
        allocatable = _filled(allocatable, claim.allocatable)
    terminating = _is_true(claim.conditions, "InstanceTerminating")
    return StateNode(
        name=node.name if registered else claim.name,
        node_name=node.name,
        labels=node.labels if registered else claim.labels,
        capacity=capacity,
        allocatable=allocatable,
        taints=taints,
        node_labels=node.labels,
        node_taints=node.taints,
        claim_labels=claim.labels,
        annotations=node.annotations if registered else claim.annotations,
        pool=claim.node_pool,
        registered=registered,
        initialized=initialized,
        ready=_ready(node.conditions),
        marked_for_deletion=claim.deletion_ns is not None or terminating or disrupted,
        deleting=claim.deletion_ns is not None,
        instance_terminating=terminating,
        stale_hash=hashes.is_stale(claim.node_pool, claim.annotations),
        provider_drift=hashes.provider_drift(claim),
        creation_ns=claim.creation_ns,
        last_pod_event_ns=claim.last_pod_event_ns,
        initialized_ns=_since(claim.conditions, "Initialized"),
        drifted_since_ns=_since(claim.conditions, "Drifted"),
        expire_after_ns=claim.expire_after_ns,
        termination_grace_period_ns=claim.termination_grace_period_ns,
        csi_limits=limits,
    )


def _launched(claim: NodeClaim) -> StateNode:
    terminating = _is_true(claim.conditions, "InstanceTerminating")
    return StateNode(
        name=claim.name,
        node_name=claim.node_name,
        labels=claim.labels,
        capacity=claim.capacity,
        allocatable=claim.allocatable or claim.capacity,
        taints=visible_taints(claim.taints, claim.startup_taints),
        claim_labels=claim.labels,
        annotations=claim.annotations,
        pool=claim.node_pool,
        has_node=False,
        registered=False,
        initialized=False,
        marked_for_deletion=claim.deletion_ns is not None or terminating,
        deleting=claim.deletion_ns is not None,
        instance_terminating=terminating,
        creation_ns=claim.creation_ns,
        expire_after_ns=claim.expire_after_ns,
        termination_grace_period_ns=claim.termination_grace_period_ns,
    )


def _filled(amounts: Resources, expected: Resources) -> Resources:
    """What a node does not report yet, its claim knows."""
    missing = {name: amount for name, amount in expected.items() if not amounts.get(name)}
    return {**amounts, **missing}


def _is_true(conditions: Iterable[NodeCondition], kind: str) -> bool:
    return any(item.type == kind and item.status == "True" for item in conditions)


def _ready(conditions: Sequence[NodeCondition]) -> bool:
    """A node without conditions, as in a written example, counts as ready."""
    return not conditions or _is_true(conditions, "Ready")


def _since(conditions: Iterable[NodeCondition], kind: str) -> int | None:
    return next(
        (
            item.last_transition_ns
            for item in conditions
            if item.type == kind and item.status == "True"
        ),
        None,
    )
