"""Which nodes may be disrupted, and what that costs.

Follows Karpenter core ``pkg/controllers/disruption/types.go:NewCandidate`` and
``pkg/controllers/state/statenode.go:ValidateNodeDisruptable``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pyscale.model.catalog import SPOT
from pyscale.model.groups import NodePool
from pyscale.model.nodes import CAPACITY_TYPE_LABEL, INSTANCE_TYPE_LABEL, ZONE_LABEL

from .conditions import Conditions
from .costs import NODE_COST, NodeCosts, lifetime_remaining, node_price
from .eviction import DO_NOT_DISRUPT
from .instance_types import CompiledType
from .state import StateNode

EMPTINESS, DRIFT, MULTI_NODE, SINGLE_NODE = "Emptiness", "Drift", "MultiNode", "SingleNode"
METHODS = (EMPTINESS, DRIFT, MULTI_NODE, SINGLE_NODE)
REASONS = {
    EMPTINESS: "Empty",
    DRIFT: "Drifted",
    MULTI_NODE: "Underutilized",
    SINGLE_NODE: "Underutilized",
}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A node that may be disrupted.

    ``price`` is what its offering costs (dollars per hour, 0 if unknown); ``eviction_cost`` is
    that of all its pods; ``savings_ratio`` is dollars per hour saved
    for each unit of disruption.
    """

    node: StateNode
    pool: NodePool
    instance_type: CompiledType | None
    price: float
    reschedule_cost: float
    eviction_cost: float
    has_pods_to_move: bool
    savings_ratio: float

    @cached_property
    def name(self) -> str:
        """The state node's name."""
        return self.node.name

    def disruption_cost(self, now_ns: int) -> float:
        """Return upstream's legacy figure, which no method reads any more."""
        return self.eviction_cost * lifetime_remaining(self.node, now_ns)

    @property
    def is_empty(self) -> bool:
        """Whether nothing on it costs anything to evict (upstream's quirk: running pods may)."""
        return self.reschedule_cost <= NODE_COST

    @cached_property
    def is_spot(self) -> bool:
        """Whether it is spot capacity."""
        return self.node.labels.get(CAPACITY_TYPE_LABEL) == SPOT


def make_candidate(
    node: StateNode, pool: NodePool, compiled: CompiledType | None, costs: NodeCosts
) -> Candidate:
    """Return the candidate that a node is, from what its pods cost."""
    price = node_price(node, compiled)
    return Candidate(
        node,
        pool,
        compiled,
        price,
        costs.reschedule,
        costs.eviction,
        costs.has_pods_to_move,
        price / costs.reschedule,
    )


def ineligible_reason(node: StateNode, pools: Mapping[str, NodePool]) -> str:
    """Return why the node itself is no candidate of any method, empty if it may be one.

    Its pods may still keep it.
    """
    if not node.managed:
        return "node is not managed by Karpenter"
    if not node.has_node:
        return "nodeclaim does not have an associated node"
    if not node.initialized:
        return "node isn't initialized"
    if node.marked_for_deletion:
        return "node is deleting or marked for deletion"
    if node.nominated:
        return "node is nominated for a pending pod"
    if node.annotations.get(DO_NOT_DISRUPT) == "true":
        return f"disruption is blocked through the {DO_NOT_DISRUPT} annotation"
    if node.pool not in pools:
        return f"NodePool {node.pool} not found"
    return ""


def undisrupted_reason(candidate: Candidate, method: str, conditions: Conditions) -> str:
    """Return why this method leaves the candidate alone, empty if it does not."""
    if candidate.pool.replicas is not None:
        return f"NodePool {candidate.pool.name} is static"
    if method == DRIFT:
        return "" if candidate.name in conditions.drifted else "node has not drifted"
    if candidate.pool.disruption.consolidate_after_ns is None:
        return f"NodePool {candidate.pool.name} has consolidation disabled"
    if candidate.name not in conditions.consolidatable:
        return "node is not consolidatable yet (consolidateAfter)"
    if method == EMPTINESS:
        return "" if candidate.is_empty else "node is not empty"
    if candidate.is_empty:
        return "node is empty"
    labels = candidate.node.labels
    if candidate.instance_type is None:
        return f"instance type {labels.get(INSTANCE_TYPE_LABEL, '')!r} not found"
    for label in (CAPACITY_TYPE_LABEL, ZONE_LABEL):
        if label not in labels:
            return f"node does not have label {label}"
    if candidate.pool.disruption.consolidation_policy == "WhenEmpty":
        return f"NodePool {candidate.pool.name} has non-empty consolidation disabled"
    return ""
