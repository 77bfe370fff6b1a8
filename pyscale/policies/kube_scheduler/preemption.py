"""Which pods go so that a more important one fits.

Follows ``P/defaultpreemption/default_preemption.go`` and ``S/framework/preemption/preemption.go``
of kubernetes 1.36.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyscale.model.disruption import PodDisruptionBudget

from .label_rules import is_empty, label_selector_matches
from .scheduler import Cycle, PodInfo, Scheduler
from .verdicts import UNRESOLVABLE, UNSCHEDULABLE, Refusal, fit_error, reason_counts

NO_VICTIMS = Refusal(
    "DefaultPreemption", UNRESOLVABLE, ("No preemption victims found for incoming pod",)
)
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NEVER = "not eligible due to preemptionPolicy=Never."
WAITING = "not eligible due to a terminating pod on the nominated node."
_PRIORITY_OFFSET = 2**31
_NEVER_STARTED = 2**63


@dataclass(frozen=True)
class Victims:
    """The pods that have to leave one node, the most important first."""

    pods: tuple[PodInfo, ...]
    budget_violations: int


@dataclass
class Preemption:
    """What preemption found.

    Attributes
    ----------
    message : str or None
        Why nothing is preempted.
    candidates : dict of int to Victims
        Per node.
    not_helpful : dict of int to Refusal
        Nodes that do not fit the pod even without the pods that may go.
    n_potential : int
        Nodes where preemption might help.
    best : list of int
        The nodes that are equally good on every criterion, in list order.
    """

    message: str | None = None
    candidates: dict[int, Victims] = field(default_factory=dict)
    not_helpful: dict[int, Refusal] = field(default_factory=dict)
    n_potential: int = 0
    best: list[int] = field(default_factory=list)


def importance(info: PodInfo) -> tuple[int, int]:
    """Sort the most important pod first: higher priority, then earlier start (missing: now)."""
    return -info.priority, _start(info)


def _start(info: PodInfo) -> int:
    return _NEVER_STARTED if info.pod.start_ns is None else info.pod.start_ns


def preempt(scheduler: Scheduler, cycle: Cycle, offset: int | None = None) -> Preemption:
    """Look for a node where a pod that fits nowhere fits once less important pods are gone.

    Parameters
    ----------
    scheduler : Scheduler
    cycle : Cycle
        The cycle that failed, just now.
    offset : int, optional
        Where among the potential nodes the search starts; it ends, as upstream's does, once enough
        candidates are found.  None looks at all of them.

    Notes
    -----
    Upstream draws the offset; it visits nodes in the order of a hash map, here in list order.
    O(potential nodes x pods on them).
    """
    result = Preemption(_ineligible(scheduler, cycle))
    if result.message is not None:
        return result
    if cycle.pre_filter is not None and cycle.pre_filter.status == UNRESOLVABLE:
        result.message = fit_error(cycle.n_nodes, Counter({NOT_HELPFUL: cycle.n_nodes}))
        return result
    potential = [
        node
        for node in scheduler.snapshot.state.listing()
        if node in cycle.refusals and cycle.refusals[node].status == UNSCHEDULABLE
    ]
    result.n_potential = len(potential)
    wanted = len(potential)
    if offset is not None and potential:
        profile = scheduler.profile
        wanted = max(
            len(potential) * profile.min_candidate_nodes_percentage // 100,
            profile.min_candidate_nodes_absolute,
        )
        offset %= len(potential)
        potential = potential[offset:] + potential[:offset]
    clean = 0
    for node in potential:
        found = select_victims(scheduler, cycle.info, node)
        if isinstance(found, Refusal):
            result.not_helpful[node] = found
            continue
        result.candidates[node] = found
        clean += found.budget_violations == 0
        if offset is not None and clean and len(result.candidates) >= wanted:
            break
    if result.candidates:
        ranks = {node: ranking(victims) for node, victims in result.candidates.items()}
        best = min(ranks.values())
        result.best = [node for node, rank in ranks.items() if rank == best]
    else:
        counts: Counter[str] = reason_counts(result.not_helpful.values())
        if cycle.n_nodes > len(result.not_helpful):
            counts[NOT_HELPFUL] += cycle.n_nodes - len(result.not_helpful)
        result.message = fit_error(cycle.n_nodes, counts)
    return result


def _ineligible(scheduler: Scheduler, cycle: Cycle) -> str | None:
    pod = cycle.info.pod
    if pod.template.spec.preemption_policy == "Never":
        return NEVER
    if not pod.nominated_node_name:
        return None
    node = scheduler.snapshot.node_id(pod.nominated_node_name)
    if node is None or node not in cycle.refusals:
        return None
    if cycle.refusals[node].status == UNRESOLVABLE:
        return None
    for other in scheduler.pods_on[pod.nominated_node_name].values():
        if other.priority < cycle.info.priority and _leaves_for_preemption(other):
            return WAITING
    return None


def _leaves_for_preemption(info: PodInfo) -> bool:
    if info.pod.deletion_ns is None:
        return False
    condition = next((c for c in info.pod.conditions if c.type == "DisruptionTarget"), None)
    return (
        condition is not None
        and condition.status == "True"
        and condition.reason == "PreemptionByScheduler"
    )


def select_victims(scheduler: Scheduler, info: PodInfo, node: int) -> Victims | Refusal:
    """Return the pods that have to leave a node for a pod to fit, or why that is no help."""
    snapshot = scheduler.snapshot
    pods = scheduler.pods_on[snapshot.nodes[node].name].values()
    lower = sorted((p for p in pods if p.priority < info.priority), key=importance)
    if not lower:
        return NO_VICTIMS
    violating, others = split_by_budgets(lower, snapshot.objects.disruption_budgets)
    order = violating + others
    verdict, shortfall, gone = snapshot.state.try_victims(
        info.class_id, node, [p.class_id for p in order], info.priority, info.number
    )
    if verdict:
        refusal = snapshot.refusal(verdict, shortfall)
        assert refusal is not None
        return refusal
    victims = [p for p, leaves in zip(order, gone, strict=True) if leaves]
    return Victims(tuple(sorted(victims, key=importance)), sum(gone[: len(violating)]))


def split_by_budgets(
    pods: Iterable[PodInfo], budgets: Sequence[PodDisruptionBudget]
) -> tuple[list[PodInfo], list[PodInfo]]:
    """Split pods into those whose eviction violates a budget and the rest, in order.

    Every budget that covers a pod is charged, also after one is violated.
    """
    allowed = [budget.disruptions_allowed for budget in budgets]
    violating: list[PodInfo] = []
    others: list[PodInfo] = []
    for info in pods:
        violates = False
        for i, budget in enumerate(budgets):
            if _covers(budget, info):
                allowed[i] -= 1
                violates = violates or allowed[i] < 0
        (violating if violates else others).append(info)
    return violating, others


def _covers(budget: PodDisruptionBudget, info: PodInfo) -> bool:
    template = info.pod.template
    if budget.namespace != template.namespace or not template.labels:
        return False
    if budget.selector is None or is_empty(budget.selector):
        return False
    return (
        label_selector_matches(budget.selector, template.labels)
        and info.pod.name not in budget.disrupted_pods
    )


def ranking(victims: Victims) -> tuple[int, int, int, int, int]:
    """Return the criteria by which nodes are compared; the smallest is best."""
    highest = victims.pods[0].priority
    return (
        victims.budget_violations,
        highest,
        sum(p.priority + _PRIORITY_OFFSET for p in victims.pods),
        len(victims.pods),
        -min(_start(p) for p in victims.pods if p.priority == highest),
    )
