"""Which nodes may be disrupted, and what that costs."""

from dataclasses import dataclass

from .cluster import NodePool
from .eviction import DO_NOT_DISRUPT, disruption_blocker, eviction_cost
from .instance_types import InstanceType
from .labels import CAPACITY_TYPE, INSTANCE_TYPE, ZONE
from .nodes import StateNode

EMPTINESS, DRIFT, MULTI_NODE, SINGLE_NODE = "Emptiness", "Drift", "MultiNode", "SingleNode"
REASONS = {
    EMPTINESS: "Empty",
    DRIFT: "Drifted",
    MULTI_NODE: "Underutilized",
    SINGLE_NODE: "Underutilized",
}


@dataclass(eq=False)
class Candidate:
    node: StateNode
    pool: NodePool
    instance_type: InstanceType | None
    price: float
    reschedule_cost: float
    disruption_cost: float

    @property
    def name(self):
        return self.node.name

    @property
    def savings_ratio(self):
        return self.price / self.reschedule_cost

    @property
    def is_empty(self):
        """Cost-based: pods that cost nothing to evict do not count."""
        return self.reschedule_cost <= 1.0

    @property
    def is_spot(self):
        return self.node.labels.get(CAPACITY_TYPE) == "spot"


def node_price(cluster, node):
    instance_type = cluster.type_by_name.get(node.labels.get(INSTANCE_TYPE))
    if instance_type is None:
        return 0.0
    return instance_type.price_at(node.labels.get(ZONE), node.labels.get(CAPACITY_TYPE))


def reschedule_cost(pods):
    """1 for the node plus the positive eviction costs of the pods."""
    return 1.0 + sum(max(0.0, eviction_cost(pod)) for pod in pods)


def candidate_of(cluster, node):
    """The legacy disruption cost is only recorded; without expireAfter every pod counts fully."""
    return Candidate(
        node=node,
        pool=cluster.all_pools[node.pool],
        instance_type=cluster.type_by_name.get(node.labels.get(INSTANCE_TYPE)),
        price=node_price(cluster, node),
        reschedule_cost=reschedule_cost(pod for pod in node.pods if pod.reschedulable),
        disruption_cost=sum(eviction_cost(pod) for pod in node.pods),
    )


def ineligible_reason(cluster, node, eventual):
    """Why the node is no candidate, or None; a grace period lets drift override pods."""
    if not node.managed:
        return "it has no NodeClaim"
    if not node.has_node or not node.initialized:
        return "it is not initialized"
    if node.marked_for_deletion:
        return "it is marked for deletion"
    if node.given.get("nominated"):
        return "it is nominated for pods of an earlier round"
    if node.annotations.get(DO_NOT_DISRUPT) == "true":
        return "it has the do-not-disrupt annotation"
    if node.pool not in cluster.all_pools:
        return "its pool does not exist"
    if eventual and node.given.get("terminationGracePeriod"):
        return None
    return next(
        filter(
            None,
            (disruption_blocker(pod, cluster.disruption_budgets, cluster.now) for pod in node.pods),
        ),
        None,
    )


def eligible_candidates(cluster, method, trace):
    """Candidates in the order of node names, before the method's own predicate."""
    found = []
    for node in sorted(cluster.nodes, key=lambda node: node.node_name):
        reason = ineligible_reason(cluster, node, eventual=method == DRIFT)
        if reason:
            trace.say("node %s is no candidate: %s", node.name, reason)
        else:
            found.append(candidate_of(cluster, node))
    return found


def undisrupted_reason(candidate, method, conditions):
    """Why the method leaves this candidate alone, or None."""
    if method == DRIFT:
        return None if candidate.name in conditions.drifted else "it has not drifted"
    if candidate.pool.consolidate_after == "Never":
        return "its pool never consolidates"
    if candidate.name not in conditions.consolidatable:
        return "it is not consolidatable yet"
    if method == EMPTINESS:
        return None if candidate.is_empty else "it is not empty"
    if candidate.is_empty:
        return "it is empty"
    if candidate.instance_type is None or not {CAPACITY_TYPE, ZONE} <= candidate.node.labels.keys():
        return "its instance type, capacity type or zone is unknown"
    if candidate.pool.consolidation_policy == "WhenEmpty":
        return "its pool consolidates only empty nodes"
    return None
