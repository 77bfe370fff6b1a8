"""What Cluster Autoscaler asks of a snapshot of the cluster.

Checks are PreFilter and Filter of kube-scheduler's default profile.  Nodes are known by small
integers (handles) that stay valid as long as the snapshot; pods are known by their class only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...model.nodes import Node
from .classes import PodClass
from .equivalence import PodGroup
from .estimator import Estimate
from .node_shapes import NodeShape

Mask = NDArray[np.bool_]
"""Per handle, whether a node may be used."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node does not take a pod.

    ``unresolvable`` as in the scheduler: removing pods would not help.
    """

    plugin: str
    reasons: tuple[str, ...]
    unresolvable: bool = False

    @property
    def text(self) -> str:
        """The reasons in one line."""
        return "; ".join(self.reasons)


class Placement(Protocol):
    """A snapshot: an ordered list of nodes with the pods on them.

    List order is the order of addition; ``last_match`` is where the rotating scan found a node
    last, an index in the list, and survives everything, a rebuild for the next loop too.
    """

    last_match: int

    def reset(self) -> None:
        """Drop all nodes; the scan's memory stays."""

    def add_node(self, node: Node, name: str, pods: Iterable[PodClass]) -> int:
        """Append a node under a name, which also becomes its hostname label; return its handle."""

    def change_node(self, node: int, to: Node) -> None:
        """Change a node's labels, taints or cordon, in place."""

    def remove_node(self, node: int) -> None:
        """Take a node and its pods out of the list."""

    def taint_node(self, node: int, key: str) -> None:
        """Give a node without pods a NoSchedule taint, in place."""

    def size(self) -> int:
        """Return the number of nodes."""

    def fork(self) -> None:
        """Remember the state, to go back to or to keep."""

    def revert(self) -> None:
        """Undo everything since the last fork."""

    def commit(self) -> None:
        """Keep everything since the last fork."""

    def place(self, pod_class: PodClass, node: int) -> None:
        """Put a pod on a node, unchecked."""

    def displace(self, pod_class: PodClass, node: int) -> None:
        """Take a pod off a node."""

    def refusal(self, pod_class: PodClass, node: int) -> Refusal | None:
        """Return why a node refuses a pod, None if it takes it."""

    def empty(self, node: int) -> None:
        """Take all pods off a node."""

    def move(self, classes: Sequence[PodClass], mask: Mask) -> list[int]:
        """Place pods by rotating scan until one fits nowhere; return the nodes of those placed."""

    def is_plain(self, pod_class: PodClass) -> bool:
        """Whether nothing but room and the node itself restricts a class."""

    def mask(self) -> Mask:
        """Return a mask of nothing, for the nodes that are there."""

    def scan(self, pod_class: PodClass, mask: Mask | None = None) -> int | None:
        """Return the first node that takes a pod, by rotating scan, and remember its place.

        Cordoned nodes and those that ``mask`` leaves out are skipped.
        """

    def estimate(
        self, shape: NodeShape, groups: Sequence[PodGroup], limit: int, fast_path: bool
    ) -> Estimate:
        """Return how many new nodes of a shape groups of pods need; nothing is changed.

        ``limit`` is the number of nodes that may be opened: 0 any, negative none.
        """
