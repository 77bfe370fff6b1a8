"""The disruption methods, each evaluated on the same state.

Follows Karpenter core ``pkg/controllers/disruption``: ``emptiness.go``, ``drift.go``,
``multinodeconsolidation.go``, ``singlenodeconsolidation.go``.  Where upstream iterates over a hash
map, names rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import zip_longest

import numpy as np

from pyscale.kernel._gosort import go_order
from pyscale.model.nodes import INSTANCE_TYPE_LABEL
from pyscale.model.times import SECOND

from .balanced import PoolTotals
from .budgets import UNLIMITED, PoolCount, budgets_of_pools, count_pools
from .candidates import (
    DRIFT,
    EMPTINESS,
    MULTI_NODE,
    REASONS,
    SINGLE_NODE,
    Candidate,
    undisrupted_reason,
)
from .conditions import Conditions
from .consolidation import DELETE, REPLACE, Command, Consolidation, NoCommand
from .instance_types import CompiledType
from .launch_prices import LaunchPrices
from .parity import BY_NAME, UNSTABLE_SORT, TieBreak
from .screening import NOT_PLACED, CandidateColumns
from .simulation import Simulation, simulate
from .solver import Solver
from .standings import Standing, Standings, evaluate_conditions
from .state import StateNode

#: The binary search of multi-node consolidation ends here, so that at most 101 nodes go at once.
MULTI_NODE_LAST_INDEX = 100

# How many candidates are simulated at once at first, then four times as many.
_FIRST_SCREENED = 16


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What one method would do.

    Attributes
    ----------
    candidates : list of Candidate
        In the order of node names.
    budgets : dict of str to int
        How many nodes of each pool may be disrupted for the method's reason.
    command : Command or None
    left_alone : dict of str to str
        Name of each node that is not disrupted -> why; of candidates, as far as they were looked
        at and reasons were asked for.
    is_constrained : bool
        Whether budgets kept candidates from being considered.
    """

    candidates: list[Candidate]
    budgets: dict[str, int]
    command: Command | None
    left_alone: dict[str, str] = field(repr=False)
    is_constrained: bool = False


