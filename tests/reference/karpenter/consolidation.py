"""Deleting or replacing nodes by a cheaper one."""

import dataclasses
from dataclasses import dataclass, field

from .filtering import missed_min_values, prefix_for_min_values
from .instance_types import MAX_PRICE, ordered_by_price
from .labels import CAPACITY_TYPE
from .requirements import one_of, requirements_from_labels
from .simulation import simulate

DELETE, REPLACE = "delete", "replace"
SPOT_TO_SPOT_TYPES = 15


class NoCommand(Exception):
    """The reason why nothing is done."""


@dataclass(eq=False)
class Command:
    decision: str
    candidates: list
    replacements: list = field(default_factory=list)
    placements: dict = field(default_factory=dict)

    @property
    def names(self):
        return sorted(candidate.name for candidate in self.candidates)

    @property
    def replacement_price(self):
        """The cheapest available compatible offering of the first type of each replacement."""
        total = 0.0
        for claim in self.replacements:
            offerings = claim.types[0].compatible_available_offerings(
                claim.requirements, claim.well_known
            )
            total += min((offering.price for offering in offerings), default=0.0)
        return total

    def __str__(self):
        text = f"{self.decision} {' '.join(self.names)}"
        for claim in self.replacements:
            text += f" by one of {len(claim.types)} types of {claim.pool_name}"
        return text


def compute_consolidation(cluster, candidates, conditions, trace, simulation_trace):
    """Raises NoCommand."""
    result = simulate(cluster, candidates, conditions.under_consolidate_after, simulation_trace)
    trace.say(
        "simulation without %s: %s",
        " ".join(candidate.name for candidate in candidates),
        result.summary,
    )
    if result.unplaced:
        raise NoCommand("not every pod finds a place")
    if not result.claims:
        return Command(DELETE, candidates, [], result.placements)
    if len(result.claims) > 1:
        raise NoCommand(f"{len(result.claims)} new claims would be needed")
    claim = result.claims[0]
    price = sum(candidate.price for candidate in candidates)
    types = ordered_by_price(claim.types, claim.requirements, cluster.well_known)
    claim = dataclasses.replace(claim, types=types)
    if all(candidate.is_spot for candidate in candidates) and allows(claim, "spot"):
        claim = spot_to_spot(cluster, claim, price, single=len(candidates) == 1)
    else:
        claim = cheaper_than(claim, price)
        if allows(claim, "spot") and allows(claim, "on-demand"):
            claim = restricted_to_spot(claim)
    return Command(REPLACE, candidates, [claim], result.placements)


def allows(claim, capacity_type):
    return claim.requirements.get_or_exists(CAPACITY_TYPE).has(capacity_type)


def restricted_to_spot(claim):
    requirements = claim.requirements.merged_with({CAPACITY_TYPE: one_of(CAPACITY_TYPE, ["spot"])})
    return dataclasses.replace(claim, requirements=requirements)


def cheaper_than(claim, price):
    """Only types whose worst launch price is strictly lower; minValues must survive."""
    types = [
        instance_type
        for instance_type in claim.types
        if instance_type.worst_launch_price(claim.requirements, claim.well_known) < price
    ]
    if not types:
        raise NoCommand(f"none of {len(claim.types)} types is cheaper than {price:g}")
    if missed_min_values(types, claim.requirements):
        raise NoCommand(f"the {len(types)} types cheaper than {price:g} break minValues")
    return dataclasses.replace(claim, types=types)


def spot_to_spot(cluster, claim, price, single):
    """A single node is only moved when enough types remain, lest it hops to cheaper spot."""
    if not cluster.spot_to_spot:
        raise NoCommand("spot-to-spot consolidation is off")
    claim = restricted_to_spot(claim)
    types = [
        instance_type
        for instance_type in claim.types
        if instance_type.compatible_available_offerings(claim.requirements, claim.well_known)
    ]
    claim = cheaper_than(dataclasses.replace(claim, types=types), price)
    if not single:
        return claim
    if len(claim.types) < SPOT_TO_SPOT_TYPES:
        raise NoCommand(
            f"spot-to-spot needs {SPOT_TO_SPOT_TYPES} cheaper types, there are {len(claim.types)}"
        )
    kept = max(SPOT_TO_SPOT_TYPES, prefix_for_min_values(claim.types, claim.requirements))
    return dataclasses.replace(claim, types=claim.types[:kept])


def without_same_types(command):
    """Multi-node: a node's own type replaces it only where that is cheaper."""
    claim = command.replacements[0]
    prices = {}
    for candidate in command.candidates:
        labels = requirements_from_labels(candidate.node.labels)
        prices.setdefault(candidate.instance_type.name, []).extend(
            offering.price
            for offering in candidate.instance_type.offerings
            if labels.compatible(offering.requirements, claim.well_known)
        )
    # A type without any compatible offering counts as free, so nothing is cheaper than it.
    shared = [
        min(prices[instance_type.name], default=0.0)
        for instance_type in claim.types
        if instance_type.name in prices
    ]
    try:
        claim = cheaper_than(claim, min(shared, default=MAX_PRICE))
    except NoCommand as reason:
        raise NoCommand(f"same-type filter: {reason}") from reason
    return dataclasses.replace(command, replacements=[claim])
