"""Where pods were placed in an earlier simulation, and the simulator that tries there first.

Specification section 2.1; upstream ``simulator/scheduling/hinting_simulator.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .classes import PodClass
from .placement import Mask
from .snapshot import Snapshot
from .world import Lookup

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
        keys: Lookup[str],
        mask: Mask | None = None,
        stop_at_failure: bool = False,
    ) -> dict[int, str]:
        """Place what fits and return the node's name of each pod placed, in order of placement.

        Parameters
        ----------
        pods : sequence of int
            Ids; ``classes`` runs parallel.
        keys : lookup
            The key of a pod's hint, by id.
        mask : array of bool, optional
            Which nodes may be used.
        stop_at_failure : bool
            Give up the pods of a priority at the first that fits nowhere; those of lower ones are
            still tried, as upstream does.
        """
        placed: dict[int, str] = {}
        failed: dict[str, set[int]] = {}
        # Classes that fit nowhere now.  What was placed since may let a constrained pod in.
        dead: set[PodClass] = set()
        for members in _by_priority(classes):
            if self.hints.current or self.hints.old:
                rest = []
                for i in members:
                    node = self._place_on_hint(snapshot, pods[i], classes[i], keys[pods[i]], mask)
                    if node is None:
                        rest.append(i)
                    else:
                        placed[pods[i]] = node
                        dead.clear()
                members = rest
            for i in members:
                pod_class = classes[i]
                if pod_class in dead:
                    continue
                node = self._place_anywhere(snapshot, pods[i], pod_class, failed, mask)
                if node is not None:
                    self.hints.current[keys[pods[i]]] = placed[pods[i]] = node
                    dead = {c for c in dead if _is_final(c, snapshot, failed)}
                elif stop_at_failure:
                    break
                else:
                    dead.add(pod_class)
        return placed

    def move(
        self,
        snapshot: Snapshot,
        pods: Sequence[int],
        classes: Sequence[PodClass],
        keys: Lookup[str],
        mask: Mask,
    ) -> dict[int, str]:
        """Place pods of a node that goes, as :meth:`try_to_place` that stops at failures."""
        known = self.hints
        if any(self._is_usable(keys[pod], snapshot, mask) for pod in pods):
            return self.try_to_place(snapshot, pods, classes, keys, mask, stop_at_failure=True)
        placed: dict[int, str] = {}
        for members in _by_priority(classes):
            chosen = [pods[i] for i in members]
            nodes = snapshot.move(chosen, [classes[i] for i in members], mask)
            for pod, node in zip(chosen, nodes, strict=False):
                placed[pod] = known.current[keys[pod]] = snapshot.name(node)
        return placed

    def _is_usable(self, key: str, snapshot: Snapshot, mask: Mask) -> bool:
        hint = self.hints.get(key)
        node = snapshot.handle(hint) if hint is not None else None
        return node is not None and bool(mask[node])

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


def _by_priority(classes: Sequence[PodClass]) -> list[Sequence[int]]:
    """Return positions by priority, the highest first, in their order."""
    priorities = {pod_class.effective_priority for pod_class in set(classes)}
    if len(priorities) <= 1:
        return [range(len(classes))]
    found: dict[int, list[int]] = {priority: [] for priority in sorted(priorities, reverse=True)}
    for i, pod_class in enumerate(classes):
        found[pod_class.effective_priority].append(i)
    return list(found.values())


def _is_final(pod_class: PodClass, snapshot: Snapshot, failed: dict[str, set[int]]) -> bool:
    """Whether a class that fitted nowhere is not tried again, whatever was placed since."""
    if pod_class.shape in failed.get(pod_class.controller_uid or "", ()):
        return True
    return snapshot.placement.is_plain(pod_class)
