"""The disruption methods, each evaluated on the same state.

Follows Karpenter core ``pkg/controllers/disruption``: ``emptiness.go``, ``drift.go``,
``multinodeconsolidation.go``, ``singlenodeconsolidation.go``.  Where upstream iterates over a hash
map, names rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import zip_longest
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pyscale.model.nodes import INSTANCE_TYPE_LABEL
from pyscale.model.times import MINUTE

from .balanced import PoolTotals
from .budgets import UNLIMITED, budgets_of_pools
from .candidates import (
    DRIFT,
    EMPTINESS,
    METHODS,
    MULTI_NODE,
    REASONS,
    Candidate,
    is_eligible,
    refusal_text,
)
from .conditions import TYPE_CHECK_AGE_NS, Conditions, TypeOf
from .consolidation import DELETE, REPLACE, Command, Consolidation, NoCommand
from .evaluation import MethodResult, Numbers, Run
from .instance_types import CompiledType
from .launch_prices import LaunchPrices
from .parity import BY_NAME, UNSTABLE_SORT, TieBreak
from .screening import NOT_PLACED, Screening
from .simulation import Simulation, simulate
from .solver import Solver
from .standings import Standing, Standings
from .state import StateNode

#: The binary search of multi-node consolidation ends here, so that at most 101 nodes go at once.
MULTI_NODE_LAST_INDEX = 100

# How many candidates are simulated at once at first, then four times as many.
_FIRST_SCREENED = 16

_NUMBER = {method: number for number, method in enumerate(METHODS)}

_NO_BUDGETS: list[int] = []


class KnownStandings(Protocol):
    """Finds out how nodes stand, and may remember it."""

    def of(self, solver: Solver, type_of: TypeOf) -> Standing:
        """Return how the nodes of a solver stand."""


class Disruption:
    """What Karpenter would disrupt in a cluster, method by method; nothing is executed.

    Parameters
    ----------
    solver : Solver
        The compiled cluster; all simulations run over it.
    prices : LaunchPrices, optional
        What was looked up before over the same templates.
    known : KnownStandings, optional
        What was found out before about nodes that have not changed.
    reasons : bool
        Whether results say why candidates of consolidation are left alone; without, what-ifs end
        as soon as nothing can come of them.

    Attributes
    ----------
    pools : tuple of NodePool
        In the order of their numbers.
    candidacy : Candidacy
        The kernel that knows how nodes stand, by the solver's numbers.
    """

    def __init__(
        self,
        solver: Solver,
        prices: LaunchPrices | None = None,
        known: KnownStandings | None = None,
        *,
        reasons: bool = True,
    ) -> None:
        self.solver = solver
        self.gives_reasons = reasons
        self.pools = solver.node_pools
        self.candidacy, self._drifted = (known or Standings()).of(solver, self.type_of)
        self._set_ties()
        self._orders: dict[str, Numbers] = {}
        self._budgets: dict[str, list[int]] = {}
        self._candidates: dict[int, Candidate] = {}
        self._prices = prices or LaunchPrices()
        self.screening = Screening(solver, self.candidacy, self._prices)
        self._totals: PoolTotals | None = None

    def _set_ties(self) -> None:
        """Numbers are in the order of names; ties may be drawn instead."""
        tie_break = self.solver.settings.tie_break
        if tie_break.seed is not None:
            nodes = self.solver.nodes
            by_tie = sorted(range(len(nodes)), key=lambda i: tie_break.key(nodes[i].name))
            self.candidacy.set_ties(np.array(by_tie, np.int32))

    @cached_property
    def _types_of_pool(self) -> dict[str, dict[str, CompiledType]]:
        everything, seen = self.solver.types_by_name, self.solver.seen_types
        return {
            pool.name: {name: everything[name] for name in seen[pool.name]}
            if pool.name in seen
            else everything
            for pool in self.pools
        }

    def type_of(self, node: StateNode) -> CompiledType | None:
        """Return the type of a node among those of its pool, None if it is unknown."""
        return self._types_of_pool.get(node.pool, {}).get(node.labels.get(INSTANCE_TYPE_LABEL, ""))

    # ---------------------------------------------------------------- what is known of nodes

    @cached_property
    def consolidation(self) -> Consolidation:
        """Makes the commands of consolidation."""
        return Consolidation(self.solver, self.under, self._prices)

    @cached_property
    def under(self) -> NDArray[np.uint8]:
        """Initialized nodes on which something happened too recently for ``consolidateAfter``.

        ndarray of uint8, shape (n_nodes,).
        """
        return self.candidacy.under()

    @cached_property
    def conditions(self) -> Conditions:
        """Which nodes are Consolidatable and Drifted, by name."""
        nodes = self.solver.nodes
        return Conditions(
            frozenset(nodes[number].name for number in self.candidacy.rested()),
            frozenset(nodes[number].name for number in np.flatnonzero(self.under).tolist()),
            {nodes[number].name: drift for number, drift in self._drifted.items()},
        )

    def candidate(self, number: int) -> Candidate:
        """Return a node that may be disrupted, with what that costs."""
        known = self._candidates.get(number)
        if known is None:
            pool = self.pools[self.candidacy.pool_of(number)]
            worth = self.candidacy.worth(number)
            name, nodes = self.solver.name_of(number), self.solver.nodes
            known = Candidate(number, name, pool, *worth, nodes, self.type_of)
            self._candidates[number] = known
        return known

    def refusals(self, method: str) -> dict[str, str]:
        """Return why a method leaves nodes alone, by the names of these nodes."""
        found = {}
        for number, node in enumerate(self.solver.nodes):
            refusal = self.candidacy.refusal(number, _NUMBER[method])
            if refusal:
                found[node.name] = refusal_text(refusal, node, partial(self.solver.blocker, node))
        return found

    def has_candidates(self, method: str) -> bool:
        """Say whether a method has any."""
        return self.candidacy.has_any(_NUMBER[method])

    def number_of_candidate(self, method: str, name: str) -> int | None:
        """Return the number of a node if it is a candidate of a method, else None."""
        try:
            number = self.solver.number_of(name)
        except KeyError:
            return None
        return None if self.candidacy.refusal(number, _NUMBER[method]) else number

    def next_change_ns(self) -> int:
        """Return when time alone may next change the outcome of a pass.

        Nodes become consolidatable or old enough for their type to be checked; nominations, budget
        windows and do-not-disrupt annotations end, and a window may open at any minute.
        """
        now = self.solver.now_ns
        if self.solver.has_timed_pods:
            return now
        change = self.candidacy.next_change(TYPE_CHECK_AGE_NS)
        if any(
            budget.schedule is not None for pool in self.pools for budget in pool.disruption.budgets
        ):
            return min(change, now - now % MINUTE + MINUTE)
        return change

    def budgets_for(self, method: str) -> list[int]:
        """Return, per pool, how many nodes may be disrupted for a method's reason."""
        reason = REASONS[method]
        known = self._budgets.get(reason)
        if known is None:
            known = self._budgets[reason] = budgets_of_pools(
                self.pools, self.candidacy.counts(), reason, self.solver.now_ns
            )
        return known

    # ---------------------------------------------------------------- methods

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

        Raises
        ------
        KeyError
            If there is no node of the name ``only``.
        """
        ordered = self._in_order(method)
        considered, budgets = ordered, _NO_BUDGETS
        if only is not None:
            considered = ordered[ordered == self.solver.number_of(only)]
            budgets = [UNLIMITED] * len(self.pools)
        elif len(ordered):
            budgets = [*self.budgets_for(method)]
        run = Run(self, method, budgets)
        command = None
        if compute and len(considered):
            command = self._compute(method, considered, run)
        return MethodResult(run, ordered, command)

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
        ordered = self._in_order(method)
        run = Run(self, method, [UNLIMITED] * len(self.pools))
        if method == EMPTINESS:
            alone = [self.candidate(number) for number in ordered.tolist()]
            commands: Iterable[Command] = (Command(DELETE, [each]) for each in alone)
        elif method == DRIFT:
            found = (self._drift(ordered[i : i + 1], run) for i in range(len(ordered)))
            commands = (command for command in found if command is not None)
        else:
            commands = self._singles(ordered, run, self._totals_of_pools())
        return {command.candidates[0].name: command for command in commands}, run.left_alone

    def _in_order(self, method: str) -> Numbers:
        """Return the candidates of a method in the order in which it tries them."""
        considers = _considers_as(method)
        known = self._orders.get(considers)
        if known is None:
            known = self.candidacy.in_order(_NUMBER[method], self._is_stable)
            self._orders[considers] = known
        return known

    @property
    def _is_stable(self) -> bool:
        return UNSTABLE_SORT in self.solver.settings.repaired

    def _totals_of_pools(self) -> PoolTotals:
        if self._totals is None:
            self._totals = PoolTotals(self.solver, self._eligible, self.type_of)
        return self._totals

    def _eligible(self) -> list[Candidate]:
        """Return the nodes that no method but drift rules out at once, in the order of names."""
        number = _NUMBER[EMPTINESS]
        return [
            self.candidate(i)
            for i in range(len(self.candidacy))
            if is_eligible(self.candidacy.refusal(i, number))
        ]

    def _compute(self, method: str, ordered: Numbers, run: Run) -> Command | None:
        if method == DRIFT:
            return self._drift(ordered, run)
        if method == EMPTINESS:
            taken = [self.candidate(number) for number in run.within_budgets(ordered).tolist()]
            return Command(DELETE, taken) if taken else None
        totals = self._totals_of_pools()
        if method == MULTI_NODE:
            return self._multi_node(ordered, run, totals)
        return next(self._singles(ordered, run, totals), None)

    def _drift(self, ordered: Numbers, run: Run) -> Command | None:
        """Take the first node whose pods find a place."""
        under = self.solver.under(())
        for number in ordered.tolist():
            if run.is_closed(number):
                continue
            candidate = self.candidate(number)
            simulation = simulate(self.solver, [candidate], under)
            if not simulation.unplaced:
                decision = REPLACE if simulation.claims else DELETE
                claims = tuple(simulation.claims)
                return Command(decision, [candidate], claims, partial(_same, simulation))
            run.refuse([number], NOT_PLACED)
        return None

    def _multi_node(self, ordered: Numbers, run: Run, totals: PoolTotals) -> Command | None:
        """Search the longest prefix that can be consolidated, by bisection."""
        taken = run.within_budgets(ordered)
        if len(taken) < 2:
            run.refuse(taken.tolist(), "no other node could be consolidated with it")
            return None
        low = 1
        high = min(len(taken) - 1, MULTI_NODE_LAST_INDEX)
        best = None
        while low <= high:
            middle = (low + high) // 2
            is_refused = is_deletion = False
            if not self.gives_reasons:
                is_refused, is_deletion = self.screening.first.together(taken, middle + 1)
            command = None
            if not is_refused:
                group = taken[: middle + 1].tolist()
                command = self._approved(group, run, totals, is_deletion, same_type_filter=True)
            if command is not None:
                best, low = command, middle + 1
            else:
                high = middle - 1
        return best

    def _singles(self, ordered: Numbers, run: Run, totals: PoolTotals) -> Iterator[Command]:
        """Yield a command for each candidate that has one; the pools take turns."""
        tried = run.open(self._interleaved(ordered))
        if totals.has_any:
            worth = []
            for number in tried.tolist():
                if totals.is_worth_trying(self.candidate(number)):
                    worth.append(number)
                else:
                    run.refuse([number], "even a deletion would score below the Balanced threshold")
            tried = np.array(worth, np.int32)
        if not self.gives_reasons:
            yield from self._found_singles(tried, run, totals)
            return
        start, size = 0, _FIRST_SCREENED
        while start < len(tried):
            groups = [[number] for number in tried[start : start + size].tolist()]
            for group, screened in zip(groups, self.screening.screen(groups), strict=True):
                if screened.refusal:
                    run.refuse(group, screened.refusal)
                    continue
                command = self._approved(group, run, totals, screened.is_deletion)
                if command is not None:
                    yield command
            start, size = start + size, 4 * size

    def _found_singles(self, tried: Numbers, run: Run, totals: PoolTotals) -> Iterator[Command]:
        """Yield a command for each candidate that has one, without looking into the others."""
        start, first = 0, self.screening.first
        while True:
            found, is_deletion = first.first_alone(tried, start)
            if found == len(tried):
                return
            command = self._approved([int(tried[found])], run, totals, is_deletion)
            if command is not None:
                yield command
            start = found + 1

    def _interleaved(self, ordered: Numbers) -> Numbers:
        if len(self.pools) == 1:
            return ordered
        return interleaved_by_pool(
            ordered,
            [self.candidacy.pool_of(number) for number in ordered.tolist()],
            [pool.name for pool in self.pools],
            self.solver.settings.tie_break,
        )

    def _approved(
        self,
        numbers: Sequence[int],
        run: Run,
        totals: PoolTotals,
        is_deletion: bool = False,
        *,
        same_type_filter: bool = False,
    ) -> Command | None:
        """Return the consolidation command for exactly these nodes, or None."""
        candidates = [self.candidate(number) for number in numbers]
        try:
            if is_deletion:
                command = self.consolidation.deletion(candidates)
            else:
                command = self.consolidation.command(candidates)
            if same_type_filter and command.decision == REPLACE:
                command = self.consolidation.without_same_types(command)
        except NoCommand as reason:
            run.refuse(numbers, str(reason))
            return None
        rejection = totals.rejection(command)
        if rejection:
            run.refuse(numbers, rejection)
            return None
        return command


def _considers_as(method: str) -> str:
    """The two methods of underutilized nodes consider the same, in the same order."""
    return MULTI_NODE if _NUMBER[method] > _NUMBER[MULTI_NODE] else method


def _same(simulation: Simulation) -> Simulation:
    return simulation


def interleaved_by_pool(
    ordered: Numbers, pools: Sequence[int], names: Sequence[str], tie_break: TieBreak = BY_NAME
) -> Numbers:
    """Take the first of each pool, in the order of their names, then the second, and so on.

    Parameters
    ----------
    ordered : ndarray of int32, shape (n,)
    pools : sequence of int
        Number of the pool of each.
    names : sequence of str
        By number of the pool.
    tie_break : TieBreak
    """
    by_pool: dict[int, list[int]] = {}
    for number, pool in zip(ordered.tolist(), pools, strict=True):
        by_pool.setdefault(pool, []).append(number)
    turns = zip_longest(
        *(by_pool[pool] for pool in sorted(by_pool, key=lambda pool: tie_break.key(names[pool])))
    )
    return np.array([each for turn in turns for each in turn if each is not None], np.int32)
