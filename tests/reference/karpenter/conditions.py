"""The NodeClaim conditions that disruption reads: Consolidatable and Drifted."""

from dataclasses import dataclass, field
from datetime import timedelta

from .clock import parse_duration, parse_time
from .labels import CAPACITY_TYPE, INSTANCE_TYPE, RESERVATION_ID
from .requirements import one_of, requirements_from_labels

DEFAULT_AGE = timedelta(hours=24)
TYPE_CHECK_AGE = timedelta(hours=1)


@dataclass
class Conditions:
    """All keyed by state-node name; `drifted` holds (reason, since)."""

    consolidatable: set = field(default_factory=set)
    under_consolidate_after: set = field(default_factory=set)
    drifted: dict = field(default_factory=dict)


def evaluate_conditions(cluster):
    conditions = Conditions()
    for node in cluster.nodes:
        pool = cluster.all_pools.get(node.pool)
        if pool is None or node.given.get("deleting"):
            continue
        reason = drift_reason(cluster, node, pool)
        if reason:
            since = node.given.get("driftedSince")
            conditions.drifted[node.name] = (reason, parse_time(since) if since else cluster.now)
        if node.initialized and pool.consolidate_after != "Never":
            wait = parse_duration(pool.consolidate_after)
            if wait == 0 or (cluster.now - last_activity(cluster, node)).total_seconds() >= wait:
                conditions.consolidatable.add(node.name)
            else:
                conditions.under_consolidate_after.add(node.name)
    return conditions


def last_activity(cluster, node):
    for name in ("lastPodEventTime", "initializedTime", "creationTimestamp"):
        if node.given.get(name):
            return parse_time(node.given[name])
    return cluster.now - DEFAULT_AGE


def drift_reason(cluster, node, pool):
    """The first that applies, or None."""
    if node.given.get("staleHash"):
        return "NodePoolDrifted"
    labels = requirements_from_labels(node.claim_labels)
    if not labels.compatible(pool.declared_requirements):
        return "RequirementsDrifted"
    created = node.given.get("creationTimestamp")
    age = cluster.now - parse_time(created) if created else DEFAULT_AGE
    if age > TYPE_CHECK_AGE and not type_still_offered(cluster, node, labels):
        return "InstanceTypeNotFound"
    return None


def type_still_offered(cluster, node, labels):
    """Available or not; a reserved claim may also run as on-demand."""
    instance_type = cluster.type_by_name.get(node.claim_labels.get(INSTANCE_TYPE))
    if instance_type is None:
        return False
    if node.claim_labels.get(CAPACITY_TYPE) == "reserved":
        labels[CAPACITY_TYPE] = one_of(CAPACITY_TYPE, ["reserved", "on-demand"])
        labels.pop(RESERVATION_ID, None)
    return any(
        labels.compatible(offering.requirements, cluster.well_known)
        for offering in instance_type.offerings
    )
