"""Replays the sequences of the recordings: many decisions, each seeing the earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .case_reader import CaseInput
from .model import Pod
from .preemption import Preemption, PreemptionResult
from .scheduler import CycleResult
from .status import SchedulingError

MAX_ATTEMPTS = 4
DEFERRED_ROUNDS = 3


@dataclass
class Decision:
    pod: Pod
    row: list  # in the form of the recordings
    cycle: CycleResult | None
    preemption: PreemptionResult | None = None


def index_ranges(indexes: list[int]) -> str:
    """[0, 1, 2, 7] -> "0-2,7"."""
    ranges: list[list[int]] = []
    for index in sorted(indexes):
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


class SequenceRunner:
    def __init__(self, case: CaseInput):
        self.case = case
        self.cluster = case.cluster
        self.scheduler = case.scheduler
        self.preemption_mode: str | None = case.raw.get("preemption")
        self.references = [dict(reference) for reference in case.pod_references]
        self.index_of_node = {name: index for index, name in enumerate(case.node_names)}
        self.index_of_pod = {
            case.pod(reference).key: i for i, reference in enumerate(self.references)
        }
        self.location = {
            pod.key: (node, pod) for node in self.cluster.nodes.values() for pod in node.pods
        }

    def run(self) -> Iterator[Decision]:
        if "steps" in self.case.raw:
            yield from self._run_steps(self.case.raw["steps"])
        elif self.preemption_mode == "deferred":
            yield from self._run_deferred()
        else:
            for index in self.case.queue_order():
                for _ in range(MAX_ATTEMPTS):
                    decision = self._attempt(index)
                    yield decision
                    if not self._was_nominated(decision):
                        break

    def _run_deferred(self) -> Iterator[Decision]:
        """Nominated pods are retried after the whole list, by priority and then by time of
        failure."""
        waiting = self.case.queue_order()
        for _ in range(1 + DEFERRED_ROUNDS):
            nominated = []
            for index in waiting:
                decision = self._attempt(index)
                yield decision
                if self._was_nominated(decision):
                    nominated.append(index)
            waiting = sorted(
                nominated, key=lambda index: -self.case.priority(self.references[index])
            )

    def _run_steps(self, steps: list[list]) -> Iterator[Decision]:
        removed = dict(self.case.later_nodes)
        for step, argument, *rest in steps:
            if step == "schedule":
                yield self._attempt(argument)
            elif step == "addNode":
                self.cluster.add_node(removed.pop(argument))
            elif step == "removeNode":
                removed[argument] = self.cluster.nodes[self.case.node_names[argument]]
                self.cluster.remove_node(removed[argument])
            elif step == "relabelNode":
                self.cluster.relabel_node(
                    self.cluster.nodes[self.case.node_names[argument]], rest[0]
                )
            elif step == "deletePod" and argument in self.location:
                node, pod = self.location.pop(argument)
                node.remove_pod(pod)

    @staticmethod
    def _was_nominated(decision: Decision) -> bool:
        return decision.preemption is not None and bool(decision.preemption.best)

    def _attempt(self, index: int) -> Decision:
        pod = self.case.pod(self.references[index])
        try:
            result = self.scheduler.schedule(pod)
        except SchedulingError as error:
            return Decision(pod, [pod.name, None, f"error: {error}"], None)
        if result.chosen is not None:
            return self._bind(pod, result)
        if self.preemption_mode is None:
            return Decision(pod, [pod.name, None, result.message], result)
        return self._preempt(index, pod, result)

    def _bind(self, pod: Pod, result: CycleResult) -> Decision:
        best_total = -1 if result.totals is None else max(result.totals)
        row = [
            pod.name,
            self.index_of_node[result.chosen.name],
            index_ranges([self.index_of_node[name] for name in result.top_nodes()]),
            best_total,
            len(result.feasible),
            len(result.feasible) + len(result.failed),
            self.scheduler.next_start_index,
        ]
        result.chosen.add_pod(pod)
        self.location[pod.key] = (result.chosen, pod)
        self.cluster.clear_nomination(pod)
        return Decision(pod, row, result)

    def _preempt(self, index: int, pod: Pod, result: CycleResult) -> Decision:
        preemption = Preemption(self.scheduler).run(pod, result)
        self.cluster.clear_nomination(pod)
        if not preemption.best:
            self.references[index].pop("nominatedNodeName", None)
            row = [pod.name, None, result.message, {"preemption": preemption.message}]
            return Decision(pod, row, result, preemption)
        node_name = preemption.best[0]  # upstream: random among the equals
        victims = preemption.candidates[node_name]
        cleared = self._clear_lower_nominations(pod, node_name)
        for victim in victims.pods:
            self.cluster.nodes[node_name].remove_pod(victim)
        self.references[index]["nominatedNodeName"] = node_name
        self.cluster.nominate(self.case.pod(self.references[index]), node_name)
        details = {
            "nominated": self.index_of_node[node_name],
            "victims": [victim.key for victim in victims.pods],
            "pdbViolations": victims.budget_violations,
        }
        if len(preemption.best) > 1:
            details["tied"] = len(preemption.best)
        if cleared:
            details["clearedNominations"] = cleared
        return Decision(pod, [pod.name, None, result.message, details], result, preemption)

    def _clear_lower_nominations(self, pod: Pod, node_name: str) -> list[str]:
        cleared = []
        for other in list(self.cluster.nominated.get(node_name, [])):
            if other.priority < pod.priority:
                self.cluster.clear_nomination(other)
                cleared.append(other.key)
                if other.key in self.index_of_pod:
                    self.references[self.index_of_pod[other.key]].pop("nominatedNodeName", None)
        return cleared
