"""Which nodes may be considered for removal at all.

Specification section 5.3; upstream ``core/scaledown/eligibility``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyscale.kernel._candidates import first_reasons

from ...model.resources import CPU, MEMORY
from ...model.times import MINUTE, SECOND
from .fleet import Fleet
from .options import Options
from .utilization import HAS_TERMINATING, Utilization
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
    """What was found of candidates, in their order; it stays true whatever happens to the fleet.

    ``codes`` are 0 for those that may go; ``apart`` has utilizations that are not the higher of cpu
    (where ``is_cpu``) and memory with its share, by place.
    """

    rows: Sequence[NodeRow]
    positions: Int64s
    codes: NDArray[np.int8]
    shares: NDArray[np.float64]
    is_cpu: Flags
    apart: dict[int, Utilization]

    def reasons(self) -> dict[str, str]:
        """Return why nodes may not go, by name."""
        refused = np.flatnonzero(self.codes)
        return {
            self.rows[position].name: _REASONS[code]
            for position, code in zip(
                self.positions[refused].tolist(), self.codes[refused].tolist(), strict=True
            )
        }

    def utilization(self) -> dict[str, Utilization]:
        """Return the utilization of nodes for which it was looked at, by name."""
        looked_at = (self.codes == 0) | (self.codes == _CODES[NOT_UNDERUTILIZED])
        found = {}
        for place in np.flatnonzero(looked_at).tolist():
            used = self.apart.get(place)
            if used is None:
                name = CPU if self.is_cpu[place] else MEMORY
                used = Utilization(name, float(self.shares[place]))
            found[self.rows[int(self.positions[place])].name] = used
        return found


class Eligibility:
    """Checks candidates."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def check(
        self, fleet: Fleet, positions: Int64s, is_recent: Flags | None, pods: Pods, now: int
    ) -> Eligible:
        """Look at candidates.

        Parameters
        ----------
        fleet : Fleet
        positions : ndarray of int64
            The candidates, by their place in the listing; all of them in groups.
        is_recent : ndarray of bool, optional
            By handle: whether a node could not be removed a short while ago; none could be if it is
            left out.
        pods : Pods
        now : int
        """
        handles, measures, of_groups = fleet.handles[positions], fleet.measures, fleet.groups
        groups, shares = fleet.group[handles], measures.share[handles]
        thresholds = of_groups.threshold[groups]
        apart: dict[int, Utilization] = {}
        if measures.of_gpus:
            has_gpu = fleet.has_gpu[handles]
            thresholds[has_gpu] = of_groups.gpu_threshold[groups[has_gpu]]
            apart = {
                place: measures.of_gpus[int(handles[place])]
                for place in np.flatnonzero(has_gpu).tolist()
            }
        if measures.has_terminating:
            lacking = np.isnan(shares) & (measures.room[handles] == 0).any(axis=1)
            is_timed = ((measures.bits[handles] & HAS_TERMINATING) > 0) & ~lacking
            is_timed &= ~fleet.has_gpu[handles]
            for place in np.flatnonzero(is_timed).tolist():
                ignores = bool(of_groups.ignores_daemons[groups[place]])
                used = measures.timed(int(handles[place]), ignores, pods, now)
                apart[place] = used
                shares[place] = used.share
        reasons = [(fleet.disabled, _CODES[DISABLED_ANNOTATION])]
        doomed = fleet.doomed[handles]
        if doomed.any():
            deleted = self._deleted(fleet, positions[doomed], now)
            reasons.insert(0, (deleted, _CODES[BEING_DELETED]))
        if is_recent is not None:
            reasons.insert(0, (is_recent, _CODES[RECENTLY_UNREMOVABLE]))
        if not self._options.scale_down_unready_enabled:
            reasons.append((~fleet.ready, _CODES[UNREADY_DISABLED]))
        codes = first_reasons(
            handles,
            tuple((mask.view(np.uint8), code) for mask, code in reasons),
            shares,
            thresholds,
            measures.room,
            (_CODES[UNEXPECTED_ERROR], _CODES[NOT_UNDERUTILIZED]),
        )
        return Eligible(fleet.rows, positions, codes, shares, measures.is_cpu[handles], apart)

    def _deleted(self, fleet: Fleet, positions: Int64s, now: int) -> Flags:
        """Return which doomed nodes are being deleted, as a mask over handles."""
        mask = np.zeros_like(fleet.doomed)
        for position in positions.tolist():
            mask[fleet.handles[position]] = is_being_deleted(fleet.rows[position], now)
        return mask
