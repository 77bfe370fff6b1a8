"""Recorded sequences: many decisions, each seeing the earlier ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pyscale.policies.kube_scheduler.preemption import Preemption, preempt
from pyscale.policies.kube_scheduler.scheduler import Cycle, SchedulingError

from ._scheduler_cases import CaseInput
from ._scheduler_cycles import ties_by_chance

_MAX_ATTEMPTS = 4
_DEFERRED_ROUNDS = 3


def sequence_rows(case: CaseInput, accepted: list[Any]) -> dict[str, Any]:
    """Return the recorded rows of kind ``sequence``."""
    return {"decisions": _Sequence(case, accepted).run()}


def _ranges(indexes: list[int]) -> str:
    """[0, 1, 2, 7] -> "0-2,7"."""
    ranges: list[list[int]] = []
    for index in sorted(indexes):
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)


class _Sequence:
    """One run of a sequence.

    Where chance decides upstream (the order of a hash map: several nodes named by PreFilter, more
    than 100 nodes that preemption might help), the run follows the recorded decision as long as
    that is one that chance can lead to; see :meth:`_recorded`.
    """

    def __init__(self, case: CaseInput, accepted: list[Any]) -> None:
        self.case = case
        self._followed = [outcome.get("decisions", []) for outcome in accepted]
        self.scheduler = case.scheduler
        self.preemption = case.raw.get("preemption")
        self.references = [dict(reference) for reference in case.pods]
        self.nodes = list(case.nodes)
        self.index_of_node = {name: i for i, name in enumerate(case.node_names)}
        self.index_of_pod = {case.pod(r).key: i for i, r in enumerate(self.references)}
        self.rows: list[Any] = []

    def _decide(self, row: list[Any]) -> None:
        position = len(self.rows)
        self.rows.append(row)
        self._followed = [
            rows for rows in self._followed if len(rows) > position and rows[position] == row
        ]

    def _recorded(self) -> list[Any] | None:
        """Return the next row of a recorded outcome that agrees with all rows so far."""
        position = len(self.rows)
        return next((rows[position] for rows in self._followed if len(rows) > position), None)

    def run(self) -> list[Any]:
        if "steps" in self.case.raw:
            for step in self.case.raw["steps"]:
                self._step(*step)
        elif self.preemption == "deferred":
            self._run_deferred()
        else:
            for index in self.case.queue_order():
                for _ in range(_MAX_ATTEMPTS):
                    if not self._attempt(index):
                        break
        return self.rows

    def _run_deferred(self) -> None:
        """Nominated pods are retried after the whole list, by priority, then time of failure."""
        waiting = self.case.queue_order()
        for _ in range(1 + _DEFERRED_ROUNDS):
            nominated = [index for index in waiting if self._attempt(index)]
            waiting = sorted(
                nominated, key=lambda index: -self.case.priority(self.references[index])
            )

    def _step(self, step: str, argument: Any, *rest: Any) -> None:
        if step == "schedule":
            self._attempt(argument)
        elif step == "addNode":
            self.scheduler.add_node(self.nodes[argument])
        elif step == "removeNode":
            self.scheduler.remove_node(self.case.node_names[argument])
        elif step == "relabelNode":
            node = self.nodes[argument]
            labels = {**node.labels, **rest[0]}
            labels = {key: value for key, value in labels.items() if value is not None}
            self.nodes[argument] = replace(node, labels=labels)
            self.scheduler.update_node(self.nodes[argument])
        elif step == "deletePod":
            self.scheduler.delete(argument)

    def _attempt(self, index: int) -> bool:
        """Try one pod; whether it was nominated to a node."""
        pod = self.case.pod(self.references[index])
        try:
            cycle = self.scheduler.schedule(pod)
        except SchedulingError as error:
            self._decide([pod.name, None, f"error: {error}"])
            return False
        if cycle.node >= 0:
            self._bind(cycle)
            return False
        if self.preemption is None:
            self._decide([pod.name, None, cycle.message])
            return False
        return self._preempt(index, cycle)

    def _bind(self, cycle: Cycle) -> None:
        snapshot = self.scheduler.snapshot
        name = snapshot.nodes[cycle.node].name
        best = [
            self.index_of_node[snapshot.nodes[node].name] for node in snapshot.state.last_best()
        ]
        names = snapshot.classes[cycle.info.class_id].names
        if names is not None and len(names) > 1:
            recorded = self._recorded()
            if recorded is not None and recorded[1] in best:
                name = self.case.node_names[recorded[1]]
        pod = cycle.info.pod
        self._decide(
            [
                pod.name,
                self.index_of_node[name],
                _ranges(best),
                cycle.total,
                cycle.n_feasible,
                cycle.n_evaluated,
                cycle.start,
            ]
        )
        self.scheduler.place(pod, name)

    def _preempt(self, index: int, cycle: Cycle) -> bool:
        scheduler, pod = self.scheduler, cycle.info.pod
        found = preempt(scheduler, cycle)
        scheduler.clear_nomination(pod.key)
        if not found.best:
            self.references[index].pop("nominatedNodeName", None)
            self._decide([pod.name, None, cycle.message, {"preemption": found.message}])
            return False
        node, tied = self._nominated(found)
        name = scheduler.snapshot.nodes[node].name
        victims = found.candidates[node]
        cleared = self._clear_lower_nominations(cycle.info.priority, name)
        for victim in victims.pods:
            scheduler.delete(victim.key)
        self.references[index]["nominatedNodeName"] = name
        scheduler.nominate(self.case.pod(self.references[index]), name)
        details: dict[str, Any] = {
            "nominated": self.index_of_node[name],
            "victims": [victim.key for victim in victims.pods],
            "pdbViolations": victims.budget_violations,
        }
        if tied > 1:
            details["tied"] = tied
        if cleared:
            details["clearedNominations"] = cleared
        self._decide([pod.name, None, cycle.message, details])
        return True

    def _nominated(self, found: Preemption) -> tuple[int, int]:
        """Return the node to nominate, and the number of nodes as good as it."""
        recorded = self._recorded()
        if recorded is not None and len(recorded) > 3 and "nominated" in recorded[3]:
            name = self.case.node_names[recorded[3]["nominated"]]
            wanted = self.scheduler.snapshot.node_id(name)
            tied = recorded[3].get("tied", 1)
            if wanted is not None and tied in ties_by_chance(found, wanted):
                return wanted, tied
        return found.best[0], len(found.best)

    def _clear_lower_nominations(self, priority: int, node_name: str) -> list[str]:
        cleared = []
        for other in self.scheduler.nominated_to(node_name):
            if other.priority < priority:
                self.scheduler.clear_nomination(other.key)
                cleared.append(other.key)
                if other.key in self.index_of_pod:
                    self.references[self.index_of_pod[other.key]].pop("nominatedNodeName", None)
        return cleared
