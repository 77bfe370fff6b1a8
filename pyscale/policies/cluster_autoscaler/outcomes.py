"""What the drain rules and the disruption budgets say of pods, by class, as numbers.

The planner asks for thousands of pods per iteration; all but a few are settled by their class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .classes import PodClass
from .disruption import BudgetTracker
from .drain import (
    CONTROLLER_NOT_FOUND,
    DRAIN,
    KUBE_SYSTEM_POD,
    LOCAL_STORAGE,
    MIN_REPLICAS,
    MOVE,
    NOT_ENOUGH_BUDGET,
    NOT_REPLICATED,
    NOT_SAFE,
    SKIP,
    WAIT,
    DrainRules,
)
from .world import Int32s

ASK, SKIPPED, MOVED, WAITS, BLOCKS = range(5)  # as in ``Removals.begin``
REASONS = (
    CONTROLLER_NOT_FOUND,
    MIN_REPLICAS,
    NOT_REPLICATED,
    KUBE_SYSTEM_POD,
    NOT_SAFE,
    LOCAL_STORAGE,
    NOT_ENOUGH_BUDGET,
)
_CODES = {
    SKIP: SKIPPED,
    DRAIN: MOVED,
    MOVE: MOVED,
    WAIT: WAITS,
    **{reason: BLOCKS + number for number, reason in enumerate(REASONS)},
}
_NO_BUDGET = _CODES[NOT_ENOUGH_BUDGET]

Codes = NDArray[np.int8]


def code_of(outcome: str) -> int:
    """Return the number of an outcome of the rules."""
    return _CODES[outcome]


def reason_of(code: int) -> str:
    """Return the reason of a number from BLOCKS on."""
    return REASONS[code - BLOCKS]


class Outcomes:
    """Outcomes by class for one observation; ``codes`` follows the budgets as they are used up.

    ``has_budgets`` if any pod is covered by one.

    Parameters
    ----------
    rules : DrainRules
    table : sequence of PodClass
        All classes, by index.
    budgets : BudgetTracker
    """

    def __init__(
        self, rules: DrainRules, table: Sequence[PodClass], budgets: BudgetTracker
    ) -> None:
        self._rules = rules
        self._table = table
        self._budgets = budgets
        n = len(table)
        self._by_rules: Codes = np.zeros(n, np.int8)
        self._is_budgeted: NDArray[np.bool_] = np.zeros(n, np.bool_)
        self._refusable: dict[int, list[int]] = {}  # budget -> classes that it can hold back
        for index, pod_class in enumerate(table):
            self._add(index, pod_class)
        self.has_budgets = bool(self._is_budgeted.any())
        self.codes = self._by_rules

    def _add(self, index: int, pod_class: PodClass) -> None:
        matching = self._budgets.matching(pod_class)
        self._is_budgeted[index] = bool(matching)
        if pod_class.terminating:
            return  # the time decides
        outcome = self._rules.of_class(pod_class)
        if outcome == KUBE_SYSTEM_POD:
            if not matching:
                return  # the age decides
            outcome = self._rules.late_rules(pod_class)
        self._by_rules[index] = _CODES[outcome]
        if outcome == MOVE:
            for position in matching:
                self._refusable.setdefault(position, []).append(index)

    def is_for(self, rules: DrainRules, table: Sequence[PodClass], budgets: BudgetTracker) -> bool:
        """Whether this holds for another observation too, once it begins with its budgets."""
        return (
            rules is self._rules
            and table is self._table
            and len(table) == len(self._by_rules)
            and self._budgets.selects_as(budgets.budgets)
        )

    def begin(self, budgets: BudgetTracker) -> None:
        """Take in what the budgets allow now."""
        self._budgets = budgets
        self.codes = self._by_rules
        if self._refusable:
            self.codes = self._by_rules.copy()
            self._refuse(range(len(budgets.allowed)))

    def _refuse(self, positions: Sequence[int]) -> None:
        allowed = self._budgets.allowed
        for position in positions:
            if allowed[position] < 1 and position in self._refusable:
                self.codes[self._refusable[position]] = _NO_BUDGET

    def remove(self, classes: Int32s) -> bool:
        """Use the budgets of moved pods up; return whether they may all go at once."""
        found, counts = np.unique(classes[self._is_budgeted[classes]], return_counts=True)
        if not len(found):
            return True
        moved = {
            self._table[index]: count
            for index, count in zip(found.tolist(), counts.tolist(), strict=True)
        }
        is_allowed = self._budgets.remove(moved)
        touched = {p for pod_class in moved for p in self._budgets.matching(pod_class)}
        self._refuse(sorted(touched))
        return is_allowed

    def of_pod(self, pod: int, index: int, now: int) -> int:
        """Return the code of a pod that its class does not settle."""
        return _CODES[self._rules.outcome(pod, self._table[index], self._budgets, now)]
