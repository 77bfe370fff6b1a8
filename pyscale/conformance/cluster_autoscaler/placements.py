"""The snapshot that replays use."""

from __future__ import annotations

from ...policies.cluster_autoscaler.kernel_placement import KernelPlacement
from ...policies.cluster_autoscaler.placement import Placement


def new_placement() -> Placement:
    """Return an empty snapshot."""
    return KernelPlacement()
