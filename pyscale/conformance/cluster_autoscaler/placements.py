"""The snapshot that replays use."""

from __future__ import annotations

from ...errors import UnsupportedError
from ...policies.cluster_autoscaler.placement import Placement


def new_placement() -> Placement:
    """Return an empty snapshot.

    Raises
    ------
    UnsupportedError
        Always: the scheduler's filters are not connected yet.
    """
    raise UnsupportedError("placement checks of Cluster Autoscaler")
