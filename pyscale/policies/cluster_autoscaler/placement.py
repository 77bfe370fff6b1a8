"""What a snapshot of the cluster says to Cluster Autoscaler's questions.

Checks are PreFilter and Filter of kube-scheduler's default profile.  Nodes are known by small
integers (handles) that stay valid while the node is there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """A node that went: its pods, their classes by index, and the nodes that took them.

    ``waits`` if a pod of it is to complete first.
    """

    pods: NDArray[np.int64]
    classes: NDArray[np.int32]
    nodes: NDArray[np.int32]
    waits: bool


@dataclass(frozen=True, slots=True)
class Blocked:
    """A node that stays: the pod that forbids its removal, and the outcome of the rules on it."""

    pod: int
    outcome: int
