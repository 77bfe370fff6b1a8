"""What a round decided: claims to create, pods on existing nodes, pods without a place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyscale.model.nodes import CAPACITY_TYPE_LABEL, INSTANCE_TYPE_LABEL

from .daemons import minimum_overhead
from .instance_types import MAX_PRICE, CompiledType
from .labels import SIMULATION_ONLY
from .requirements import Requirements, one_of
from .templates import Template

MAX_INSTANCE_TYPES = 600


@dataclass(eq=False)
class Claim:
    """A NodeClaim that the round would create.

    ``pods`` are numbers in the round's batch, ``columns`` the bitset of columns that are left,
    ``requests`` the sum over the pods in nano-units; what the created NodeClaim says is computed
    when it is asked for.
    """

    template: Template
    requirements: Requirements
    columns: int
    requests: Mapping[str, int]
    pods: Sequence[int]
    min_values_relaxed: bool = False

    @property
    def pool(self) -> str:
        """The NodePool's name."""
        return self.template.pool.name

    @cached_property
    def type_numbers(self) -> NDArray[np.intp]:
        """Numbers of all types that are left, in no order that means anything."""
        return np.array(self.template.columns.types_of(self.columns), dtype=np.intp)

    @cached_property
    def ordered_types(self) -> list[int]:
        """Numbers of all types that are left, cheapest first, ties as upstream leaves them."""
        columns = self.template.columns
        groups = self.template.groups
        if len(groups) == 1:
            current = columns.types_of(self.columns)
        else:
            current = [
                i for group in groups for i in columns.types_of(self.columns & group.columns)
            ]
        return columns.ordered_by_price(current, self.requirements)

    @property
    def types(self) -> list[CompiledType]:
        """The types that the NodeClaim names, in price order, at most 600."""
        columns = self.template.columns
        return [columns.types[i] for i in self.ordered_types[:MAX_INSTANCE_TYPES]]

    @cached_property
    def total_requests(self) -> dict[str, int]:
        """The pods' requests and the least that daemons add."""
        left = 0
        columns = self.template.columns
        for i in self.ordered_types[:MAX_INSTANCE_TYPES]:
            first, end = columns.first_column[i], columns.first_column[i + 1]
            left |= ((1 << end) - 1) ^ ((1 << first) - 1)
        total = dict(self.requests)
        for name, amount in minimum_overhead(self.template.groups, left).items():
            total[name] = total.get(name, 0) + amount
        return total

    @cached_property
    def final_requirements(self) -> Requirements:
        """What the created NodeClaim requires, its types and their capacity types included."""
        held = self.requirements.get(INSTANCE_TYPE_LABEL)
        names = one_of(INSTANCE_TYPE_LABEL, (compiled.name for compiled in self.types))
        if held is not None:
            names = names.with_min_values(held.min_values)
        requirements = self.requirements.merged((names,))
        well_known = self.template.columns.well_known
        capacity_types = {
            offer.offering.capacity_type
            for compiled in self.types
            for offer in compiled.offers
            if offer.offering.available and requirements.compatible(offer.requirements, well_known)
        }
        if capacity_types:
            requirements = requirements.merged((one_of(CAPACITY_TYPE_LABEL, capacity_types),))
        return requirements.without(SIMULATION_ONLY)

    @property
    def cheapest_price(self) -> float:
        """Lowest price of an available offering compatible with the final requirements."""
        prices = self.template.columns.prices(self.final_requirements)
        chosen = self.ordered_types[:MAX_INSTANCE_TYPES]
        return float(min((prices[i] for i in chosen), default=MAX_PRICE))

    def narrowed(self, types: Sequence[int], requirements: Requirements) -> Claim:
        """Return the claim with fewer types, in their order, and these requirements."""
        narrowed = dataclasses.replace(self, requirements=requirements)
        narrowed.ordered_types = list(types)
        narrowed.type_numbers = np.array(types, dtype=np.intp)
        # What it requests was settled with the types that it had.
        narrowed.total_requests = self.total_requests
        return narrowed

    def breaks_min_values(self) -> bool:
        """Say whether the cut to 600 types leaves too few values."""
        if not self.requirements.has_min_values():
            return False
        kept = self.ordered_types[:MAX_INSTANCE_TYPES]
        return bool(self.template.columns.missed_min_values(kept, self.requirements))

    def to_dict(self, pod_names: Sequence[str]) -> dict[str, Any]:
        """Return the claim as plain data; ``pod_names`` are those of the batch."""
        return {
            "nodePool": self.pool,
            "pods": sorted(pod_names[i] for i in self.pods),
            "instanceTypes": [compiled.name for compiled in self.types],
            "instanceTypesBeforeTruncation": len(self.ordered_types),
            "requirements": self.final_requirements.entries(),
            "requests": self.total_requests,
            "cheapestPrice": self.cheapest_price,
            "minValuesRelaxed": self.min_values_relaxed,
        }


@dataclass(eq=False)
class Solution:
    """The outcome of a round.

    ``placements`` maps the number of an existing node (``Solver.nodes``) to pods of the batch;
    ``errors`` a pod of the batch to the reason, ``;`` between those of several templates.
    """

    batch: Sequence[str]
    claims: list[Claim]
    placements: dict[int, list[int]]
    errors: dict[int, str]
    ignored: Mapping[str, str] = field(default_factory=dict)
