"""How the nodes of a run stand as candidates: told by the roster, kind by kind."""

from __future__ import annotations

from collections.abc import Hashable

from pyscale.kernel._candidacy import Candidacy
from pyscale.model.nodes import HOSTNAME_LABEL

from .conditions import SOUND_NS, TYPE_CHECK_AGE_NS, DriftAnswers, TypeOf, drift_of
from .costs import node_price
from .requirements import from_written
from .run_solver import RunSolver
from .solver import Solver
from .standings import (
    HAS_CAPACITY_TYPE,
    HAS_TYPE,
    HAS_ZONE,
    IS_SPOT,
    KEPT,
    MANAGED,
    PATIENT,
    Standing,
    Standings,
    candidacy_of,
    flags_of,
)

# What all nodes of a kind share.
_OF_KINDS = MANAGED | KEPT | PATIENT | HAS_TYPE | HAS_CAPACITY_TYPE | HAS_ZONE | IS_SPOT


class RunStandings:
    """Finds out how nodes stand from look to look.

    A look that was compiled from objects is told by them.
    """

    def __init__(self) -> None:
        self._of_objects = Standings()
        self._shared: tuple[object, object] = (None, None)
        self._candidacy: Candidacy | None = None
        self._answers: dict[Hashable, DriftAnswers] = {}
        self._names_hosts: list[bool] = []
        self._pools: dict[str, int] = {}

    def of(self, solver: Solver, type_of: TypeOf) -> Standing:
        """Return how the nodes of a solver stand, until the next look."""
        if not isinstance(solver, RunSolver):
            return self._of_objects.of(solver, type_of)
        roster, now = solver.roster, solver.now_ns
        pools, types = self._shared
        if solver.node_pools is not pools or solver.types_by_name is not types:
            self._begin(solver)
            self._shared = solver.node_pools, solver.types_by_name
        assert self._candidacy is not None
        for kind, row in roster.strange_kinds().items():
            node = solver.node_in_row(row)
            compiled = type_of(node)
            flags = flags_of(node, compiled) & _OF_KINDS
            roster.set_kind(kind, flags, self._pools.get(node.pool, -1), node_price(node, compiled))
        standing = Standing(self._candidacy, {})
        for number in roster.stand(self._candidacy, now, solver.blocking_classes):
            self._ask(solver, number, standing, type_of)
        return standing

    def _begin(self, solver: RunSolver) -> None:
        self._candidacy = candidacy_of(solver.node_pools)
        self._pools = {pool.name: number for number, pool in enumerate(solver.node_pools)}
        self._answers = {}
        self._names_hosts = [
            HOSTNAME_LABEL in from_written(pool.requirements) for pool in solver.node_pools
        ]
        solver.roster.forget_standing()

    def _ask(self, solver: RunSolver, number: int, standing: Standing, type_of: TypeOf) -> None:
        """Ask whether a node has drifted; those of a kind are alike, but for their names.

        Nothing but their claims and types speaks for a drift in a run.
        """
        roster, pool = solver.roster, standing.candidacy.pool_of(number)
        answers = DriftAnswers()
        if not self._names_hosts[pool]:
            answers = self._answers.setdefault(roster.kind_of(number), answers)
            asks_later = roster.created_ns(number) + TYPE_CHECK_AGE_NS
            if answers.fits and (answers.offered or solver.now_ns <= asks_later):
                roster.set_sound(number, SOUND_NS if answers.offered else asks_later)
                return
        node = solver.nodes[number]
        compiled = type_of(node)
        reason, sound_until_ns = drift_of(node, solver.node_pools[pool], compiled, answers, solver)
        roster.set_sound(number, sound_until_ns)
        if reason:
            standing.set_drifted(number, reason, solver.now_ns)
