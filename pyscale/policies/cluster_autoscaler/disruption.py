"""How many pods the disruption budgets still allow to be moved.

Upstream ``core/scaledown/pdb``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...model.disruption import PodDisruptionBudget
from .classes import PodClass
from .selectors import selector_matches


class BudgetTracker:
    """Copies of the budgets' allowances, which simulated removals use up."""

    def __init__(self, budgets: Iterable[PodDisruptionBudget] = ()) -> None:
        self._budgets = list(budgets)
        self._allowed = [budget.disruptions_allowed for budget in self._budgets]
        self._matching: dict[int, tuple[int, ...]] = {}

    def matching(self, pod_class: PodClass) -> tuple[int, ...]:
        """Return the positions of the budgets that select a pod."""
        found = self._matching.get(pod_class.index)
        if found is None:
            found = tuple(
                position
                for position, budget in enumerate(self._budgets)
                if budget.namespace == pod_class.namespace
                and selector_matches(budget.selector, pod_class.template.labels)
            )
            self._matching[pod_class.index] = found
        return found

    def blocks(self, pod_class: PodClass) -> bool:
        """Whether a budget allows no disruption of a pod."""
        return any(self._allowed[position] < 1 for position in self.matching(pod_class))

    def can_remove_in_parallel(self, pods: Sequence[PodClass]) -> bool:
        """Whether every budget allows all of these pods to go at once."""
        counts: dict[int, int] = {}
        for pod_class in pods:
            for position in self.matching(pod_class):
                counts[position] = counts.get(position, 0) + 1
        return all(self._allowed[position] >= count for position, count in counts.items())

    def remove(self, pods: Iterable[PodClass]) -> None:
        """Use allowances up."""
        for pod_class in pods:
            for position in self.matching(pod_class):
                self._allowed[position] -= 1
