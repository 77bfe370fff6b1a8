"""Template nodes: what a new node of a group would look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...model.nodes import Node
from .classes import PodClass
from .units import node_units


@dataclass(frozen=True, slots=True, eq=False)
class NodeShape:
    """A node to be: its object (name and hostname not yet set) and the pods that start with it.

    ``capacity`` and ``allocatable`` in milli-CPU, bytes and counts.
    """

    node: Node
    pods: tuple[PodClass, ...]
    capacity: dict[str, int]
    allocatable: dict[str, int]

    @classmethod
    def of(cls, node: Node, pods: tuple[PodClass, ...] = ()) -> NodeShape:
        """Compute the integer resources of a node."""
        allocatable = node.allocatable or node.capacity
        return cls(node, pods, node_units(node.capacity), node_units(allocatable))

    @property
    def labels(self) -> Mapping[str, str]:
        """The node's labels."""
        return self.node.labels
