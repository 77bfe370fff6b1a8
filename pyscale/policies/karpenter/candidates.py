"""Which nodes may be disrupted, and what that costs.

Follows Karpenter core ``pkg/controllers/disruption/types.go:NewCandidate`` and
``pkg/controllers/state/statenode.go:ValidateNodeDisruptable``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pyscale.model.groups import NodePool
from pyscale.model.nodes import INSTANCE_TYPE_LABEL

from .conditions import TypeOf
from .costs import lifetime_remaining
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


# Why a method leaves a node alone, by the numbers of :mod:`pyscale.kernel._candidacy`.
_REFUSALS = (
    "",
    "node is not managed by Karpenter",
    "nodeclaim does not have an associated node",
    "node isn't initialized",
    "node is deleting or marked for deletion",
    "node is nominated for a pending pod",
    f"disruption is blocked through the {DO_NOT_DISRUPT} annotation",
    "NodePool {pool} not found",
    "{blocker}",
    "NodePool {pool} is static",
    "node has not drifted",
    "NodePool {pool} has consolidation disabled",
    "node is not consolidatable yet (consolidateAfter)",
    "node is not empty",
    "node is empty",
    "instance type {instance_type!r} not found",
    "node does not have label karpenter.sh/capacity-type",
    "node does not have label topology.kubernetes.io/zone",
    "NodePool {pool} has non-empty consolidation disabled",
)
_OF_PODS = _REFUSALS.index("{blocker}")


@dataclass(eq=False)
class Candidate:
    """A node that may be disrupted.

    ``number`` is the solver's; ``price`` is what its offering costs (dollars per hour, 0 if
    unknown); ``eviction_cost`` is that of all its pods.  The node and its type are looked up in
    ``nodes`` and by ``type_of`` when they are asked for.
    """

    number: int
    name: str
    pool: NodePool
    price: float
    reschedule_cost: float
    eviction_cost: float
    has_pods_to_move: bool
    is_spot: bool
    nodes: Sequence[StateNode] = field(repr=False)
    type_of: TypeOf = field(repr=False)

    @cached_property
    def node(self) -> StateNode:
        """The state node."""
        return self.nodes[self.number]

    @cached_property
    def instance_type(self) -> CompiledType | None:
        """Its type among those of its pool, None if it is unknown."""
        return self.type_of(self.node)

    def disruption_cost(self, now_ns: int) -> float:
        """Return upstream's legacy figure, which no method reads any more."""
        return self.eviction_cost * lifetime_remaining(self.node, now_ns)


def refusal_text(number: int, node: StateNode, blocker: Callable[[], str]) -> str:
    """Return why a method leaves a node alone; ``blocker`` tells what its pods have against it."""
    return _REFUSALS[number].format(
        pool=node.pool,
        blocker=blocker() if number == _OF_PODS else "",
        instance_type=node.labels.get(INSTANCE_TYPE_LABEL, ""),
    )


def is_eligible(number: int) -> bool:
    """Say whether a method that refuses a node for this reason might take it in other shape.

    Neither the node itself nor its pods speak against it.
    """
    return number == 0 or number > _OF_PODS
