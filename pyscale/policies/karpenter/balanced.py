"""The consolidation policy Balanced: what is saved against what is disrupted.

Follows Karpenter core ``pkg/controllers/disruption/balanced.go`` and ``pkg/state/cost``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pyscale.model.nodes import NODEPOOL_LABEL

from .candidates import Candidate
from .conditions import TypeOf
from .consolidation import Command
from .costs import node_price, reschedule_cost
from .eviction import is_terminal
from .podspec import owner_kinds
from .solver import Solver

BALANCED = "Balanced"
THRESHOLD = 0.5


class PoolTotals:
    """Cost and disruption of whole pools, taken before a method filters its candidates.

    ``eligible`` returns these; it is asked if there is a pool that wants to know.
    """

    def __init__(
        self, solver: Solver, eligible: Callable[[], Sequence[Candidate]], type_of: TypeOf
    ) -> None:
        self._cost: dict[str, float] = {}
        self._disruption: dict[str, float] = {}
        pools = solver.node_pools
        if not any(pool.disruption.consolidation_policy == BALANCED for pool in pools):
            return
        candidates = eligible()
        balanced = {
            candidate.pool.name
            for candidate in candidates
            if candidate.pool.disruption.consolidation_policy == BALANCED
        }
        by_name = {candidate.name: candidate for candidate in candidates}
        for pool in sorted(balanced):
            tracked = disruption = listed = 0.0
            for node in solver.objects.nodes:
                if node.pool == pool:
                    tracked += node_price(node, type_of(node))
                if node.labels.get(NODEPOOL_LABEL) != pool:
                    continue
                if node.name in by_name:
                    disruption += by_name[node.name].reschedule_cost
                else:
                    # Nodes that are no candidates count every pod that is not a daemon (quirk).
                    disruption += reschedule_cost(
                        pod
                        for pod in solver.pods_on(node)
                        if not is_terminal(pod) and "DaemonSet" not in owner_kinds(pod.template)
                    )
            for candidate in candidates:
                if candidate.pool.name == pool:
                    listed += candidate.price
            self._cost[pool] = tracked if tracked > 0 else listed
            self._disruption[pool] = disruption

    @property
    def has_any(self) -> bool:
        """Whether there is a Balanced pool with nodes that may be disrupted."""
        return bool(self._cost)

    def score(self, pool: str, savings: float, disruption: float) -> float:
        """Return the saved part of the pool's cost over the disrupted part of the pool."""
        cost, total = self._cost[pool], self._disruption[pool]
        if cost <= 0 or total <= 0 or savings / cost <= 0:
            return 0.0
        if disruption / total == 0:
            return math.inf
        return (savings / cost) / (disruption / total)

    def is_worth_trying(self, candidate: Candidate) -> bool:
        """Say whether deleting the node without a replacement would be worth it (single-node)."""
        pool = candidate.pool.name
        if pool not in self._cost or self._cost[pool] <= 0:
            return True
        return self.score(pool, candidate.price, candidate.reschedule_cost) >= THRESHOLD

    def rejection(self, command: Command) -> str:
        """Return why a Balanced pool rejects the command, empty if none does."""
        if not self._cost:
            return ""
        by_pool: dict[str, list[Candidate]] = {}
        for candidate in command.candidates:
            by_pool.setdefault(candidate.pool.name, []).append(candidate)
        if not any(pool in self._cost for pool in by_pool):
            return ""
        source = command.source_price
        savings = source - command.replacement_price
        for pool, members in by_pool.items():
            if pool not in self._cost:
                continue
            price = disruption = 0.0
            for member in members:
                price += member.price
                disruption += member.reschedule_cost
            share = savings
            if len(by_pool) > 1 and source > 0:
                share = savings * (price / source)
            score = self.score(pool, share, disruption)
            if score < THRESHOLD:
                return f"NodePool {pool} is Balanced and the score {score:.3f} is below {THRESHOLD}"
        return ""
