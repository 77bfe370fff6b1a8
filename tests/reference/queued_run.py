"""A run of kube-scheduler pod by pod: its queue, its cycle, its preemption, and a clock.

The queue is ``SchedulingQueue``, which follows upstream's; cycles and preemptions are those of
``Scheduler`` and ``preempt``, which the recordings prove.  Everything else is here: pods arrive and
end, nodes come, are closed and opened; victims leave at once.
"""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import Any

import numpy as np

from pyscale.model.pods import Pod
from pyscale.policies.disruption_budgets import BudgetTable
from pyscale.policies.kube_scheduler import preempt
from pyscale.policies.kube_scheduler.label_rules import label_selector_matches
from pyscale.policies.kube_scheduler.preemption import importance
from pyscale.policies.kube_scheduler.queue import QueuedPod, SchedulingQueue
from pyscale.policies.kube_scheduler.scheduler import Scheduler

LOST, REMAINING, FULL = 0, 1, 2
OF_THE_NODE = {"NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity"}


class QueuedRun:
    """Pods are known by number, in the order of their creation."""

    def __init__(self, templates, restarts, rows, budgets=(), options=None):
        self.templates, self.restarts = templates, restarts
        self.scheduler = Scheduler()
        # Classes get their numbers in the order in which the run under test gives them.
        for template in templates:
            self.scheduler.snapshot.pod_class(template)
        self.budgets = tuple(budgets)
        self.table = BudgetTable(budgets, templates)
        self.queue = SchedulingQueue(options)
        self.pods: list[dict[str, Any]] = []
        self.nodes: list[Any] = []
        self.events: list[tuple[int, int, int, int]] = []
        self.now = self.sequence = self.n_preempted = 0
        self.rows = sorted(rows, key=lambda row: row["arrival"])
        for number, row in enumerate(self.rows):
            self.at(row["arrival"], 2, number)

    def at(self, time, priority, payload):
        heapq.heappush(self.events, (time, priority, self.sequence, payload))
        self.sequence += 1

    # --- pods and nodes ---

    def create(self, class_id, duration, origin):
        number = len(self.pods)
        record = {"class_id": class_id, "created_ns": self.now, "bound_ns": -1, "ended_ns": -1}
        self.pods.append({**record, "node": -1, "duration": duration, "origin": origin})
        template = self.templates[class_id]
        gates = template.spec.scheduling_gates
        self.queue.add(str(number), template.spec.priority or 0, self.now, gates)

    def pod(self, number, **more):
        return Pod(str(number), self.templates[self.pods[number]["class_id"]], **more)

    def end(self, number):
        record = self.pods[number]
        record["ended_ns"] = self.now
        self.scheduler.delete(self.pod(number).key)
        self.tell(record["node"], is_exit=True)

    def evict(self, number):
        record = self.pods[number]
        restart, duration = self.restarts[record["class_id"]], record["duration"]
        self.end(number)
        if restart == REMAINING and duration >= 0:
            duration -= self.now - record["bound_ns"]
        if restart != LOST:
            self.create(record["class_id"], duration, number)

    def add_node(self, node):
        name = f"node-{len(self.nodes) + 1}"
        node = replace(node, name=name, labels={**node.labels, "kubernetes.io/hostname": name})
        self.nodes.append(node)
        self.scheduler.add_node(node)
        self.tell(len(self.nodes) - 1, is_exit=False)

    def cordon(self, number, closed):
        self.nodes[number] = replace(self.nodes[number], unschedulable=closed)
        self.scheduler.update_node(self.nodes[number])
        if not closed:
            self.tell(number, is_exit=False)

    # --- what may help whom ---

    def tell(self, node, is_exit):
        snapshot = self.scheduler.snapshot
        node_id = snapshot.node_id(self.nodes[node].name)

        def hint(queued: QueuedPod) -> bool:
            template = self.templates[self.pods[int(queued.key)]["class_id"]]
            if self.looks_around(template):
                return True
            if snapshot.check(snapshot.pod_class(template), node_id) is None:
                return True
            return is_exit and bool(queued.rejectors - OF_THE_NODE)

        self.queue.event(hint, self.now)

    def looks_around(self, template):
        """Whether what is on other nodes decides on a pod."""
        spec = template.spec
        return bool(spec.topology_spread_constraints or spec.required_pod_anti_affinity) or any(
            label_selector_matches(term.label_selector, template.labels)
            for other in self.templates
            for term in other.spec.required_pod_anti_affinity
        )

    def tell_of_binding(self, number):
        labels = self.templates[self.pods[number]["class_id"]].labels

        def hint(queued: QueuedPod) -> bool:
            spec = self.templates[self.pods[int(queued.key)]["class_id"]].spec
            return any(
                constraint.when_unsatisfiable == "DoNotSchedule"
                and label_selector_matches(constraint.label_selector, labels)
                for constraint in spec.topology_spread_constraints
            )

        self.queue.event(hint, self.now)

    # --- the scheduler ---

    def schedule(self):
        while (key := self.queue.pop(self.now)) is not None:
            number = int(key)
            pod = self.pod(number)
            nominated = self.scheduler.nominated.get(pod.key, "")
            cycle = self.scheduler.schedule(replace(pod, nominated_node_name=nominated))
            self.scheduler.clear_nomination(pod.key)
            if cycle.node >= 0:
                self.bind(number, self.scheduler.snapshot.name_of(cycle.node))
            else:
                self.fail(number, cycle)

    def bind(self, number, name):
        record = self.pods[number]
        self.queue.remove(str(number))
        self.scheduler.place(self.pod(number, start_ns=self.now), name)
        # Among equally important pods the older id goes first.
        there = self.scheduler.pods_on[name]
        self.scheduler.pods_on[name] = dict(
            sorted(there.items(), key=lambda entry: int(entry[1].pod.name))
        )
        record["bound_ns"] = self.now
        record["node"] = next(i for i, node in enumerate(self.nodes) if node.name == name)
        if record["duration"] >= 0:
            self.at(self.now + record["duration"], 0, number)
        self.tell_of_binding(number)

    def fail(self, number, cycle):
        rejectors = {refusal.plugin for refusal in cycle.refusals.values()}
        self.scheduler.snapshot.objects = replace(
            self.scheduler.snapshot.objects, disruption_budgets=self.budgets_now()
        )
        found = preempt(self.scheduler, cycle)
        # Without nodes upstream tries again after an error's backoff; a run waits for the first.
        self.queue.fail(str(number), rejectors or {"NoNodes"}, self.now)
        if not found.best:
            return
        node = found.best[0]
        name = self.scheduler.snapshot.name_of(node)
        for other, where in list(self.scheduler.nominated.items()):
            if where == name and self.priority(other) < cycle.info.priority:
                self.scheduler.clear_nomination(other)
        self.scheduler.nominate(self.pod(number), name)
        victims = found.candidates[node].pods
        for *_, victim in sorted((*importance(info), int(info.pod.name)) for info in victims):
            self.n_preempted += 1
            self.evict(victim)

    def priority(self, key):
        return self.templates[self.pods[int(key.split("/")[1])]["class_id"]].spec.priority or 0

    def budgets_now(self):
        pending, bound = [0] * len(self.templates), [0] * len(self.templates)
        for pod in self.pods:
            if pod["ended_ns"] < 0:
                (pending if pod["bound_ns"] < 0 else bound)[pod["class_id"]] += 1
        allowed = self.table.allowed(np.array(pending), np.array(bound))
        return tuple(
            replace(budget, disruptions_allowed=int(n))
            for budget, n in zip(self.budgets, allowed, strict=True)
        )

    def run(self, until):
        """Go on to the end of the instant ``until``."""
        self.schedule()
        while self.events and self.events[0][0] <= until:
            self.now = self.events[0][0]
            while self.events and self.events[0][0] == self.now:
                _, priority, _, payload = heapq.heappop(self.events)
                if priority == 2:
                    row = self.rows[payload]
                    for _ in range(row["count"]):
                        self.create(row["class"], row["duration"], -1)
                elif self.pods[payload]["ended_ns"] < 0:
                    self.end(payload)
            self.schedule()
        self.now = until
