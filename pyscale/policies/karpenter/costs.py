"""What it costs to disrupt a node, and what the node itself costs.

Sums run from left to right in the order of the pods, because upstream compares floats.  Follows
Karpenter core ``pkg/utils/disruption/disruption.go`` and ``pkg/controllers/disruption/types.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pyscale.model.nodes import CAPACITY_TYPE_LABEL, ZONE_LABEL
from pyscale.model.pods import Pod

from .eviction import is_reschedulable
from .instance_types import CompiledType
from .state import StateNode

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
NODE_COST = 1.0
LARGEST_COST = 10.0

_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def eviction_cost(pod: Pod) -> float:
    """Return the cost of evicting a pod, -10 to 10; an annotation that is no number is ignored."""
    cost = 1.0
    written = pod.template.annotations.get(DELETION_COST)
    if written is not None and _FLOAT.fullmatch(written):
        cost += float(written) / 2**27
    if pod.template.spec.priority is not None:
        cost += pod.template.spec.priority / 2**25
    return max(-LARGEST_COST, min(LARGEST_COST, cost))


def reschedule_cost(pods: Iterable[Pod]) -> float:
    """Return 1 for the node and what is positive of the pods' eviction costs."""
    total = 0.0
    for pod in pods:
        total += max(0.0, eviction_cost(pod))
    return NODE_COST + total


def lifetime_remaining(node: StateNode, now_ns: int) -> float:
    """Return which part of the node's life is left; 1 if it never expires."""
    if not node.expire_after_ns or node.creation_ns is None:
        return 1.0
    left = node.expire_after_ns - (now_ns - node.creation_ns)
    return min(1.0, max(0.0, left / node.expire_after_ns))


@dataclass(frozen=True, slots=True)
class NodeCosts:
    """What it costs to disrupt the pods of a node.

    Attributes
    ----------
    reschedule : float
        1 for the node and what is positive of the eviction costs of the pods that have to move.
    eviction : float
        The eviction costs of all pods.
    has_pods_to_move : bool
    """

    reschedule: float
    eviction: float
    has_pods_to_move: bool

    @staticmethod
    def of(pods: Iterable[Pod]) -> NodeCosts:
        """Sum up the pods of a node."""
        eviction = 0.0
        to_move = []
        for pod in pods:
            eviction += eviction_cost(pod)
            if is_reschedulable(pod):
                to_move.append(pod)
        return NodeCosts(reschedule_cost(to_move), eviction, bool(to_move))


def node_price(node: StateNode, compiled: CompiledType | None) -> float:
    """Return the price of the node's offering, available or not; 0 when it is unknown."""
    if compiled is None:
        return 0.0
    zone, capacity_type = node.labels.get(ZONE_LABEL), node.labels.get(CAPACITY_TYPE_LABEL)
    for offer in compiled.offers:
        offering = offer.offering
        if offering.zone == zone and offering.capacity_type == capacity_type:
            return offering.price
    return 0.0
