"""Claim templates: what each NodePool could launch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyscale.model.groups import NodePool
from pyscale.model.nodes import NODEPOOL_LABEL
from pyscale.model.resources import NANO

from .daemons import DaemonPod, OverheadGroup, overhead_groups
from .instance_types import CompiledType, TypeColumns
from .labels import SIMULATION_ONLY, node_class_label
from .requirements import Requirements, from_labels, from_written, one_of
from .state import Settings, StateNode

NODES = "nodes"


@dataclass(frozen=True, eq=False)
class Template:
    """A NodePool with the types that it can launch under its own requirements.

    ``claim_types`` is what :mod:`.claim_types` remembers.
    """

    pool: NodePool
    requirements: Requirements
    columns: TypeColumns
    groups: tuple[OverheadGroup, ...]
    repaired: frozenset[str] = frozenset()
    claim_types: dict[Any, Any] = field(default_factory=dict, repr=False)


def own_requirements(pool: NodePool) -> Requirements:
    """Return the pool's requirements and labels."""
    return from_written(pool.requirements).merged(from_labels(pool.labels))


def template_requirements(pool: NodePool) -> Requirements:
    """Return what every NodeClaim of the pool requires, simulation-only keys included."""
    key, name = node_class_label(pool.node_class)
    return own_requirements(pool).merged(
        [
            one_of(NODEPOOL_LABEL, (pool.name,)),
            one_of(key, (name,)),
            *(one_of(label, ("true",)) for label in sorted(SIMULATION_ONLY)),
        ]
    )


def build_templates(
    pools: Iterable[NodePool],
    types_of_pool: Mapping[str, Sequence[CompiledType]],
    daemons: Sequence[DaemonPod],
    well_known: frozenset[str],
    settings: Settings,
) -> list[Template]:
    """Return one template per pool that keeps any type, in the order of the pools.

    Notes
    -----
    Follows Karpenter core ``pkg/controllers/provisioning/scheduling/scheduler.go:NewScheduler``.
    """
    templates = []
    for pool in pools:
        requirements = template_requirements(pool)
        everything = TypeColumns.of(types_of_pool[pool.name], well_known)
        kept = everything.types_of(everything.allowed(requirements))
        if not kept:
            continue
        missed = everything.missed_min_values(kept, requirements)
        if missed and not settings.best_effort_min_values:
            continue
        columns = TypeColumns.of([everything.types[i] for i in kept], well_known)
        groups = overhead_groups(daemons, requirements, pool.taints, columns, settings)
        templates.append(Template(pool, requirements, columns, tuple(groups), settings.repaired))
    return templates


def limits_left(pool: NodePool, nodes: Iterable[StateNode]) -> dict[str, int]:
    """Return what the pool's limits leave beside its nodes, for the resources that they name."""
    left = dict(pool.limits or {})
    for node in nodes:
        if left and node.pool == pool.name:
            capacity = {**node.capacity, NODES: NANO}
            left = {name: amount - capacity.get(name, 0) for name, amount in left.items()}
    return left
