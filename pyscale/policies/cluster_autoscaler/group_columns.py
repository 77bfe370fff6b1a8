"""Node groups by number, with the options of each as columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .options import GroupOptions
from .world import Flags

NO_GROUP = -1


class GroupColumns:
    """Numbers groups in order of appearance.

    Parameters
    ----------
    group_options : callable
        Options of a node group, by its name; asked once.

    Attributes
    ----------
    names : list of str
    threshold, gpu_threshold : ndarray of float64
        The utilization up to which nodes are candidates for removal.
    ignores_daemons : ndarray of bool
        Whether DaemonSet pods do not count as use.  As in the others, the last entry is that of
        nodes in no group.
    """

    def __init__(self, group_options: Callable[[str], GroupOptions]) -> None:
        self._group_options = group_options
        self.names: list[str] = []
        self._own: list[GroupOptions] = []
        self._ids = {"": NO_GROUP}
        self.threshold: NDArray[np.float64] = np.zeros(1)
        self.gpu_threshold: NDArray[np.float64] = np.zeros(1)
        self.ignores_daemons: Flags = np.zeros(1, np.bool_)

    def number(self, name: str) -> int:
        """Return the number of a group, -1 for none."""
        found = self._ids.get(name)
        return self._add(name) if found is None else found

    def _add(self, name: str) -> int:
        found = self._ids[name] = len(self.names)
        self.names.append(name)
        self._own.append(self._group_options(name))
        own = self._own
        self.threshold = np.array([*(o.scale_down_utilization_threshold for o in own), 0.0])
        self.gpu_threshold = np.array([*(o.scale_down_gpu_utilization_threshold for o in own), 0.0])
        self.ignores_daemons = np.array([*(o.ignore_daemonsets_utilization for o in own), False])
        return found
