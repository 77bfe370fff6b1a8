"""In-flight claims: does a pod fit on a node that is still to be created."""

from dataclasses import dataclass

from .cluster import Cluster
from .existing_nodes import first_volume_alternative
from .filtering import filter_instance_types
from .labels import HOSTNAME
from .pods import format_taints, untolerated_taints
from .quantities import add_resources
from .requirements import Requirements, one_of
from .reservations import Reservations
from .topology import Topology
from .tracing import Refusal, ReservedOfferingRefusal


@dataclass(eq=False)
class RoundContext:
    """What all claims of a round share."""

    cluster: Cluster
    topology: Topology
    reservations: Reservations
    strict_reservations: bool


@dataclass(eq=False)
class Acceptance:
    """What a claim becomes if it takes the pod."""

    requirements: Requirements
    types: list
    reserved_offerings: list
    missed_min_values: dict


class InFlightClaim:
    def __init__(self, context, template, hostname, types):
        self.context = context
        self.template = template
        self.hostname = hostname
        self.taints = template.pool.taints
        self.requirements = template.requirements.merged_with(
            {HOSTNAME: one_of(HOSTNAME, [hostname])}
        )
        self.types = types
        self.overhead_groups = [group.copy() for group in template.overhead_groups]
        self.requests = {}
        self.reserved_offerings = []
        self.pods = []

    @property
    def description(self):
        return (
            f"claim {self.hostname} of {self.template.pool.name} "
            f"({len(self.pods)} pods, {len(self.types)} types)"
        )

    def try_accept(self, pod, data, relax_min_values=False):
        """Raises a Refusal."""
        taints = untolerated_taints(self.taints, pod.tolerations)
        if taints:
            # Each taint is an error of its own.
            raise Refusal(
                ";".join(["taints"] * len(taints)), "untolerated taints %s", format_taints(taints)
            )
        key = self.requirements.incompatible_key(data.requirements, self.context.cluster.well_known)
        if key:
            raise Refusal(
                "requirements",
                "%s is incompatible with the pod's %s",
                self.requirements.get(key, "nothing"),
                data.requirements[key],
            )
        merged = self.requirements.merged_with(data.requirements)
        return first_volume_alternative(
            data, lambda alternative: self.narrow(pod, data, merged, alternative, relax_min_values)
        )

    def narrow(self, pod, data, requirements, alternative, relax_min_values):
        well_known = self.context.cluster.well_known
        if alternative is not None:
            key = requirements.incompatible_key(alternative, well_known)
            if key:
                raise Refusal("volume", "a volume requires %s", alternative[key])
            requirements = requirements.merged_with(alternative)
        narrowed = self.context.topology.narrowed(pod, data.strict_requirements, requirements)
        key = requirements.incompatible_key(narrowed, well_known)
        if key:
            raise Refusal("topology", "topology requires %s", narrowed[key])
        requirements = requirements.merged_with(narrowed)
        types, missed = filter_instance_types(
            self.types,
            requirements,
            add_resources(self.requests, data.requests),
            self.overhead_groups,
            data.ports,
            well_known,
            relax_min_values,
        )
        for key, achieved in missed.items():
            requirements[key] = requirements[key].with_min_values(achieved)
        return Acceptance(
            requirements, types, self.offerings_to_reserve(types, requirements), missed
        )

    def offerings_to_reserve(self, types, requirements):
        """"""
        if not self.context.cluster.reserved_capacity:
            return []
        compatible = [
            offering
            for instance_type in types
            for offering in instance_type.offerings
            if offering.capacity_type == "reserved"
            and offering.available
            and requirements.compatible(offering.requirements, self.context.cluster.well_known)
        ]
        free = [
            offering
            for offering in compatible
            if self.context.reservations.can_reserve(self.hostname, offering)
        ]
        if self.context.strict_reservations and not free:
            if compatible:
                raise ReservedOfferingRefusal(
                    "all %d compatible reserved offerings are taken", len(compatible)
                )
            if self.reserved_offerings:
                raise ReservedOfferingRefusal(
                    "the pod would make the claim give up its reservations"
                )
        return free

    def add(self, pod, data, acceptance):
        self.pods.append(pod)
        for group in self.overhead_groups:
            group.ports.append(data.ports)
        self.types = acceptance.types
        self.requests = add_resources(self.requests, data.requests)
        self.requirements = acceptance.requirements
        self.context.topology.register_hostname(self.hostname)
        self.context.topology.record(pod, self.taints, self.requirements)
        self.context.reservations.hold(self.hostname, acceptance.reserved_offerings)
        self.reserved_offerings = acceptance.reserved_offerings
