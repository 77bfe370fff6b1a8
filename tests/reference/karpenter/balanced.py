"""The Balanced policy: savings against disruption."""

import math

from .candidates import node_price, reschedule_cost
from .labels import NODE_POOL

THRESHOLD = 0.5


class PoolTotals:
    """Cost and disruption of the whole pool, taken before the method filters its candidates."""

    def __init__(self, cluster, candidates):
        self.cost, self.disruption = {}, {}
        by_name = {candidate.name: candidate for candidate in candidates}
        for pool_name in {candidate.pool.name for candidate in candidates}:
            members = [candidate for candidate in candidates if candidate.pool.name == pool_name]
            tracked = sum(
                node_price(cluster, node) for node in cluster.nodes if node.pool == pool_name
            )
            self.cost[pool_name] = (
                tracked if tracked > 0 else sum(candidate.price for candidate in members)
            )
            self.disruption[pool_name] = sum(
                self.disruption_of(node, by_name)
                for node in cluster.nodes
                if node.labels.get(NODE_POOL) == pool_name
            )

    @staticmethod
    def disruption_of(node, candidates_by_name):
        """Nodes that are no candidates count every pod that is not a daemon."""
        if node.name in candidates_by_name:
            return candidates_by_name[node.name].reschedule_cost
        return reschedule_cost(pod for pod in node.live_pods if "DaemonSet" not in pod.owner_kinds)

    def score(self, pool_name, savings, disruption):
        """The saved fraction of the pool's cost over the disrupted fraction of the pool."""
        cost, total_disruption = self.cost[pool_name], self.disruption[pool_name]
        if cost <= 0 or total_disruption <= 0 or savings / cost <= 0:
            return 0.0
        if disruption / total_disruption == 0:
            return math.inf
        return (savings / cost) / (disruption / total_disruption)

    def worth_trying(self, candidate):
        """Single-node pre-check: even deleting the node without replacement must be worth it."""
        if candidate.pool.consolidation_policy != "Balanced" or self.cost[candidate.pool.name] <= 0:
            return True
        return (
            self.score(candidate.pool.name, candidate.price, candidate.reschedule_cost) >= THRESHOLD
        )

    def rejection(self, command):
        """Why a Balanced pool rejects the command, or None."""
        source_price = sum(candidate.price for candidate in command.candidates)
        savings = source_price - command.replacement_price
        by_pool = {}
        for candidate in command.candidates:
            by_pool.setdefault(candidate.pool.name, []).append(candidate)
        for pool_name, members in by_pool.items():
            if members[0].pool.consolidation_policy != "Balanced":
                continue
            share = savings
            if len(by_pool) > 1 and source_price > 0:
                share = savings * (sum(candidate.price for candidate in members) / source_price)
            score = self.score(
                pool_name, share, sum(candidate.reschedule_cost for candidate in members)
            )
            if score < THRESHOLD:
                return (
                    f"pool {pool_name} is Balanced and the score {score:.3f} is below {THRESHOLD}"
                )
        return None
