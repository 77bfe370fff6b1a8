"""What an operator takes for granted when choosing machines for pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyscale.model.catalog import ON_DEMAND
from pyscale.model.requirements import Requirement

from .ec2_labels import PREFIX

ORDINARY_MACHINES = (
    Requirement(f"{PREFIX}instance-category", "In", ("c", "m", "r")),
    Requirement(f"{PREFIX}instance-generation", "Gt", ("2",)),
    Requirement(f"{PREFIX}instance-hypervisor", "In", ("nitro",)),
)
"""EC2 machines for ordinary pods; the first two are those of Karpenter's recommended pool."""


@dataclass(frozen=True, slots=True)
class GroupRules:
    """How machines are chosen for pods; used for node groups and for the NodePool beside them.

    Parameters
    ----------
    zones : tuple of str
        Zones to use; none given means the three that sell the most types, ties by name.
    capacity_type : str
        Purchase option for pods that do not name one.
    architectures : tuple of str
        Architectures that pods run on which do not name one.
    machine_requirements : tuple of Requirement
        What machines must be.  For a pod that names the label itself, or that no machine would
        hold then (one that asks for a GPU), a requirement is left out; also if the catalogue does
        not have the label.
    pods_per_node, min_cores : int
        A machine is at least so large that this many of its largest pods fit, and has at least
        so many cores.
    types_per_group : int
        Machine types of a mixed group; further ones have the cores and the memory of the first.
    max_size : int
        Upper limit of each group.
    reserve : Mapping[str, int]
        What DaemonSets take on every node, nano-units.
    """

    zones: tuple[str, ...] = ()
    capacity_type: str = ON_DEMAND
    architectures: tuple[str, ...] = ("amd64",)
    machine_requirements: tuple[Requirement, ...] = ORDINARY_MACHINES
    pods_per_node: int = 4
    min_cores: int = 4
    types_per_group: int = 1
    max_size: int = 1000
    reserve: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse numbers below 1."""
        for name in ("pods_per_node", "min_cores", "types_per_group", "max_size"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} must be >= 1, found {value}")
