"""Claim templates: what each NodePool could launch."""

from dataclasses import dataclass

from .cluster import NodePool
from .daemons import OverheadGroup, overhead_groups
from .filtering import filter_instance_types
from .quantities import format_resources
from .requirements import Requirements
from .tracing import LazyText, Refusal


@dataclass(eq=False)
class ClaimTemplate:
    pool: NodePool
    requirements: Requirements
    types: list
    overhead_groups: list
    # One annotation map is shared by all claims of the template: the claim opened last decides.
    min_values_relaxed: bool = False

    @property
    def name(self):
        return self.pool.name


def build_templates(cluster, daemons, trace):
    """One template per pool that keeps any type under its own requirements, in pool order."""
    templates = []
    for pool in cluster.pools:
        requirements, all_types = pool.template_requirements, cluster.types_of_pool[pool.name]
        try:
            types, _ = filter_instance_types(
                all_types,
                requirements,
                {},
                [OverheadGroup(all_types, {}, [])],
                [],
                cluster.well_known,
                cluster.best_effort_min_values,
            )
        except Refusal as refusal:
            trace.say("pool %s has no template: %s", pool.name, refusal)
            continue
        groups = overhead_groups(daemons, requirements, pool.taints, types, cluster.well_known)
        templates.append(ClaimTemplate(pool, requirements, types, groups))
        trace.say(
            "pool %s (weight %d): %d types in %d daemon-overhead groups; requires %s",
            pool.name,
            pool.weight,
            len(types),
            len(groups),
            requirements,
        )
        for group in groups:
            if group.overhead:
                trace.say(
                    "  daemons take %s on %s",
                    LazyText(format_resources, group.overhead),
                    LazyText(names_of, group.types),
                )
    return templates


def names_of(types):
    return " ".join(instance_type.name for instance_type in types)


def remaining_limits(cluster, active_nodes):
    """Pool → what its limits leave, only for the resources that they name; `nodes` counts state
    nodes."""
    remaining = {pool.name: dict(pool.limits) for pool in cluster.pools}
    for node in active_nodes:
        left = remaining.get(node.pool)
        if left:
            capacity = node.capacity_with_node_count
            remaining[node.pool] = {
                name: quantity - capacity.get(name, 0) for name, quantity in left.items()
            }
    return remaining


def types_within_limits(types, remaining):
    """A limited resource that a type lacks counts as 0, so a negative remainder rejects every
    type."""
    return [
        instance_type
        for instance_type in types
        if not any(
            instance_type.capacity.get(name, 0) > quantity for name, quantity in remaining.items()
        )
    ]


def after_largest_launch(remaining, types):
    """The largest type that could launch is subtracted. No type has a `nodes` capacity."""
    return {
        name: quantity - max(instance_type.capacity.get(name, 0) for instance_type in types)
        for name, quantity in remaining.items()
    }
