"""Verdicts of filters in upstream's words, and the text of a pod that fits nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

UNSCHEDULABLE = "Unschedulable"
UNRESOLVABLE = "UnschedulableAndUnresolvable"

FIRST_RULE = 21
"""Verdicts from here on are those of users' filters, in their order."""
_RESOURCES = 7
_RESOURCES_BEYOND_NODE = 8
_SPREAD = "node(s) didn't match pod topology spread constraints"
_NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
_VOLUME_AFFINITY = "node(s) didn't match PersistentVolume's node affinity"
_IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already "
    "in-use by another pod"
)
NO_NODES = "no nodes available to schedule pods"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plugin refuses a pod, on one node or (PreFilter) on all.

    ``status`` is Unschedulable (preemption may help) or UnschedulableAndUnresolvable.
    """

    plugin: str
    status: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.plugin}: {'; '.join(self.reasons)}"


_REFUSALS = {
    1: Refusal("NodeUnschedulable", UNRESOLVABLE, ("node(s) were unschedulable",)),
    2: Refusal("NodeName", UNRESOLVABLE, ("node(s) didn't match the requested node name",)),
    3: Refusal("TaintToleration", UNRESOLVABLE, ("node(s) had untolerated taint(s)",)),
    4: Refusal(
        "NodeAffinity",
        UNRESOLVABLE,
        ("node(s) didn't match scheduler-enforced node affinity",),
    ),
    5: Refusal(
        "NodeAffinity", UNRESOLVABLE, ("node(s) didn't match Pod's node affinity/selector",)
    ),
    6: Refusal(
        "NodePorts",
        UNSCHEDULABLE,
        ("node(s) didn't have free ports for the requested pod ports",),
    ),
    9: Refusal("VolumeRestrictions", UNSCHEDULABLE, ("node(s) had no available disk",)),
    10: Refusal("VolumeRestrictions", UNSCHEDULABLE, (_IN_USE,)),
    11: Refusal("NodeVolumeLimits", UNSCHEDULABLE, ("node(s) exceed max volume count",)),
    12: Refusal("VolumeBinding", UNRESOLVABLE, (_NO_VOLUME,)),
    13: Refusal("VolumeBinding", UNRESOLVABLE, (_VOLUME_AFFINITY,)),
    14: Refusal("VolumeBinding", UNRESOLVABLE, (_NO_VOLUME, _VOLUME_AFFINITY)),
    15: Refusal("VolumeZone", UNRESOLVABLE, ("node(s) had no available volume zone",)),
    16: Refusal("PodTopologySpread", UNRESOLVABLE, (f"{_SPREAD} (missing required label)",)),
    17: Refusal("PodTopologySpread", UNSCHEDULABLE, (_SPREAD,)),
    18: Refusal("InterPodAffinity", UNRESOLVABLE, ("node(s) didn't match pod affinity rules",)),
    19: Refusal(
        "InterPodAffinity", UNSCHEDULABLE, ("node(s) didn't match pod anti-affinity rules",)
    ),
    20: Refusal(
        "InterPodAffinity",
        UNSCHEDULABLE,
        ("node(s) didn't satisfy existing pods anti-affinity rules",),
    ),
}


def refusal(verdict: int, shortfall: int, resources: Sequence[str]) -> Refusal | None:
    """Return a kernel verdict in words, None for a pass.

    Parameters
    ----------
    verdict : int
    shortfall : int
        For resources: bit 0 pods, bit ``1 + r`` resource ``r``.
    resources : sequence of str
        Names by resource id.
    """
    if verdict == 0:
        return None
    if verdict not in (_RESOURCES, _RESOURCES_BEYOND_NODE):
        return _REFUSALS[verdict]
    reasons = ["Too many pods"] if shortfall & 1 else []
    reasons += [
        f"Insufficient {name}" for r, name in enumerate(resources) if shortfall >> (r + 1) & 1
    ]
    status = UNSCHEDULABLE if verdict == _RESOURCES else UNRESOLVABLE
    return Refusal("NodeResourcesFit", status, tuple(sorted(reasons)))


def fit_error(n_nodes: int, counts: Counter[str]) -> str:
    """Return the text of ``FitError``: counts per reason, sorted as plain strings."""
    parts = sorted(f"{count} {reason}" for reason, count in counts.items())
    return f"0/{n_nodes} nodes are available: {', '.join(parts)}."


def reason_counts(refusals: Iterable[Refusal]) -> Counter[str]:
    """Count over nodes how often each reason is given."""
    return Counter(reason for refusal in refusals for reason in refusal.reasons)
