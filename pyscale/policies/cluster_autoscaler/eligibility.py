"""Which nodes may be considered for removal at all.

Specification section 5.3; upstream ``core/scaledown/eligibility``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...model.resources import CPU, MEMORY
from ...model.times import MINUTE, SECOND
from .fleet import Fleet
from .options import GroupOptions, Options
from .utilization import Utilization
from .world import TO_BE_DELETED, Flags, Int64s, NodeRow, Pods

DELETION_TIMEOUT = 5 * MINUTE

UNEXPECTED_ERROR = "UnexpectedError"
RECENTLY_UNREMOVABLE = "RecentlyUnremovable"
BEING_DELETED = "CurrentlyBeingDeleted"
DISABLED_ANNOTATION = "ScaleDownDisabledAnnotation"
NOT_AUTOSCALED = "NotAutoscaled"
UNREADY_DISABLED = "ScaleDownUnreadyDisabled"
NOT_UNDERUTILIZED = "NotUnderutilized"
_REASONS = (
    "",
    RECENTLY_UNREMOVABLE,
    BEING_DELETED,
    DISABLED_ANNOTATION,
    NOT_AUTOSCALED,
    UNREADY_DISABLED,
    UNEXPECTED_ERROR,
    NOT_UNDERUTILIZED,
)
_CODES = {reason: code for code, reason in enumerate(_REASONS)}


def is_being_deleted(node: NodeRow, now: int) -> bool:
    """Whether a deletion was started in the last five minutes, by the taint's time."""
    taint = node.taint(TO_BE_DELETED)
    if taint is None:
        return False
    try:
        since = int(taint.value) * SECOND
    except ValueError:
        return False
    return now - since < DELETION_TIMEOUT


@dataclass(frozen=True, slots=True, eq=False)
class Eligible:
    """What was found of candidates, in their order.

    ``codes`` are 0 for those that may go.
    """

    fleet: Fleet
    positions: Int64s
    codes: NDArray[np.int8]
    shares: NDArray[np.float64]
    is_cpu: Flags
    others: dict[int, Utilization]

    def reasons(self) -> dict[str, str]:
        """Return why nodes may not go, by name."""
        rows = self.fleet.rows
        refused = np.flatnonzero(self.codes)
        return {
            rows[position].name: _REASONS[code]
            for position, code in zip(
                self.positions[refused].tolist(), self.codes[refused].tolist(), strict=True
            )
        }

    def utilization(self) -> dict[str, Utilization]:
        """Return the utilization of nodes for which it was looked at, by name."""
        rows = self.fleet.rows
        looked_at = (self.codes == 0) | (self.codes == _CODES[NOT_UNDERUTILIZED])
        found = {}
        for place in np.flatnonzero(looked_at).tolist():
            name = CPU if self.is_cpu[place] else MEMORY
            used = self.others.get(place) or Utilization(name, float(self.shares[place]))
            found[rows[int(self.positions[place])].name] = used
        return found


class Eligibility:
    """Checks candidates."""

    def __init__(self, options: Options, group_options: Callable[[str], GroupOptions]) -> None:
        self._options = options
        self._group_options = group_options
        self._n_groups = 0
        self._thresholds = self._gpu_thresholds = np.zeros(0)
        self._ignores_daemons: Flags = np.zeros(0, np.bool_)

    def check(
        self, fleet: Fleet, positions: Int64s, is_recent: Flags, pods: Pods, now: int
    ) -> Eligible:
        """Look at candidates.

        Parameters
        ----------
        fleet : Fleet
        positions : ndarray of int64
            The candidates, by their place in the listing; all of them in groups.
        is_recent : ndarray of bool
            Whether a candidate could not be removed a short while ago.
        pods : Pods
        now : int
        """
        self._read_groups(fleet)
        handles = fleet.handles[positions]
        groups, has_gpu = fleet.group[handles], fleet.has_gpu[handles]
        shares, others, is_cpu = fleet.measures.shares(
            handles, has_gpu, self._ignores_daemons[groups], pods, now
        )
        thresholds = np.where(has_gpu, self._gpu_thresholds[groups], self._thresholds[groups])
        codes = np.where(shares > thresholds, np.int8(_CODES[NOT_UNDERUTILIZED]), np.int8(0))
        lacking = (fleet.measures.room[handles] == 0).any(axis=1) & ~has_gpu
        codes[lacking] = _CODES[UNEXPECTED_ERROR]
        if not self._options.scale_down_unready_enabled:
            codes[~fleet.ready[handles]] = _CODES[UNREADY_DISABLED]
        codes[fleet.disabled[handles]] = _CODES[DISABLED_ANNOTATION]
        for place in np.flatnonzero(fleet.doomed[handles]).tolist():
            if is_being_deleted(fleet.rows[int(positions[place])], now):
                codes[place] = _CODES[BEING_DELETED]
        codes[is_recent] = _CODES[RECENTLY_UNREMOVABLE]
        return Eligible(fleet, positions, codes, shares, is_cpu, others)

    def _read_groups(self, fleet: Fleet) -> None:
        names = fleet.group_names
        if len(names) == self._n_groups:
            return
        self._n_groups = len(names)
        own = [self._group_options(name) for name in names]
        self._thresholds = np.array([o.scale_down_utilization_threshold for o in own])
        self._gpu_thresholds = np.array([o.scale_down_gpu_utilization_threshold for o in own])
        self._ignores_daemons = np.array([o.ignore_daemonsets_utilization for o in own], np.bool_)
