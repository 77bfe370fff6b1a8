"""Why a node group was chosen or not, and why a node stays."""

from __future__ import annotations

from dataclasses import dataclass

from .expander.filters import waste
from .loop import Iteration
from .planner import Planner
from .scale_up import ScaleUpStatus


@dataclass(frozen=True, slots=True)
class GroupVerdict:
    """What became of one node group in a scale-up.

    Attributes
    ----------
    group : str
    chosen : bool
    reason : str
        In upstream's words where it has some.
    nodes, pods : int
        The option that the group was: new nodes, and pods that they would take.
    waste : float, optional
        Its score by ``least-waste``: unused share of cpu plus that of memory.
    """

    group: str
    chosen: bool
    reason: str
    nodes: int = 0
    pods: int = 0
    waste: float | None = None


def group_verdicts(status: ScaleUpStatus) -> list[GroupVerdict]:
    """Say of every node group that a scale-up looked at what became of it."""
    found: list[GroupVerdict] = []
    planned = {group: after - before for group, before, after in status.plan}
    for option in status.options:
        chosen = option.group in planned
        if status.best is option:
            reason = "best option"
        elif chosen:
            reason = "similar to the best option"
        else:
            reason = "another option is better"
        found.append(
            GroupVerdict(
                option.group,
                chosen,
                reason,
                planned.get(option.group, option.node_count),
                option.pod_count,
                waste(option),
            )
        )
    options = {option.group for option in status.options}
    found += [
        GroupVerdict(group, False, reason)
        for group, reason in status.skipped.items()
        if group not in options
    ]
    rejected: dict[str, str] = {}
    for remaining in status.remaining:
        for group, reason in remaining.rejected.items():
            rejected.setdefault(group, reason)
    known = options | status.skipped.keys()
    found += [
        GroupVerdict(group, False, f"no pending pod fits: {reason}")
        for group, reason in rejected.items()
        if group not in known
    ]
    return found


def node_verdicts(done: Iteration, planner: Planner) -> dict[str, str]:
    """Say of every node that was looked at why it stays, or that it goes."""
    started = {name for name, _ in done.scale_down.started}
    found = dict.fromkeys(planner.unneeded, "unneeded")
    for name, why in planner.unremovable.items():
        found[name] = f"{why.reason}: {why.pod_reason}" if why.pod_reason else why.reason
    found.update(dict.fromkeys(started, "removed"))
    return found
