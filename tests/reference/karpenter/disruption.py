"""The disruption methods, each evaluated on the same state."""

from dataclasses import dataclass
from itertools import zip_longest

from ..go_sort import sort_slice
from .balanced import PoolTotals
from .budgets import budget_mapping
from .candidates import (
    DRIFT,
    EMPTINESS,
    MULTI_NODE,
    REASONS,
    SINGLE_NODE,
    eligible_candidates,
    undisrupted_reason,
)
from .conditions import evaluate_conditions
from .consolidation import (
    DELETE,
    REPLACE,
    Command,
    NoCommand,
    compute_consolidation,
    without_same_types,
)
from .simulation import simulate
from .tracing import Trace

DEFAULT_METHODS = (EMPTINESS, DRIFT, MULTI_NODE, SINGLE_NODE)
NO_LIMIT = 1 << 30
# The binary search starts at index 100, hence at most 101 nodes.
MULTI_NODE_LAST_INDEX = 100


@dataclass(eq=False)
class MethodResult:
    candidates: list
    budgets: dict
    command: Command | None


class Disruption:
    def __init__(self, cluster, trace=None, simulation_trace=None):
        self.cluster = cluster
        self.trace = trace or Trace()
        self.simulation_trace = simulation_trace or Trace()
        self.conditions = evaluate_conditions(cluster)

    def evaluate(self, method, only=None):
        """With `only`, this one candidate without any budget."""
        eligible = eligible_candidates(self.cluster, method, self.trace)
        candidates = []
        for candidate in eligible:
            reason = undisrupted_reason(candidate, method, self.conditions)
            if reason:
                self.trace.say("candidate %s is left alone: %s", candidate.name, reason)
            else:
                candidates.append(candidate)
        budgets = budget_mapping(self.cluster, REASONS[method])
        self.trace.say("budgets: %s", budgets)
        left = dict.fromkeys(budgets, NO_LIMIT) if only else dict(budgets)
        considered = [candidate for candidate in candidates if only in (None, candidate.name)]
        command = self.compute(method, considered, left, eligible)
        self.trace.say("=> %s", command or "no command")
        return MethodResult(candidates, budgets, command)

    def compute(self, method, candidates, budgets, eligible):
        if method == DRIFT:
            return self.drift(candidates, budgets)
        ordered = self.by_savings_ratio(candidates)
        if method == EMPTINESS:
            return self.emptiness(ordered, budgets)
        totals = PoolTotals(self.cluster, eligible)
        if method == MULTI_NODE:
            return self.multi_node(ordered, budgets, totals)
        return self.single_node(ordered, budgets, totals)

    def by_savings_ratio(self, candidates):
        """Highest first; ties as Go's unstable sort leaves the order of names."""
        ordered = list(candidates)
        sort_slice(ordered, lambda left, right: left.savings_ratio > right.savings_ratio)
        for candidate in ordered:
            self.trace.say(
                "candidate %s of %s: price %g, reschedule cost %g, ratio %g",
                candidate.name,
                candidate.pool.name,
                candidate.price,
                candidate.reschedule_cost,
                candidate.savings_ratio,
            )
        return ordered

    def within_budgets(self, candidates, budgets):
        """As many as the budgets of their pools allow, in order."""
        taken = []
        for candidate in candidates:
            if budgets[candidate.pool.name] > 0:
                budgets[candidate.pool.name] -= 1
                taken.append(candidate)
            else:
                self.trace.say(
                    "candidate %s is beyond the budget of %s", candidate.name, candidate.pool.name
                )
        return taken

    def emptiness(self, ordered, budgets):
        """"""
        taken = self.within_budgets(ordered, budgets)
        return Command(DELETE, taken) if taken else None

    def drift(self, candidates, budgets):
        """longest drifted first, nodes without pods to move before the others, one node."""
        ordered = list(candidates)
        sort_slice(
            ordered, lambda left, right: self.drifted_since(left) < self.drifted_since(right)
        )
        ordered.sort(key=lambda candidate: any(pod.reschedulable for pod in candidate.node.pods))
        for candidate in ordered:
            reason, since = self.conditions.drifted[candidate.name]
            if budgets[candidate.pool.name] == 0:
                self.trace.say(
                    "candidate %s is beyond the budget of %s", candidate.name, candidate.pool.name
                )
                continue
            result = simulate(self.cluster, [candidate], frozenset(), self.simulation_trace)
            self.trace.say(
                "candidate %s, %s since %s: %s", candidate.name, reason, since, result.summary
            )
            if not result.unplaced:
                return Command(
                    REPLACE if result.claims else DELETE,
                    [candidate],
                    result.claims,
                    result.placements,
                )
        return None

    def drifted_since(self, candidate):
        return self.conditions.drifted[candidate.name][1]

    def multi_node(self, ordered, budgets, totals):
        """binary search for the longest prefix that can be consolidated."""
        taken = self.within_budgets(ordered, budgets)
        if len(taken) < 2:
            return None
        low, high = (
            1,
            len(taken) - 1 if len(taken) <= MULTI_NODE_LAST_INDEX else MULTI_NODE_LAST_INDEX,
        )
        best = None
        while low <= high:
            middle = (low + high) // 2
            command = self.approved(taken[: middle + 1], totals, same_type_filter=True)
            if command:
                best, low = command, middle + 1
            else:
                high = middle - 1
        return best

    def single_node(self, ordered, budgets, totals):
        """the first candidate with a command, the pools taking turns."""
        for candidate in self.interleaved_by_pool(ordered):
            if budgets[candidate.pool.name] == 0:
                self.trace.say(
                    "candidate %s is beyond the budget of %s", candidate.name, candidate.pool.name
                )
            elif not totals.worth_trying(candidate):
                self.trace.say(
                    "candidate %s: even a deletion would score below the Balanced threshold",
                    candidate.name,
                )
            else:
                command = self.approved([candidate], totals)
                if command:
                    return command
        return None

    @staticmethod
    def interleaved_by_pool(ordered):
        by_pool = {}
        for candidate in ordered:
            by_pool.setdefault(candidate.pool.name, []).append(candidate)
        rounds = zip_longest(*(by_pool[name] for name in sorted(by_pool)))
        return [candidate for turn in rounds for candidate in turn if candidate is not None]

    def approved(self, candidates, totals, same_type_filter=False):
        """The consolidation command for exactly these candidates, or None."""
        try:
            command = compute_consolidation(
                self.cluster, candidates, self.conditions, self.trace, self.simulation_trace
            )
            if same_type_filter and command.decision == REPLACE:
                command = without_same_types(command)
            rejection = totals.rejection(command)
            if rejection:
                raise NoCommand(rejection)
        except NoCommand as reason:
            self.trace.say(
                "no command for %s: %s",
                " ".join(candidate.name for candidate in candidates),
                reason,
            )
            return None
        self.trace.say("possible: %s", command)
        return command
