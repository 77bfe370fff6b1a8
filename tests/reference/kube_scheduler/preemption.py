"""DefaultPreemption: eligibility, candidates, victims, choice of the node."""

from __future__ import annotations

from dataclasses import dataclass, field

from .arithmetic import seconds
from .cluster import object_namespace
from .framework import CycleState
from .model import Node, Pod
from .scheduler import CycleResult, Scheduler
from .selectors import label_selector_is_empty, label_selector_matches
from .status import UNRESOLVABLE, UNSCHEDULABLE, Status, fit_error_message

NO_VICTIMS = "No preemption victims found for incoming pod"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NEVER = "not eligible due to preemptionPolicy=Never."
WAITING = "not eligible due to a terminating pod on the nominated node."
PRIORITY_OFFSET = 2**31


@dataclass
class Victims:
    pods: list[Pod]  # in order of importance
    budget_violations: int


@dataclass
class PreemptionResult:
    message: str | None = None  # why nothing is preempted
    candidates: dict[str, Victims] = field(default_factory=dict)  # by node name
    not_helpful: dict[str, Status] = field(default_factory=dict)
    potential: list[str] = field(default_factory=list)
    best: list[str] = field(
        default_factory=list
    )  # all nodes equal on every criterion, in list order


def importance(pod: Pod) -> tuple[int, float]:
    """Sorts the most important pod first: higher priority, then earlier start (missing = now)."""
    return -pod.priority, seconds(pod.start_time) if pod.start_time else float("inf")


class Preemption:
    def __init__(self, scheduler: Scheduler):
        self.framework = scheduler.framework
        self.cluster = scheduler.cluster

    def run(self, pod: Pod, cycle_result: CycleResult) -> PreemptionResult:
        """Tries every potential node (upstream stops early beyond 100, from a random offset on)."""
        if cycle_result.failed_in_pre_filter and cycle_result.cycle.failure.code == UNRESOLVABLE:
            result = PreemptionResult(message=self._ineligible(pod, cycle_result.failed))
            if result.message is None:
                result.message = fit_error_message(
                    len(self.cluster.snapshot), {NOT_HELPFUL: len(self.cluster.snapshot)}
                )
            return result
        result = PreemptionResult(message=self._ineligible(pod, cycle_result.failed))
        if result.message is not None:
            return result
        nodes = self.cluster.snapshot
        for node in nodes:
            status = cycle_result.failed.get(node.name)
            if status is None or status.code != UNSCHEDULABLE:
                continue
            result.potential.append(node.name)
            found = self.select_victims(pod, node, cycle_result.cycle)
            if isinstance(found, Victims):
                result.candidates[node.name] = found
            else:
                result.not_helpful[node.name] = found
        if result.candidates:
            result.best = best_candidates(result.candidates)
        else:
            result.message = self._failure_message(len(nodes), result.not_helpful)
        return result

    def _ineligible(self, pod: Pod, failed: dict[str, Status]) -> str | None:
        """None if the pod may preempt."""
        if pod.spec.get("preemptionPolicy") == "Never":
            return NEVER
        nominated = pod.nominated_node_name
        if not nominated:
            return None
        status = failed.get(nominated)
        if status is None or status.code == UNRESOLVABLE or nominated not in self.cluster.nodes:
            return None
        for other in self.cluster.nodes[nominated].pods:
            if (
                other.priority < pod.priority
                and other.terminating
                and _preempted_by_scheduler(other)
            ):
                return WAITING
        return None

    def select_victims(
        self, pod: Pod, original: Node, original_cycle: CycleState
    ) -> Victims | Status:
        """on copies of the node and of the plugin states."""
        node, cycle = original.copy(), self.framework.copy_cycle(original_cycle)

        def remove(other: Pod) -> None:
            node.remove_pod(other)
            self.framework.account(cycle, pod, node, other, -1)

        def add(other: Pod) -> None:
            node.add_pod(other)
            self.framework.account(cycle, pod, node, other, 1)

        lower = [other for other in node.pods if other.priority < pod.priority]
        if not lower:
            return Status("DefaultPreemption", UNRESOLVABLE, (NO_VICTIMS,))
        for other in lower:
            remove(other)
        status = self.framework.run_filters_with_nominated(pod, node, cycle, self.cluster)
        if status is not None:
            return status
        lower.sort(key=importance)
        violating, others = self.split_by_budgets(lower)
        victims: list[Pod] = []
        violations = 0
        for group in (violating, others):
            for other in group:
                add(other)  # reprieve
                if (
                    self.framework.run_filters_with_nominated(pod, node, cycle, self.cluster)
                    is not None
                ):
                    remove(other)
                    victims.append(other)
                    violations += group is violating
        victims.sort(key=importance)
        return Victims(victims, violations)

    def split_by_budgets(self, pods: list[Pod]) -> tuple[list[Pod], list[Pod]]:
        """(violating a PodDisruptionBudget, the rest), by a local copy of disruptionsAllowed.

        Every matching budget is decremented, also after one is violated.
        """
        budgets = self.cluster.disruption_budgets
        allowed = [budget["status"].get("disruptionsAllowed", 0) for budget in budgets]
        violating, others = [], []
        for pod in pods:
            violates = False
            for i, budget in enumerate(budgets):
                if not _budget_covers(budget, pod):
                    continue
                allowed[i] -= 1
                violates = violates or allowed[i] < 0
            (violating if violates else others).append(pod)
        return violating, others

    @staticmethod
    def _failure_message(node_count: int, not_helpful: dict[str, Status]) -> str:
        counts: dict[str, int] = {}
        for status in not_helpful.values():
            for reason in status.reasons:
                counts[reason] = counts.get(reason, 0) + 1
        if node_count > len(not_helpful):
            counts[NOT_HELPFUL] = counts.get(NOT_HELPFUL, 0) + node_count - len(not_helpful)
        return fit_error_message(node_count, counts)


def _preempted_by_scheduler(pod: Pod) -> bool:
    conditions = [c for c in pod.status.get("conditions", []) if c["type"] == "DisruptionTarget"]
    return (
        bool(conditions)
        and conditions[0]["status"] == "True"
        and conditions[0]["reason"] == "PreemptionByScheduler"
    )


def _budget_covers(budget: dict, pod: Pod) -> bool:
    selector = budget["spec"].get("selector")
    if object_namespace(budget) != pod.namespace or not pod.labels:
        return False
    if (
        selector is None
        or label_selector_is_empty(selector)
        or not label_selector_matches(selector, pod.labels)
    ):
        return False
    return pod.name not in (budget["status"].get("disruptedPods") or {})


def ranking(victims: Victims) -> tuple:
    """Smaller is better, criterion by criterion."""
    highest = victims.pods[0].priority
    earliest_start = min(
        seconds(pod.start_time) if pod.start_time else float("inf")
        for pod in victims.pods
        if pod.priority == highest
    )
    return (
        victims.budget_violations,
        highest,
        sum(pod.priority + PRIORITY_OFFSET for pod in victims.pods),
        len(victims.pods),
        -earliest_start,
    )


def best_candidates(candidates: dict[str, Victims]) -> list[str]:
    best = min(ranking(victims) for victims in candidates.values())
    return [name for name, victims in candidates.items() if ranking(victims) == best]
