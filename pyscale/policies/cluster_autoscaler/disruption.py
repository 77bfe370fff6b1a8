"""How many pods the disruption budgets still allow to be moved.

Upstream ``core/scaledown/pdb``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...model.disruption import PodDisruptionBudget
from .classes import PodClass
from .selectors import selector_matches


class BudgetTracker:
    """Copies of the budgets' allowances, which simulated removals use up.

    Parameters
    ----------
    budgets : iterable of PodDisruptionBudget
    before : BudgetTracker, optional
        An earlier one; if the budgets select the same pods, what it knows of classes is kept.
    """

    def __init__(
        self,
        budgets: Iterable[PodDisruptionBudget] = (),
        before: BudgetTracker | None = None,
    ) -> None:
        self.budgets = list(budgets)
        self.allowed = [budget.disruptions_allowed for budget in self.budgets]
        self.matches: dict[int, tuple[int, ...]] = {}  # by the index of a class
        if before is not None and before.selects_as(self.budgets):
            self.matches = before.matches

    def selects_as(self, budgets: Sequence[PodDisruptionBudget]) -> bool:
        """Whether other budgets select the same pods, as far as their identity tells."""
        mine = self.budgets
        return len(mine) == len(budgets) and all(
            a is b or (a.selector is b.selector and a.namespace == b.namespace)
            for a, b in zip(mine, budgets, strict=True)
        )

    def matching(self, pod_class: PodClass) -> tuple[int, ...]:
        """Return the positions of the budgets that select a pod."""
        found = self.matches.get(pod_class.index)
        if found is None:
            found = tuple(
                position
                for position, budget in enumerate(self.budgets)
                if budget.namespace == pod_class.namespace
                and selector_matches(budget.selector, pod_class.template.labels)
            )
            self.matches[pod_class.index] = found
        return found

    def blocks(self, pod_class: PodClass) -> bool:
        """Whether a budget allows no disruption of a pod."""
        return any(self.allowed[position] < 1 for position in self.matching(pod_class))

    def remove(self, pods: Mapping[PodClass, int]) -> bool:
        """Use allowances up; return whether every budget allows all of these pods to go at once."""
        counts: dict[int, int] = {}
        for pod_class, number in pods.items():
            for position in self.matching(pod_class):
                counts[position] = counts.get(position, 0) + number
        is_allowed = all(self.allowed[position] >= count for position, count in counts.items())
        for position, count in counts.items():
            self.allowed[position] -= count
        return is_allowed
