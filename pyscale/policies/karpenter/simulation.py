"""Where the pods of disrupted nodes would go.

Follows Karpenter core ``pkg/controllers/disruption/helpers.go:SimulateScheduling``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .candidates import Candidate
from .result import Claim, Solution
from .solver import Solver


@dataclass(frozen=True, eq=False)
class Simulation:
    """A round without the candidates' nodes.

    ``unplaced`` are the numbers, in the batch, of the pods that have a node now and would have none
    that is known to work.
    """

    solver: Solver
    solution: Solution
    unplaced: tuple[int, ...]

    @property
    def claims(self) -> list[Claim]:
        """The claims that the round would create, for pending pods too (upstream's quirk)."""
        return self.solution.claims

    def placements(self) -> dict[str, list[str]]:
        """Return existing node -> pods that go there, by name and sorted."""
        batch = self.solution.batch
        return {
            self.solver.nodes[number].name: sorted(batch[pod] for pod in pods)
            for number, pods in self.solution.placements.items()
        }


def simulate(
    solver: Solver, candidates: Sequence[Candidate], under: NDArray[np.uint8]
) -> Simulation:
    """Solve without the candidates; the solver stays as it is.

    ``under`` says which nodes take no pod of a candidate, ndarray of uint8, shape (n_nodes,).
    """
    solution = solver.without([candidate.number for candidate in candidates], under)
    # Nobody knows yet whether nodes that are not initialized, the last ones, will work.
    unplaced = solution.raw.unplaced(solver.n_initialized)
    short = [pod for pod in solution.short_of_values if pod >= solution.raw.n_pending]
    if short:
        unplaced = sorted({*unplaced, *short})
    return Simulation(solver, solution, tuple(unplaced))
