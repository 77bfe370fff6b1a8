"""May a pod be moved: do-not-disrupt and PodDisruptionBudgets."""

import contextlib

from .clock import parse_duration, parse_time
from .pods import selector_matches, tolerates

DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
DISRUPTED_TAINT = {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}


def do_not_disrupt_active(pod, now):
    """The annotation is "true", or a positive duration that has not passed since the pod
    started."""
    value = pod.annotations.get(DO_NOT_DISRUPT)
    if value is None:
        return False
    if value == "true":
        return True
    seconds = parse_duration(value)
    if not seconds or seconds < 0:
        return False
    return pod.start_time is None or (now - parse_time(pod.start_time)).total_seconds() < seconds


def eviction_cost(pod):
    """2; an annotation that is no number is ignored."""
    cost = 1.0
    with contextlib.suppress(ValueError):
        cost += float(pod.annotations.get(DELETION_COST, 0)) / 2**27
    if pod.spec.get("priority") is not None:
        cost += pod.spec["priority"] / 2**25
    return max(-10.0, min(10.0, cost))


def matching_budgets(pod, budgets):
    return [
        budget
        for budget in budgets
        if budget["metadata"]["namespace"] == pod.namespace
        and selector_matches(budget["spec"].get("selector"), pod.labels)
    ]


def is_fully_blocking(budget):
    return (
        budget["spec"].get("maxUnavailable") in (0, "0%")
        or budget["spec"].get("minAvailable") == "100%"
    )


def allows_no_disruption_now(budget):
    return budget.get("status", {}).get("disruptionsAllowed", 0) == 0


def blocked_by_budget(pod, budgets, now, blocks):
    """A pod that cannot be evicted anyway passes; two budgets block; otherwise `blocks(budget)`
    decides."""
    if (
        not pod.active
        or tolerates([DISRUPTED_TAINT], pod.tolerations)
        or do_not_disrupt_active(pod, now)
    ):
        return False
    matching = matching_budgets(pod, budgets)
    if len(matching) > 1:
        return True
    for budget in matching:
        if (
            budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
            and pod.node_name
            and not pod.ready
        ):
            return False
        if blocks(budget):
            return True
    return False


def currently_reschedulable(pod, budgets, now):
    """Pods of deleting nodes and of candidates that a scheduling round has to place."""
    if not pod.reschedulable or (pod.active and do_not_disrupt_active(pod, now)):
        return False
    return not blocked_by_budget(pod, budgets, now, is_fully_blocking)


def disruption_blocker(pod, budgets, now):
    """Why this pod keeps its node from being a candidate, or None."""
    if pod.active and do_not_disrupt_active(pod, now):
        return f"pod {pod.key} has an active do-not-disrupt annotation"
    if blocked_by_budget(pod, budgets, now, allows_no_disruption_now):
        return f"pod {pod.key} is blocked by its PodDisruptionBudgets"
    return None
