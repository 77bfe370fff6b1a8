"""Turning in-flight claims into NodeClaims."""

from dataclasses import dataclass

from .daemons import minimum_overhead
from .filtering import missed_min_values
from .instance_types import ordered_by_price
from .labels import CAPACITY_TYPE, HOSTNAME, INSTANCE_TYPE, RESERVATION_ID, SIMULATION_ONLY
from .quantities import add_resources
from .requirements import Requirements, one_of

MAX_INSTANCE_TYPES = 600


@dataclass(eq=False)
class FinishedClaim:
    pool_name: str
    pods: list
    types: list
    types_before_truncation: int
    requirements: Requirements
    requests: dict
    min_values_relaxed: bool
    well_known: frozenset

    @property
    def pod_keys(self):
        return sorted(pod.key for pod in self.pods)

    @property
    def node_claim_requirements(self):
        """What the created NodeClaim requires: also its types and their capacity types, no
        simulation-only keys."""
        min_values = self.requirements.get_or_exists(INSTANCE_TYPE).min_values
        names = one_of(
            INSTANCE_TYPE, [instance_type.name for instance_type in self.types]
        ).with_min_values(min_values)
        requirements = self.requirements.merged_with({INSTANCE_TYPE: names})
        capacity_types = {
            offering.capacity_type
            for instance_type in self.types
            for offering in instance_type.compatible_available_offerings(
                requirements, self.well_known
            )
        }
        if capacity_types:
            requirements.add([one_of(CAPACITY_TYPE, capacity_types)])
        return Requirements(
            {
                key: requirement
                for key, requirement in requirements.items()
                if key not in SIMULATION_ONLY
            }
        )

    @property
    def cheapest_price(self):
        requirements = self.node_claim_requirements
        return min(
            instance_type.cheapest_price(requirements, self.well_known)
            for instance_type in self.types
        )


def finish_claim(claim, cluster):
    requirements = Requirements(claim.requirements)
    del requirements[HOSTNAME]
    if claim.reserved_offerings:
        requirements[CAPACITY_TYPE] = one_of(CAPACITY_TYPE, ["reserved"])
        held = {offering.reservation_id for offering in claim.reserved_offerings}
        requirements.add([one_of(RESERVATION_ID, held)])
    ordered = ordered_by_price(claim.types, requirements, cluster.well_known)
    types = ordered[:MAX_INSTANCE_TYPES]
    return FinishedClaim(
        pool_name=claim.template.name,
        pods=claim.pods,
        types=types,
        types_before_truncation=len(ordered),
        requirements=requirements,
        requests=add_resources(claim.requests, minimum_overhead(claim.overhead_groups, types)),
        min_values_relaxed=claim.template.min_values_relaxed,
        well_known=cluster.well_known,
    )


def breaks_min_values(finished, cluster):
    """Under the Strict policy minValues must survive the truncation."""
    return not cluster.best_effort_min_values and bool(
        missed_min_values(finished.types, finished.requirements)
    )
