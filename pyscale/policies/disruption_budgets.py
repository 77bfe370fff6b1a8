"""What the disruption budgets allow at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pyscale.catalog.matching import is_met
from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.pods import PodTemplate
from pyscale.model.requirements import LabelSelector

from .base import Int64s


class BudgetTable:
    """Budgets over pod classes.

    A bound pod is healthy, and pods that pend are expected; so ``expected`` is the number of
    pods that a controller wants.  Follows kubernetes ``pkg/controller/disruption``: percentages
    of the expected pods are rounded up, a budget without pods allows nothing.
    """

    def __init__(
        self, budgets: Sequence[PodDisruptionBudget], templates: Sequence[PodTemplate]
    ) -> None:
        self._budgets = tuple(budgets)
        covers = [
            [
                template.namespace == budget.namespace
                and budget.selector is not None
                and _selects(budget.selector, template.labels)
                for template in templates
            ]
            for budget in budgets
        ]
        self._covers = np.array(covers, np.bool_).reshape(len(budgets), len(templates))
        self.of_class = tuple(
            tuple(np.flatnonzero(self._covers[:, index]).tolist())
            for index in range(len(templates))
        )
        self._is_empty = [
            budget.selector is not None
            and not budget.selector.match_labels
            and not budget.selector.match_expressions
            for budget in budgets
        ]

    def __len__(self) -> int:
        return len(self._budgets)

    def read_by_preemption(self) -> tuple[tuple[int, ...], ...]:
        """Return the budgets that preemption charges per class: an empty selector covers nobody."""
        return tuple(
            tuple(index for index in covering if not self._is_empty[index])
            for covering in self.of_class
        )

    def allowed(self, pending: Int64s, bound: Int64s) -> Int64s:
        """Return how many more pods each budget lets go, from the pods per class."""
        result = np.zeros(len(self._budgets), np.int64)
        for index, budget in enumerate(self._budgets):
            covered = self._covers[index]
            healthy = int(bound[covered].sum())
            expected = healthy + int(pending[covered].sum())
            if budget.max_unavailable is not None:
                least = expected - _amount(budget.max_unavailable, expected)
            elif budget.min_available is not None:
                least = _amount(budget.min_available, expected)
            else:
                least = 0
            result[index] = max(0, healthy - max(0, least)) if expected else 0
        return result


def _selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        is_met(some, labels.get(some.key)) for some in selector.match_expressions
    )


def _amount(written: int | str, expected: int) -> int:
    if isinstance(written, str) and written.endswith("%"):
        return -(-int(written[:-1]) * expected // 100)
    return int(written)
