"""Deleting nodes whose pods fit elsewhere, or replacing them by one that is cheaper.

Follows Karpenter core ``pkg/controllers/disruption/consolidation.go``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pyscale.model.catalog import ON_DEMAND, SPOT
from pyscale.model.nodes import CAPACITY_TYPE_LABEL

from .candidates import Candidate
from .claim_types import MAX_INSTANCE_TYPES
from .instance_types import MAX_PRICE, CompiledType
from .labels import normalize_key
from .launch_prices import LaunchPrices
from .requirements import from_labels, one_of
from .result import Claim
from .screening import (
    NOT_PLACED,
    SPOT_TO_SPOT_OFF,
    too_dear,
    too_many_claims,
    total_price,
)
from .simulation import Simulation, simulate
from .solver import Solver

DELETE, REPLACE = "delete", "replace"
SPOT_TO_SPOT_TYPES = 15

_UNSEEN = math.inf


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
    run : callable, optional
        Makes the simulation.
    """

    decision: str
    candidates: Sequence[Candidate]
    replacements: tuple[Claim, ...] = ()
    run: Callable[[], Simulation] | None = field(default=None, repr=False)

    @cached_property
    def simulation(self) -> Simulation | None:
        """Where the pods would go; None for nodes that are deleted because they are empty."""
        return None if self.run is None else self.run()

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


class Consolidation:
    """Consolidation commands for given candidates, over one compiled cluster.

    ``under`` says which nodes take no pod of a candidate.
    """

    def __init__(self, solver: Solver, under: NDArray[np.uint8], prices: LaunchPrices) -> None:
        self.solver = solver
        self._under = under
        self._prices = prices
        self._own_prices: dict[int, float] = {}
        self._prices_by_labels: dict[tuple[CompiledType, frozenset[tuple[str, str]]], float] = {}

    def command(self, candidates: Sequence[Candidate]) -> Command:
        """Return what to do with exactly these candidates.

        Raises
        ------
        NoCommand
            If nothing is gained, or not every pod finds a place.
        """
        simulation = simulate(self.solver, candidates, self._under)
        if simulation.unplaced:
            raise NoCommand(NOT_PLACED)
        n_claims = simulation.solution.n_claims
        if not n_claims:
            return Command(DELETE, candidates, (), lambda: simulation)
        if n_claims > 1:
            raise NoCommand(too_many_claims(n_claims))
        claim, price = simulation.claims[0], total_price(candidates)
        if all(candidate.is_spot for candidate in candidates) and _allows(claim, SPOT):
            claim = self._spot_to_spot(claim, price, single=len(candidates) == 1)
        else:
            claim = self._cheaper_than(claim, price)
            if _allows(claim, SPOT) and _allows(claim, ON_DEMAND):
                claim = _restricted_to_spot(claim)
        return Command(REPLACE, candidates, (claim,), lambda: simulation)

    def worst_launch_price(self, claim: Claim) -> float:
        """Return what the claim costs at worst, whichever type is launched that can be; else 0."""
        worst = self._prices.worst(claim.template.columns, claim.requirements)[claim.type_numbers]
        return float(worst[worst < MAX_PRICE].max(initial=0.0))

    def deletion(self, candidates: Sequence[Candidate]) -> Command:
        """Return the command for candidates of which it is known that nothing replaces them."""
        return Command(
            DELETE, candidates, (), lambda: simulate(self.solver, candidates, self._under)
        )

    def _cheaper_than(self, claim: Claim, price: float) -> Claim:
        """Keep the types whose worst launch price is strictly lower; minValues must survive."""
        worst = self._prices.worst(claim.template.columns, claim.requirements)
        # Which types are left is no question of their order.
        if not (worst[claim.type_numbers] < price).any():
            raise NoCommand(too_dear(len(claim.type_numbers), price))
        ordered = claim.launch.named
        kept = ordered[worst[ordered] < price].tolist()
        if not kept:
            raise NoCommand(too_dear(MAX_INSTANCE_TYPES, price))
        if claim.template.columns.missed_min_values(kept, claim.requirements):
            raise NoCommand(f"minValues is not met by the {len(kept)} types below ${price:g}")
        return claim.narrowed(kept, claim.requirements)

    def _spot_to_spot(self, claim: Claim, price: float, *, single: bool) -> Claim:
        """A single node moves only if enough types remain, lest it hops to ever cheaper spot."""
        if not self.solver.settings.spot_to_spot_consolidation:
            raise NoCommand(SPOT_TO_SPOT_OFF)
        # Types without a spot offering have no launch price, so that none is cheaper.
        claim = self._cheaper_than(_restricted_to_spot(claim), price)
        types = claim.ordered_types
        if not single:
            return claim
        if len(types) < SPOT_TO_SPOT_TYPES:
            raise NoCommand(
                f"SpotToSpotConsolidation requires {SPOT_TO_SPOT_TYPES} cheaper instance type "
                f"options, got {len(types)}"
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
        least: dict[CompiledType, float] = {}
        for candidate in command.candidates:
            compiled = candidate.instance_type
            if compiled is not None:
                price = self._own_price(candidate)
                if price < least.get(compiled, _UNSEEN):
                    least[compiled] = price
        replaceable = {*claim.ordered_types}
        # A type without a compatible offering counts as free, so that nothing is cheaper.
        shared = [
            0.0 if price == MAX_PRICE else price
            for compiled, price in least.items()
            if columns.number_of.get(compiled.name, -1) in replaceable
        ]
        try:
            claim = self._cheaper_than(claim, min(shared, default=MAX_PRICE))
        except NoCommand as reason:
            raise NoCommand(f"same-type filter: {reason}") from reason
        return dataclasses.replace(command, replacements=(claim,))

    def _own_price(self, candidate: Candidate) -> float:
        """Return the cheapest offering of its type that the node's labels allow, sold or not.

        The largest float without any.
        """
        known = self._own_prices.get(candidate.number)
        if known is not None:
            return known
        compiled = candidate.instance_type
        assert compiled is not None
        keys = {key for offer in compiled.offers for key in offer.requirements.keys}
        # Labels that no offering asks for can't matter.
        labels = frozenset(
            item for item in candidate.node.labels.items() if normalize_key(item[0]) in keys
        )
        identity = (compiled, labels)
        if identity not in self._prices_by_labels:
            requirements = from_labels(dict(labels))
            self._prices_by_labels[identity] = min(
                (
                    offer.offering.price
                    for offer in compiled.offers
                    if requirements.compatible(offer.requirements, self.solver.well_known)
                ),
                default=MAX_PRICE,
            )
        price = self._own_prices[candidate.number] = self._prices_by_labels[identity]
        return price


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
