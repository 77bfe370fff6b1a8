"""The NodeClaim conditions that disruption reads: Consolidatable and Drifted.

Follows Karpenter core ``pkg/controllers/nodeclaim/disruption``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyscale.model.catalog import ON_DEMAND, RESERVED
from pyscale.model.groups import NodePool
from pyscale.model.nodes import CAPACITY_TYPE_LABEL
from pyscale.model.times import HOUR

from .instance_types import CompiledType
from .look_memo import LookMemo
from .requirements import from_labels, from_written, one_of
from .state import ClusterObjects, StateNode

NODE_POOL_DRIFTED = "NodePoolDrifted"
REQUIREMENTS_DRIFTED = "RequirementsDrifted"
INSTANCE_TYPE_NOT_FOUND = "InstanceTypeNotFound"
#: What is looked at again; other reasons are the provider's.
CORE_REASONS = (NODE_POOL_DRIFTED, REQUIREMENTS_DRIFTED, INSTANCE_TYPE_NOT_FOUND)

DEFAULT_AGE_NS = 24 * HOUR
TYPE_CHECK_AGE_NS = HOUR

#: Finds the type of a state node in what its pool may launch, None if it is unknown.
TypeOf = Callable[[StateNode], CompiledType | None]


@dataclass(frozen=True)
class Conditions:
    """By name of the state node; ``drifted`` holds the reason and since when (ns).

    ``under_consolidate_after`` are the initialized nodes on which something happened too recently.
    """

    consolidatable: frozenset[str]
    under_consolidate_after: frozenset[str]
    drifted: dict[str, tuple[str, int]]


def evaluate_conditions(
    objects: ClusterObjects, type_of: TypeOf, memo: DriftMemo | None = None
) -> Conditions:
    """Evaluate the conditions of all nodes of existing pools."""
    memo = memo or DriftMemo()
    memo.begin()
    pools = {pool.name: pool for pool in objects.node_pools}
    consolidatable: set[str] = set()
    under: set[str] = set()
    drifted: dict[str, tuple[str, int]] = {}
    for node in objects.nodes:
        pool = pools.get(node.pool)
        if pool is None or node.deleting:
            continue
        reason = drift_reason(objects, node, pool, type_of, memo)
        if reason:
            since = node.drifted_since_ns
            drifted[node.name] = (reason, objects.now_ns if since is None else since)
        wait = pool.disruption.consolidate_after_ns
        if node.initialized and wait is not None:
            rested = objects.now_ns - last_activity_ns(node, objects.now_ns)
            (consolidatable if wait == 0 or rested >= wait else under).add(node.name)
    return Conditions(frozenset(consolidatable), frozenset(under), drifted)


def last_activity_ns(node: StateNode, now_ns: int) -> int:
    """Return when a pod came or went last, else when the node was initialized, else created."""
    for time_ns in (node.last_pod_event_ns, node.initialized_ns, node.creation_ns):
        if time_ns is not None:
            return time_ns
    return now_ns - DEFAULT_AGE_NS


@dataclass(slots=True)
class DriftAnswers:
    """What is known of a node's drift; None has not been asked."""

    fits: bool | None = None
    offered: bool | None = None


DriftMemo = LookMemo[DriftAnswers]


def drift_reason(
    objects: ClusterObjects,
    node: StateNode,
    pool: NodePool,
    type_of: TypeOf,
    memo: DriftMemo,
) -> str:
    """Return the first reason why the node is not what its pool asks for, empty for none."""
    if node.stale_hash:
        return NODE_POOL_DRIFTED
    compiled = type_of(node)
    answers = memo.of(node.name, (node.claim_labels, pool, compiled), DriftAnswers)
    if answers.fits is None:
        required = from_written(pool.requirements)
        answers.fits = from_labels(node.claim_labels).compatible(required)
    if not answers.fits:
        return REQUIREMENTS_DRIFTED
    created = node.creation_ns
    age = DEFAULT_AGE_NS if created is None else objects.now_ns - created
    if age > TYPE_CHECK_AGE_NS:
        if answers.offered is None:
            answers.offered = _is_still_offered(objects, node, compiled)
        if not answers.offered:
            return INSTANCE_TYPE_NOT_FOUND
    return node.provider_drift


def _is_still_offered(
    objects: ClusterObjects, node: StateNode, compiled: CompiledType | None
) -> bool:
    """Available or not; what runs on a reservation may also run as on-demand."""
    if compiled is None:
        return False
    labels = from_labels(node.claim_labels)
    if node.claim_labels.get(CAPACITY_TYPE_LABEL) == RESERVED:
        labels = labels.without((objects.reservation_label,)).replaced(
            one_of(CAPACITY_TYPE_LABEL, (RESERVED, ON_DEMAND))
        )
    return any(
        labels.compatible(offer.requirements, objects.well_known) for offer in compiled.offers
    )
