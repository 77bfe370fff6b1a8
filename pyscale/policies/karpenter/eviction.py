"""May a pod be moved: do-not-disrupt annotations and PodDisruptionBudgets."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pyscale.model.disruption import PodDisruptionBudget
from pyscale.model.pods import Pod
from pyscale.model.taints import NO_SCHEDULE, Taint

from .podspec import owner_kinds, selector_matches, tolerates_taint

DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"
DISRUPTED_TAINT = Taint("karpenter.sh/disrupted", NO_SCHEDULE)

_UNIT_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


def go_duration_ns(text: str) -> int | None:
    """Return a Go duration such as ``1h30m`` in nanoseconds, None if it is none."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    total, position = 0, 0
    for part in _DURATION_PART.finditer(rest):
        if part.start() != position:
            return None
        whole, _, fraction = part[1].partition(".")
        unit = _UNIT_NS[part[2]]
        total += int(whole or 0) * unit
        if fraction:
            total += int(fraction) * unit // 10 ** len(fraction)
        position = part.end()
    return sign * total if position and position == len(rest) else None


def is_terminal(pod: Pod) -> bool:
    """Say whether the pod has ended."""
    return pod.phase in ("Succeeded", "Failed")


def is_active(pod: Pod) -> bool:
    """Say whether the pod has neither ended nor is about to."""
    return not is_terminal(pod) and pod.deletion_ns is None


def is_reschedulable(pod: Pod) -> bool:
    """Say whether the pod, or the one that takes its place, needs another node when this goes."""
    kinds = owner_kinds(pod.template)
    waits_for_its_successor = "StatefulSet" in kinds and pod.deletion_ns is not None
    return (is_active(pod) or waits_for_its_successor) and not kinds & {"DaemonSet", "Node"}


def do_not_disrupt_active(pod: Pod, now_ns: int) -> bool:
    """Say whether the annotation holds: ``true``, or a positive duration that is not over."""
    value = pod.template.annotations.get(DO_NOT_DISRUPT)
    if value is None:
        return False
    if value == "true":
        return True
    duration = go_duration_ns(value)
    if duration is None or duration <= 0:
        return False
    return pod.start_ns is None or now_ns - pod.start_ns < duration


def is_fully_blocking(budget: PodDisruptionBudget) -> bool:
    """Say whether the budget never lets a pod go."""
    return budget.max_unavailable in (0, "0%") or budget.min_available == "100%"


def allows_no_disruption_now(budget: PodDisruptionBudget) -> bool:
    """Say whether the budget lets no pod go at the moment."""
    return budget.disruptions_allowed == 0


def blocked_by_budget(
    pod: Pod,
    budgets: Sequence[PodDisruptionBudget],
    now_ns: int,
    blocks: Callable[[PodDisruptionBudget], bool],
) -> bool:
    """Say whether budgets keep the pod where it is.

    A pod that can't be evicted anyway passes; two budgets block; else ``blocks(budget)`` decides.

    Notes
    -----
    Follows Karpenter core ``pkg/utils/pdb/pdb.go``.
    """
    if not budgets or not is_active(pod):
        return False
    if tolerates_taint(DISRUPTED_TAINT, pod.template.spec.tolerations):
        return False
    if "Node" in owner_kinds(pod.template) or do_not_disrupt_active(pod, now_ns):
        return False
    matching = _matching(pod, budgets)
    if len(matching) > 1:
        return True
    for budget in matching:
        if budget.unhealthy_pod_eviction_policy == "AlwaysAllow" and not _is_ready(pod):
            return False
        if blocks(budget):
            return True
    return False


def _matching(pod: Pod, budgets: Sequence[PodDisruptionBudget]) -> list[PodDisruptionBudget]:
    return [
        budget
        for budget in budgets
        if budget.namespace == pod.namespace
        and selector_matches(budget.selector, pod.template.labels)
    ]


def _is_ready(pod: Pod) -> bool:
    """A pod without a Ready condition counts as ready: only Ready=False is unhealthy."""
    return not any(item.type == "Ready" and item.status == "False" for item in pod.conditions)


def currently_reschedulable(pod: Pod, budgets: Sequence[PodDisruptionBudget], now_ns: int) -> bool:
    """Say whether a round has to find the pod another node when its node goes."""
    if not is_reschedulable(pod) or (is_active(pod) and do_not_disrupt_active(pod, now_ns)):
        return False
    return not blocked_by_budget(pod, budgets, now_ns, is_fully_blocking)


def disruption_blocker(pod: Pod, budgets: Sequence[PodDisruptionBudget], now_ns: int) -> str:
    """Return why the pod keeps its node from being disrupted, empty if it does not."""
    if is_active(pod) and do_not_disrupt_active(pod, now_ns):
        return f"pod {pod.key} has the {DO_NOT_DISRUPT} annotation"
    if blocked_by_budget(pod, budgets, now_ns, allows_no_disruption_now):
        names = [budget.name for budget in _matching(pod, budgets)]
        if len(names) > 1:
            return f"eviction does not support multiple PDBs: {pod.key} has {', '.join(names)}"
        return f"pdb {names[0]} prevents eviction of pod {pod.key}"
    return ""
