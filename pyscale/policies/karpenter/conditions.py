"""The NodeClaim conditions that disruption reads: Consolidatable and Drifted.

Follows Karpenter core ``pkg/controllers/nodeclaim/disruption``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyscale.model.catalog import ON_DEMAND, RESERVED
from pyscale.model.groups import NodePool
from pyscale.model.nodes import CAPACITY_TYPE_LABEL
from pyscale.model.times import HOUR

from .instance_types import CompiledType
from .requirements import from_labels, from_written, one_of
from .state import ClusterObjects, StateNode

if TYPE_CHECKING:
    from .tables import ClusterTables

NODE_POOL_DRIFTED = "NodePoolDrifted"
REQUIREMENTS_DRIFTED = "RequirementsDrifted"
INSTANCE_TYPE_NOT_FOUND = "InstanceTypeNotFound"
#: What is looked at again; other reasons are the provider's.
CORE_REASONS = (NODE_POOL_DRIFTED, REQUIREMENTS_DRIFTED, INSTANCE_TYPE_NOT_FOUND)

DEFAULT_AGE_NS = 24 * HOUR
#: A node that never drifts is sound until then, and one that nobody vouches for until the other.
SOUND_NS = 2**62
UNSOUND_NS = -SOUND_NS
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


@dataclass(slots=True)
class DriftAnswers:
    """What was found out about claims with the same labels, pool and type; None: not asked yet."""

    fits: bool | None = None
    offered: bool | None = None


def drift_of(
    node: StateNode,
    pool: NodePool,
    compiled: CompiledType | None,
    answers: DriftAnswers,
    cluster: ClusterTables,
) -> tuple[str, int]:
    """Return the first reason why a node is not what its pool asks for, empty for none.

    Parameters
    ----------
    answers : DriftAnswers
        Of claims like this; what is found out is noted there.

    Returns
    -------
    reason : str
    sound_until_ns : int
        The node is known not to drift until then, :data:`UNSOUND_NS` if nobody knows.
    """
    if node.stale_hash:
        return NODE_POOL_DRIFTED, UNSOUND_NS
    if answers.fits is None:
        required = from_written(pool.requirements)
        answers.fits = from_labels(node.claim_labels).compatible(required)
    if not answers.fits:
        return REQUIREMENTS_DRIFTED, UNSOUND_NS
    created = node.creation_ns
    age = DEFAULT_AGE_NS if created is None else cluster.now_ns - created
    if age > TYPE_CHECK_AGE_NS:
        if answers.offered is None:
            answers.offered = _is_still_offered(cluster.objects, node, compiled)
        if not answers.offered:
            return INSTANCE_TYPE_NOT_FOUND, UNSOUND_NS
    if node.provider_drift:
        return node.provider_drift, UNSOUND_NS
    asks_later = created is not None and not answers.offered
    return "", (created or 0) + TYPE_CHECK_AGE_NS if asks_later else SOUND_NS


def last_activity_ns(node: StateNode, now_ns: int) -> int:
    """Return when a pod came or went last, else when the node was initialized, else created."""
    for time_ns in (node.last_pod_event_ns, node.initialized_ns, node.creation_ns):
        if time_ns is not None:
            return time_ns
    return now_ns - DEFAULT_AGE_NS


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
