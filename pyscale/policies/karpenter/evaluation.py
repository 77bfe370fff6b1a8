"""One evaluation of a disruption method: what budgets leave, what was found out, and the result."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .candidates import Candidate
from .consolidation import Command

if TYPE_CHECKING:
    from .disruption import Disruption

#: Numbers of nodes.
Numbers = NDArray[np.int32]


class Run:
    """An evaluation under way: what is left of budgets by pool, and why nodes are left alone."""

    def __init__(self, state: Disruption, method: str, budgets: list[int]) -> None:
        self.state, self.method, self.budgets = state, method, budgets
        self.is_constrained = False
        self.gives_reasons = state.gives_reasons
        self.left_alone: dict[str, str] = state.refusals(method) if self.gives_reasons else {}

    def refuse(self, numbers: Iterable[int], reason: str) -> None:
        """Note why nodes are left alone, if reasons are asked for."""
        if self.gives_reasons:
            for number in numbers:
                self.left_alone[self.state.solver.name_of(number)] = reason

    def is_closed(self, number: int) -> bool:
        """Say whether the budget of a node's pool is used up, and note it."""
        pool = self.state.candidacy.pool_of(number)
        if self.budgets[pool] > 0:
            return False
        self.is_constrained = True
        name = self.state.pools[pool].name
        self.refuse([number], f"the budgets of NodePool {name} allow no further disruption")
        return True

    def within_budgets(self, numbers: Numbers) -> Numbers:
        """Take as many as the budgets of their pools allow, in order."""
        if len(self.budgets) == 1 and (self.budgets[0] >= len(numbers) or not self.gives_reasons):
            allowed = numbers[: self.budgets[0]]
            self.is_constrained |= len(allowed) < len(numbers)
            return allowed
        taken = []
        for number in numbers.tolist():
            if not self.is_closed(number):
                self.budgets[self.state.candidacy.pool_of(number)] -= 1
                taken.append(number)
        return np.array(taken, np.int32)

    def open(self, numbers: Numbers) -> Numbers:
        """Take those whose pools have any budget left."""
        if len(self.budgets) == 1 and self.budgets[0] > 0:
            return numbers
        return np.array([each for each in numbers.tolist() if not self.is_closed(each)], np.int32)


class MethodResult:
    """What one method would do.

    Attributes
    ----------
    command : Command or None
    is_constrained : bool
        Whether budgets kept candidates from being considered.
    """

    def __init__(self, run: Run, candidates: Numbers, command: Command | None) -> None:
        self._run, self._candidates = run, candidates
        self.command = command
        self.is_constrained = run.is_constrained

    @cached_property
    def candidates(self) -> list[Candidate]:
        """The candidates, in the order of node names."""
        return [self._run.state.candidate(number) for number in sorted(self._candidates.tolist())]

    @cached_property
    def budgets(self) -> dict[str, int]:
        """How many nodes of each pool may be disrupted for the method's reason."""
        state = self._run.state
        names = [pool.name for pool in state.pools]
        return dict(zip(names, state.budgets_for(self._run.method), strict=True))

    @property
    def left_alone(self) -> dict[str, str]:
        """Name of each node that is not disrupted -> why.

        Of candidates, as far as they were looked at and reasons were asked for.
        """
        return self._run.left_alone
