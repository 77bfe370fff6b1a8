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
