"""Where the pods of disrupted nodes would go."""

from dataclasses import dataclass

from .batch import pods_of_deleting_nodes, reschedulable_pods
from .provision import Scheduler


@dataclass(eq=False)
class SimulationResult:
    claims: list
    placements: dict
    unplaced: list

    @property
    def summary(self):
        claims = ", ".join(
            f"{claim.pool_name} for {' '.join(claim.pod_keys)}" for claim in self.claims
        )
        return (
            f"{sum(map(len, self.placements.values()))} pods on existing nodes, "
            f"new claims: {claims or 'none'}, "
            f"unplaced: {' '.join(self.unplaced) or 'none'}"
        )


def simulate(cluster, candidates, under_consolidate_after, trace):
    """New claims for pending pods count as well; pods that were pending before may stay so."""
    nodes = [candidate.node for candidate in candidates]
    outcome = Scheduler(
        cluster,
        trace,
        nodes,
        reschedulable_pods(cluster, nodes),
        under_consolidate_after,
        strict_reservations=False,
    ).solve()
    failed = set(outcome.errors)
    already_moving = {pod.key for pod in pods_of_deleting_nodes(cluster)}
    for node in outcome.existing_nodes:
        if not node.initialized:
            # Nobody knows yet whether such a node will work.
            failed |= {pod.key for pod in node.pods} - already_moving
    unplaced = sorted(key for key in failed if cluster.pod_by_key[key].node_name)
    return SimulationResult(outcome.claims, outcome.placements, unplaced)
