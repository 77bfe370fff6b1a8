"""Where pods were placed in an earlier simulation, and the simulator that tries there first.

Specification section 2.1; upstream ``simulator/scheduling/hinting_simulator.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .classes import PodClass
from .placement import Mask
from .snapshot import Snapshot

MAX_FAILED_SHAPES = 10
"""Shapes per controller remembered as fitting nowhere."""


@dataclass(slots=True)
class Hints:
    """Node names by pod key, of this call and of the one before."""

    current: dict[str, str] = field(default_factory=dict)
    old: dict[str, str] = field(default_factory=dict)

    def get(self, pod: str) -> str | None:
        """Return the node a pod was placed on last."""
        return self.current.get(pod) or self.old.get(pod)

    def drop_old(self) -> None:
        """Age all hints by one call."""
        self.old, self.current = self.current, {}


@dataclass(slots=True)
class HintingSimulator:
    """Places pods in a snapshot: by priority, hints first, then anywhere by rotating scan."""

    hints: Hints = field(default_factory=Hints)

    def try_to_place(
        self,
        snapshot: Snapshot,
        pods: Sequence[int],
        classes: Sequence[PodClass],
        keys: Sequence[str],
        mask: Mask | None = None,
        stop_at_failure: bool = False,
    ) -> dict[int, str]:
        """Place what fits and return the node's name of each pod placed, in order of placement.

        Parameters
        ----------
        pods : sequence of int
            Ids; ``classes`` and ``keys`` run parallel.
        mask : array of bool, optional
            Which nodes may be used.
        stop_at_failure : bool
            Give up at the first pod that fits nowhere.
        """
        placed: dict[int, str] = {}
        failed: dict[str, set[int]] = {}
        by_priority: dict[int, list[int]] = {}
        for i, pod_class in enumerate(classes):
            by_priority.setdefault(pod_class.effective_priority, []).append(i)
        for priority in sorted(by_priority, reverse=True):
            rest = []
            for i in by_priority[priority]:
                node = self._place_on_hint(snapshot, pods[i], classes[i], keys[i], mask)
                if node is None:
                    rest.append(i)
                else:
                    placed[pods[i]] = node
            for i in rest:
                node = self._place_anywhere(snapshot, pods[i], classes[i], failed, mask)
                if node is not None:
                    self.hints.current[keys[i]] = placed[pods[i]] = node
                elif stop_at_failure:
                    return placed
        return placed

    def _place_on_hint(
        self,
        snapshot: Snapshot,
        pod: int,
        pod_class: PodClass,
        key: str,
        mask: Mask | None,
    ) -> str | None:
        name = self.hints.get(key)
        node = snapshot.handle(name) if name is not None else None
        if node is None or (mask is not None and not mask[node]):
            return None
        if snapshot.placement.refusal(pod_class, node) is not None:
            return None
        snapshot.place(pod, pod_class, node)
        assert name is not None
        self.hints.current[key] = name
        return name

    def _place_anywhere(
        self,
        snapshot: Snapshot,
        pod: int,
        pod_class: PodClass,
        failed: dict[str, set[int]],
        mask: Mask | None,
    ) -> str | None:
        controller = pod_class.controller_uid
        known = failed.setdefault(controller, set()) if controller is not None else None
        if known is not None and pod_class.shape in known:
            return None
        node = snapshot.placement.scan(pod_class, mask)
        if node is not None:
            snapshot.place(pod, pod_class, node)
            return snapshot.name(node)
        is_remembered = known is not None and not pod_class.is_daemon_set
        if known is not None and is_remembered and len(known) < MAX_FAILED_SHAPES:
            known.add(pod_class.shape)
        return None