@dataclass(eq=False)
class _Run:
    """One evaluation of a method: what is left of budgets, and what was found out."""

    budgets: dict[str, int]
    left_alone: dict[str, str]
    gives_reasons: bool = True
    is_constrained: bool = False

    def refuse(self, candidates: Iterable[Candidate], reason: str) -> None:
        if not self.gives_reasons:
            return
        self.left_alone.update(dict.fromkeys([each.name for each in candidates], reason))

    def is_closed(self, candidate: Candidate) -> bool:
        """Say whether the budget of the candidate's pool is used up, and note it."""
        if self.budgets[candidate.pool.name] > 0:
            return False
        self.is_constrained = True
        pool = candidate.pool.name
        self.refuse([candidate], f"the budgets of NodePool {pool} allow no further disruption")
        return True

    def within_budgets(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Take as many as the budgets of their pools allow, in order."""
        if sum(self.budgets.values()) >= len(candidates) and len(self.budgets) == 1:
            return list(candidates)
        taken = []
        for candidate in candidates:
            if not self.is_closed(candidate):
                self.budgets[candidate.pool.name] -= 1
                taken.append(candidate)
        return taken


class Disruption:
    """What Karpenter would disrupt in a cluster, method by method; nothing is executed.

    Parameters
    ----------
    solver : Solver
        The compiled cluster; all simulations run over it.
    prices : LaunchPrices, optional
        What was looked up before over the same templates.
    known : Standings, optional
        What was found out before about nodes that have not changed.
    reasons : bool
        Whether results say why candidates of consolidation are left alone; without, what-ifs end
        as soon as nothing can come of them.

    Attributes
    ----------
    conditions : Conditions
        Which nodes are Consolidatable and Drifted.
    """

    def __init__(
        self,
        solver: Solver,
        prices: LaunchPrices | None = None,
        known: Standings | None = None,
        *,
        reasons: bool = True,
    ) -> None:
        self.solver = solver
        self._gives_reasons = reasons
        self.objects = solver.objects
        self.pools = {pool.name: pool for pool in self.objects.node_pools}
        everything = solver.types_by_name
        self._types_of_pool = {
            name: {seen: everything[seen] for seen in self.objects.types_of_pool[name]}
            if name in self.objects.types_of_pool
            else everything
            for name in self.pools
        }
        self._standings = (known or Standings()).of(solver, self.pools, self.type_of)
        self.conditions: Conditions = evaluate_conditions(self._standings, self.objects)
        self._considered: dict[str, tuple[list[Candidate], dict[str, str]]] = {}
        self._ordered: dict[str, list[Candidate]] = {}
        self._budgets: dict[str, dict[str, int]] = {}
        self.consolidation = Consolidation(
            solver, self.conditions.under_consolidate_after, prices or LaunchPrices()
        )
        self.screening = self.consolidation.screening

    def type_of(self, node: StateNode) -> CompiledType | None:
        """Return the type of a node among those of its pool, None if it is unknown."""
        return self._types_of_pool.get(node.pool, {}).get(node.labels.get(INSTANCE_TYPE_LABEL, ""))

    @cached_property
    def _possible(self) -> tuple[list[tuple[Candidate, str]], dict[str, str]]:
        """Return the nodes that may be candidates, with what their pods have against it; others.

        In the order of the Nodes' names.
        """
        found, reasons = [], {}
        for standing in sorted(self._standings, key=_node_name):
            candidate = standing.candidate
            if isinstance(candidate, str):
                reasons[standing.node.name] = candidate
            else:
                found.append((candidate, self.solver.blocker(standing.node)))
        return found, reasons

    @cached_property
    def _graceful(self) -> tuple[list[Candidate], dict[str, str]]:
        return self._eligible(eventual=False)

    @cached_property
    def _eventual(self) -> tuple[list[Candidate], dict[str, str]]:
        return self._eligible(eventual=True)

    def _eligible(self, *, eventual: bool) -> tuple[list[Candidate], dict[str, str]]:
        """Return the candidates of a class of methods, and why the others are none.

        The eventual methods may override pods, if the NodeClaim has a termination grace period.
        """
        possible, reasons = self._possible
        found, reasons = [], dict(reasons) if self._gives_reasons else {}
        for candidate, blocker in possible:
            overrides = eventual and candidate.node.termination_grace_period_ns is not None
            if blocker and not overrides:
                reasons[candidate.name] = blocker
            else:
                found.append(candidate)
        return found, reasons

    @cached_property
    def has_timed_blockers(self) -> bool:
        """Whether some pod on a node must not be disrupted for a limited time."""
        return self.solver.has_timed_pods

    def evaluate(
        self, method: str, only: str | None = None, *, compute: bool = True
    ) -> MethodResult:
        """Return what a method would do.

        Parameters
        ----------
        method : {"Emptiness", "Drift", "MultiNode", "SingleNode"}
        only : str, optional
            Consider this one node alone, whatever the budgets say.
        compute : bool
            False stops at candidates and budgets.
        """
        eligible, _ = self._eventual if method == DRIFT else self._graceful
        candidates, reasons = self._of_method(method)
        budgets = self._budgets_for(REASONS[method])
        run = _Run(dict(budgets), dict(reasons), self._gives_reasons)
        command = None
        if only is not None:
            considered = [candidate for candidate in candidates if candidate.name == only]
            run.budgets = dict.fromkeys(budgets, UNLIMITED)
            if compute:
                command = self._compute(method, self._in_order(method, considered), run, eligible)
        elif compute and candidates:
            ordered = self._ordered.get(_considers_as(method))
            if ordered is None:
                ordered = self._in_order(method, candidates)
                self._ordered[_considers_as(method)] = ordered
            command = self._compute(method, ordered, run, eligible)
        return MethodResult(candidates, dict(budgets), command, run.left_alone, run.is_constrained)

    def each_alone(self, method: str) -> tuple[dict[str, Command], dict[str, str]]:
        """Return what a method would do with each of its candidates if there were no other.

        Parameters
        ----------
        method : {"Emptiness", "Drift", "SingleNode"}

        Returns
        -------
        commands : dict of str to Command
            By name of the node, whatever the budgets say.
        left_alone : dict of str to str
            Name of every other node -> why.
        """
        candidates, reasons = self._of_method(method)
        run = _Run(dict.fromkeys(self._budgets_for(REASONS[method]), UNLIMITED), dict(reasons))
        if method == EMPTINESS:
            commands: Iterable[Command] = (Command(DELETE, [each]) for each in candidates)
        elif method == DRIFT:
            found = (self._drift([candidate], run) for candidate in candidates)
            commands = (command for command in found if command is not None)
        else:
            totals = PoolTotals(self.solver, self._graceful[0], self.type_of)
            commands = self._singles(self._by_savings_ratio(candidates), run, totals)
        return {command.candidates[0].name: command for command in commands}, run.left_alone

    def _of_method(self, method: str) -> tuple[list[Candidate], dict[str, str]]:
        """Return the candidates of a method, and why the other nodes are none."""
        known = self._considered.get(_considers_as(method))
        if known is None:
            eligible, reasons = self._eventual if method == DRIFT else self._graceful
            candidates, reasons = [], dict(reasons)
            if method == DRIFT and not self.conditions.drifted and not self._gives_reasons:
                eligible = []
            for candidate in eligible:
                reason = undisrupted_reason(candidate, method, self.conditions)
                if reason:
                    reasons[candidate.name] = reason
                else:
                    candidates.append(candidate)
            known = candidates, reasons
            self._considered[_considers_as(method)] = known
        return known

    def _budgets_for(self, reason: str) -> dict[str, int]:
        known = self._budgets.get(reason)
        if known is None:
            known = self._budgets[reason] = budgets_of_pools(
                self._pool_counts, reason, self.objects.now_ns
            )
        return known

    @cached_property
    def _pool_counts(self) -> dict[str, PoolCount]:
        return count_pools(self.objects.node_pools, self.objects.nodes)

    def _in_order(self, method: str, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return candidates in the order in which a method tries them."""
        if method == DRIFT:
            return self._by_drift(candidates)
        return self._by_savings_ratio(candidates)

    def _compute(
        self, method: str, ordered: Sequence[Candidate], run: _Run, eligible: list[Candidate]
    ) -> Command | None:
        if method == DRIFT:
            return self._drift(ordered, run)
        if method == EMPTINESS:
            taken = run.within_budgets(ordered)
            return Command(DELETE, taken) if taken else None
        totals = PoolTotals(self.solver, eligible, self.type_of)
        if method == MULTI_NODE:
            return self._multi_node(ordered, run, totals)
        return self._single_node(ordered, run, totals)

    def _by_tie_break(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return candidates, which are in the order of their names, in the order of ties."""
        tie_break = self.solver.settings.tie_break
        if tie_break.seed is None:
            return candidates
        return sorted(candidates, key=lambda candidate: tie_break.key(candidate.name))

    def _by_savings_ratio(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        return by_savings_ratio(self._by_tie_break(candidates), stable=self._is_stable)

    @property
    def _is_stable(self) -> bool:
        return UNSTABLE_SORT in self.solver.settings.repaired

    def _by_drift(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Sort, nodes without pods to move before the others, then the longest drifted first."""
        by_name = self._by_tie_break(candidates)
        since = np.array(
            [self.conditions.drifted[candidate.name][1] // SECOND for candidate in by_name],
            dtype=np.float64,
        )
        order = np.argsort(since, kind="stable") if self._is_stable else go_order(since)
        ordered = [by_name[i] for i in order]
        ordered.sort(key=lambda candidate: candidate.has_pods_to_move)
        return ordered

    def _drift(self, ordered: Sequence[Candidate], run: _Run) -> Command | None:
        """Take the first node whose pods find a place."""
        for candidate in ordered:
            if run.is_closed(candidate):
                continue
            simulation = simulate(self.solver, [candidate])
            if not simulation.unplaced:
                decision = REPLACE if simulation.claims else DELETE
                claims = tuple(simulation.claims)
                return Command(decision, [candidate], claims, partial(_same, simulation))
            run.refuse([candidate], NOT_PLACED)
        return None

    def _multi_node(
        self, ordered: Sequence[Candidate], run: _Run, totals: PoolTotals
    ) -> Command | None:
        """Search the longest prefix that can be consolidated, by bisection."""
        taken = run.within_budgets(ordered)
        if len(taken) < 2:
            run.refuse(taken, "no other node could be consolidated with it")
            return None
        return self._longest_prefix(taken, run, totals)

    def _longest_prefix(
        self, taken: Sequence[Candidate], run: _Run, totals: PoolTotals
    ) -> Command | None:
        low = 1
        high = len(taken) - 1 if len(taken) <= MULTI_NODE_LAST_INDEX else MULTI_NODE_LAST_INDEX
        best = None
        columns = None if self._gives_reasons else self._columns(taken[: high + 1])
        while low <= high:
            middle = (low + high) // 2
            group = taken[: middle + 1]
            is_refused = is_deletion = False
            if columns is not None:
                is_refused, is_deletion = columns.prefix(self.screening, middle + 1)
            command = None
            if not is_refused:
                command = self._approved(group, run, totals, is_deletion, same_type_filter=True)
            if command is not None:
                best, low = command, middle + 1
            else:
                high = middle - 1
        return best

    def _single_node(
        self, ordered: Sequence[Candidate], run: _Run, totals: PoolTotals
    ) -> Command | None:
        """Take the first candidate with a command."""
        return next(self._singles(ordered, run, totals), None)

    def _singles(
        self, ordered: Sequence[Candidate], run: _Run, totals: PoolTotals
    ) -> Iterator[Command]:
        """Yield a command for each candidate that has one; the pools take turns."""
        tried = []
        for candidate in interleaved_by_pool(ordered, self.solver.settings.tie_break):
            if run.is_closed(candidate):
                continue
            if totals.is_worth_trying(candidate):
                tried.append(candidate)
            else:
                run.refuse([candidate], "even a deletion would score below the Balanced threshold")
        if not self._gives_reasons:
            yield from self._found_singles(tried, run, totals)
            return
        start, size = 0, _FIRST_SCREENED
        while start < len(tried):
            groups = [[candidate] for candidate in tried[start : start + size]]
            for group, screened in zip(groups, self.screening.screen(groups), strict=True):
                if screened.refusal:
                    run.left_alone[group[0].name] = screened.refusal
                    continue
                command = self._approved(group, run, totals, screened.is_deletion)
                if command is not None:
                    yield command
            start, size = start + size, 4 * size

    def _found_singles(
        self, tried: Sequence[Candidate], run: _Run, totals: PoolTotals
    ) -> Iterator[Command]:
        """Yield a command for each candidate that has one, without looking into the others."""
        columns = self._columns(tried)
        start = 0
        while True:
            found, is_deletion = columns.first_single(self.screening, start)
            if found == len(tried):
                return
            command = self._approved([tried[found]], run, totals, is_deletion)
            if command is not None:
                yield command
            start = found + 1

    def _columns(self, candidates: Sequence[Candidate]) -> CandidateColumns:
        numbers = self.solver.node_number
        return CandidateColumns(
            np.array([numbers[candidate.name] for candidate in candidates], dtype=np.int32),
            np.array([candidate.price for candidate in candidates], dtype=np.float64),
            np.array([candidate.is_spot for candidate in candidates], dtype=np.uint8),
        )

    def _approved(
        self,
        candidates: Sequence[Candidate],
        run: _Run,
        totals: PoolTotals,
        is_deletion: bool = False,
        *,
        same_type_filter: bool = False,
    ) -> Command | None:
        """Return the consolidation command for exactly these candidates, or None."""
        try:
            if is_deletion:
                command = self.consolidation.deletion(candidates)
            else:
                command = self.consolidation.command(candidates)
            if same_type_filter and command.decision == REPLACE:
                command = self.consolidation.without_same_types(command)
        except NoCommand as reason:
            run.refuse(candidates, str(reason))
            return None
        rejection = totals.rejection(command)
        if rejection:
            run.refuse(candidates, rejection)
            return None
        return command


def _node_name(standing: Standing) -> str:
    return standing.node.node_name


def _considers_as(method: str) -> str:
    """The two methods of underutilized nodes consider the same, in the same order."""
    return MULTI_NODE if method == SINGLE_NODE else method


def _same(simulation: Simulation) -> Simulation:
    return simulation


def by_savings_ratio(candidates: Sequence[Candidate], *, stable: bool = False) -> list[Candidate]:
    """Sort, highest ratio first; ties as Go's unstable sort leaves their order, or as they were."""
    ratios = np.array([candidate.savings_ratio for candidate in candidates], dtype=np.float64)
    order = np.argsort(-ratios, kind="stable") if stable else go_order(-ratios)
    return [candidates[i] for i in order]


def interleaved_by_pool(
    ordered: Iterable[Candidate], tie_break: TieBreak = BY_NAME
) -> list[Candidate]:
    """Take the first of each pool, in the order of their names, then the second, and so on."""
    by_pool: dict[str, list[Candidate]] = {}
    for candidate in ordered:
        by_pool.setdefault(candidate.pool.name, []).append(candidate)
    if len(by_pool) == 1:
        return next(iter(by_pool.values()))
    rounds = zip_longest(*(by_pool[name] for name in sorted(by_pool, key=tie_break.key)))
    return [candidate for turn in rounds for candidate in turn if candidate is not None]
