"""Deleting nodes whose pods fit elsewhere, or replacing them by one that is cheaper.

Follows Karpenter core ``pkg/controllers/disruption/consolidation.go``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pyscale.model.catalog import ON_DEMAND, SPOT
from pyscale.model.nodes import CAPACITY_TYPE_LABEL

from .candidates import Candidate
from .instance_types import MAX_PRICE
from .launch_prices import LaunchPrices
from .requirements import from_labels, one_of
from .result import MAX_INSTANCE_TYPES, Claim
from .simulation import Simulation, simulate
from .solver import Solver

DELETE, REPLACE = "delete", "replace"
SPOT_TO_SPOT_TYPES = 15


class NoCommand(Exception):
    """Nothing is done, and this is the reason."""


@dataclass(frozen=True, eq=False)
class Command:
    """What disruption would do: delete the candidates, after launching the replacements.

    Attributes
    ----------
    decision : str
        ``"delete"`` or ``"replace"``.
    candidates : sequence of Candidate
    replacements : tuple of Claim
    simulation : Simulation or None
        Where the pods would go; None for nodes that are deleted because they are empty.
    """

    decision: str
    candidates: Sequence[Candidate]
    replacements: tuple[Claim, ...] = ()
    simulation: Simulation | None = field(default=None, repr=False)

    @property
    def names(self) -> list[str]:
        """Names of the nodes to go, sorted."""
        return sorted(candidate.name for candidate in self.candidates)

    @cached_property
    def source_price(self) -> float:
        """What the candidates cost, dollars per hour."""
        return total_price(self.candidates)

    @cached_property
    def replacement_price(self) -> float:
        """The cheapest available compatible offering of the first type of each replacement."""
        total = 0.0
        for claim in self.replacements:
            price = claim.template.columns.prices(claim.requirements)[claim.ordered_types[0]]
            total += float(price) if price < MAX_PRICE else 0.0
        return total


def total_price(candidates: Sequence[Candidate]) -> float:
    """Return the sum of the candidates' prices, from left to right."""
    total = 0.0
    for candidate in candidates:
        total += candidate.price
    return total


class Consolidation:
    """Consolidation commands for given candidates, over one compiled cluster."""

    def __init__(self, solver: Solver, under_consolidate_after: frozenset[str]) -> None:
        self.solver = solver
        self.under_consolidate_after = under_consolidate_after
        self._prices = LaunchPrices()

    def command(self, candidates: Sequence[Candidate]) -> Command:
        """Return what to do with exactly these candidates.

        Raises
        ------
        NoCommand
            If nothing is gained, or not every pod finds a place.
        """
        simulation = simulate(self.solver, candidates, self.under_consolidate_after)
        if simulation.unplaced:
            raise NoCommand("not every pod finds a place")
        if not simulation.claims:
            return Command(DELETE, candidates, (), simulation)
        if len(simulation.claims) > 1:
            raise NoCommand(f"{len(simulation.claims)} new claims would be needed")
        claim, price = simulation.claims[0], total_price(candidates)
        if all(candidate.is_spot for candidate in candidates) and _allows(claim, SPOT):
            claim = self._spot_to_spot(claim, price, single=len(candidates) == 1)
        else:
            claim = self._cheaper_than(claim, price)
            if _allows(claim, SPOT) and _allows(claim, ON_DEMAND):
                claim = _restricted_to_spot(claim)
        return Command(REPLACE, candidates, (claim,), simulation)

    def _cheaper_than(self, claim: Claim, price: float) -> Claim:
        """Keep the types whose worst launch price is strictly lower; minValues must survive."""
        worst = self._prices.worst(claim.template.columns, claim.requirements)
        # Which types are left is no question of their order.
        if not (worst[claim.type_numbers] < price).any():
            raise NoCommand(f"none of {len(claim.type_numbers)} types is cheaper than {price:g}")
        kept = [i for i in claim.ordered_types[:MAX_INSTANCE_TYPES] if worst[i] < price]
        if not kept:
            raise NoCommand(f"none of {MAX_INSTANCE_TYPES} types is cheaper than {price:g}")
        if claim.template.columns.missed_min_values(kept, claim.requirements):
            raise NoCommand(f"the {len(kept)} types cheaper than {price:g} break minValues")
        return claim.narrowed(kept, claim.requirements)

    def _spot_to_spot(self, claim: Claim, price: float, *, single: bool) -> Claim:
        """A single node moves only if enough types remain, lest it hops to ever cheaper spot."""
        if not self.solver.settings.spot_to_spot_consolidation:
            raise NoCommand("spot-to-spot consolidation is off")
        # Types without a spot offering have no launch price, so that none is cheaper.
        claim = self._cheaper_than(_restricted_to_spot(claim), price)
        types = claim.ordered_types
        if not single:
            return claim
        if len(types) < SPOT_TO_SPOT_TYPES:
            raise NoCommand(
                f"spot-to-spot needs {SPOT_TO_SPOT_TYPES} cheaper types, there are {len(types)}"
            )
        kept = max(SPOT_TO_SPOT_TYPES, _prefix_for_min_values(claim))
        return claim.narrowed(types[:kept], claim.requirements)

    def without_same_types(self, command: Command) -> Command:
        """Replace by a node's own type only what is cheaper than that node (multi-node).

        Raises
        ------
        NoCommand
            If no type remains.
        """
        claim = command.replacements[0]
        columns = claim.template.columns
        prices: dict[str, list[float]] = {}
        for candidate in command.candidates:
            compiled = candidate.instance_type
            if compiled is None:
                continue
            labels = from_labels(candidate.node.labels)
            prices.setdefault(compiled.name, []).extend(
                offer.offering.price
                for offer in compiled.offers
                if labels.compatible(offer.requirements, columns.well_known)
            )
        # A type without a compatible offering counts as free, so that nothing is cheaper.
        shared = [
            min(prices[columns.types[i].name], default=0.0)
            for i in claim.ordered_types
            if columns.types[i].name in prices
        ]
        try:
            claim = self._cheaper_than(claim, min(shared, default=MAX_PRICE))
        except NoCommand as reason:
            raise NoCommand(f"same-type filter: {reason}") from reason
        return dataclasses.replace(command, replacements=(claim,))


def _allows(claim: Claim, capacity_type: str) -> bool:
    return claim.requirements.get_or_exists(CAPACITY_TYPE_LABEL).has(capacity_type)


def _restricted_to_spot(claim: Claim) -> Claim:
    spot = one_of(CAPACITY_TYPE_LABEL, (SPOT,))
    return claim.narrowed(
        claim.ordered_types[:MAX_INSTANCE_TYPES], claim.requirements.merged((spot,))
    )


def _prefix_for_min_values(claim: Claim) -> int:
    """Length of the shortest prefix of the types that reaches every minValues, 0 without any."""
    if not claim.requirements.has_min_values():
        return 0
    columns = claim.template.columns
    return next(
        (
            length
            for length in range(1, len(claim.ordered_types) + 1)
            if not columns.missed_min_values(claim.ordered_types[:length], claim.requirements)
        ),
        0,
    )
