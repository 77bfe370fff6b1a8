"""What a round decided: claims to create, pods on existing nodes, pods without a place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._provision_outcome import Outcome

from .claim_types import MAX_INSTANCE_TYPES, ClaimTypes
from .daemons import minimum_overhead, pod_name
from .instance_types import MAX_PRICE, CompiledType
from .listed import Listed
from .requirements import Requirements
from .templates import Template

if TYPE_CHECKING:
    from .tables import ClusterTables

#: The kernel's codes of why a template refuses a pod.
REASONS = (
    "",
    "taints",
    "requirements",
    "volume",
    "topology",
    "types",
    "min-values",
    "limits",
    "node-limits",
    "reserved-offering",
)


@dataclass(eq=False)
class Claim:
    """A NodeClaim that the round would create.

    ``launch`` is what it may be, ``pods`` are numbers in the round's batch, ``requested`` returns
    the sum over the pods in nano-units; what the created NodeClaim says is computed when it is
    asked for.  ``whole`` is the claim that this one was narrowed from: what it requests was settled
    with the types that it had.
    """

    launch: ClaimTypes
    requested: Callable[[], Mapping[str, int]]
    pods: Sequence[int]
    min_values_relaxed: bool = False
    whole: Claim | None = field(default=None, repr=False)

    @property
    def template(self) -> Template:
        """The template that it was opened from."""
        return self.launch.template

    @property
    def requirements(self) -> Requirements:
        """What it requires, without its types."""
        return self.launch.requirements

    @property
    def columns(self) -> int:
        """The bitset of columns that the round has left."""
        return self.launch.columns

    @property
    def pool(self) -> str:
        """The NodePool's name."""
        return self.template.pool.name

    @property
    def type_numbers(self) -> NDArray[np.intp]:
        """Numbers of all types that are left, in no order that means anything."""
        return self.launch.numbers

    @property
    def ordered_types(self) -> list[int]:
        """Numbers of all types that are left, cheapest first, ties as upstream leaves them."""
        return self.launch.ordered

    @property
    def types(self) -> list[CompiledType]:
        """The types that the NodeClaim names, in price order, at most 600."""
        return self.launch.types

    @cached_property
    def total_requests(self) -> dict[str, int]:
        """The pods' requests and the least that daemons add."""
        if self.whole is not None:
            return self.whole.total_requests
        left = 0
        columns = self.template.columns
        for i in self.ordered_types[:MAX_INSTANCE_TYPES]:
            first, end = columns.first_column[i], columns.first_column[i + 1]
            left |= ((1 << end) - 1) ^ ((1 << first) - 1)
        total = dict(self.requested())
        for name, amount in minimum_overhead(
            self.template.groups, left, self.template.repaired
        ).items():
            total[name] = total.get(name, 0) + amount
        return total

    @property
    def final_requirements(self) -> Requirements:
        """What the created NodeClaim requires, its types and their capacity types included."""
        return self.launch.final_requirements

    @property
    def cheapest_price(self) -> float:
        """Lowest price of an available offering compatible with the final requirements."""
        prices = self.template.columns.prices(self.final_requirements)
        chosen = self.ordered_types[:MAX_INSTANCE_TYPES]
        return float(min((prices[i] for i in chosen), default=MAX_PRICE))

    def narrowed(self, types: Sequence[int], requirements: Requirements) -> Claim:
        """Return the claim with fewer types, in their order, and these requirements."""
        return dataclasses.replace(
            self,
            launch=self.launch.narrowed(types, requirements),
            whole=self.whole or self,
        )

    def breaks_min_values(self) -> bool:
        """Say whether the cut to 600 types leaves too few values."""
        return self.launch.breaks_min_values

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


class Solution:
    """The outcome of a round, read from the kernel's numbers when it is asked for.

    Attributes
    ----------
    raw : Outcome
        Per pod of the batch and per claim, as numbers.
    batch : sequence of str
        Names of the pods: pending ones, those of the candidates, those of nodes that are going.
    """

    def __init__(self, tables: ClusterTables, raw: Outcome) -> None:
        self._tables = tables
        self.raw = raw
        self.batch: Sequence[str] = Listed(raw.n_pods, self._name)
        self.ignored: Mapping[str, str] = tables.pending.ignored

    def _name(self, i: int) -> str:
        n_pending = self.raw.n_pending
        if i < n_pending:
            return self._tables.pending.name(i)
        return pod_name(self._tables.bound[self.raw.moved[i - n_pending]])

    @cached_property
    def _claims(self) -> tuple[list[Claim], list[list[int]]]:
        """The claims, and the pods of those that the cut to 600 types would leave short."""
        raw, tables = self.raw, self._tables
        if not raw.n_claims:
            return [], []
        strict = not tables.settings.best_effort_min_values
        claims: list[Claim] = []
        broken: list[list[int]] = []
        for i, pods in enumerate(raw.pods_of_claims()):
            claim = Claim(
                tables.frame.launch(tables, *raw.claim(i), raw.held(i)),
                partial(self._requests, i, pods),
                pods,
                raw.relaxes_min_values(i),
            )
            if strict and claim.breaks_min_values():
                broken.append(pods)
            else:
                claims.append(claim)
        return claims, broken

    @property
    def claims(self) -> list[Claim]:
        """The claims to create, in the order in which they were opened."""
        return self._claims[0]

    @cached_property
    def short_of_values(self) -> list[int]:
        """Pods of claims that break minValues by the cut to 600 types, and are not created."""
        if self._tables.settings.best_effort_min_values or not self.raw.has_min_values:
            return []
        return [pod for pods in self._claims[1] for pod in pods]

    @property
    def n_claims(self) -> int:
        """Number of claims to create."""
        return len(self.claims) if self.short_of_values else self.raw.n_claims

    @cached_property
    def placements(self) -> dict[int, list[int]]:
        """Number of an existing node (``Solver.nodes``) -> pods of the batch."""
        placements: dict[int, list[int]] = {}
        for pod, node in enumerate(self.raw.place.tolist()):
            if 0 <= node < self.raw.n_nodes:
                placements.setdefault(node, []).append(pod)
        return dict(sorted(placements.items()))

    @property
    def nominated(self) -> list[int]:
        """Numbers of the existing nodes that pending pods go to, ascending."""
        return self.raw.nominated()

    @cached_property
    def errors(self) -> dict[int, str]:
        """Pod of the batch without a place -> why each template refused, joined by ``;``."""
        errors = {}
        for pod in np.flatnonzero(self.raw.place < 0).tolist():
            words = [REASONS[code] for code in self.raw.reasons[pod] if code]
            errors[pod] = ";".join(words) if self._tables.templates else "no-template"
        errors.update(dict.fromkeys(self.short_of_values, "min-values"))
        return errors

    def _requests(self, claim: int, pods: Sequence[int]) -> dict[str, int]:
        """Return what the pods of a claim request, in nano-units."""
        scale = self._tables.scale
        return scale.back(self.raw.requests(claim), self._names_used(pods))

    def _names_used(self, pods: Sequence[int]) -> list[str]:
        """Names of the resources that the pods of a claim ask for."""
        names: dict[str, None] = {}
        for number in sorted({*self.raw.classes[pods].tolist()}):
            names.update(dict.fromkeys(self._tables.form_of_class(number).requests))
        return list(names)
