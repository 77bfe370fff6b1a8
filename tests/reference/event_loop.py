"""The event loop without cleverness: every pending pod is tried at every instant."""

from __future__ import annotations

import heapq
from typing import Any

LOST, REMAINING, FULL = 0, 1, 2
BOOTING, READY, DRAINING, TERMINATING, GONE = range(5)


class PlainLoop:
    """Same operations as ``pyscale.kernel._engine.Engine``, one dict per pod and node."""

    def __init__(
        self,
        classes: list[dict[str, int]],
        rows: list[dict[str, int]],
        daemons: Any,
        scheduler: Any,
    ) -> None:
        self.classes, self.rows = classes, sorted(rows, key=lambda row: row["arrival"])
        self.daemons, self.scheduler = daemons, scheduler
        self.pods: list[dict[str, int]] = []
        self.nodes: list[dict[str, int]] = []
        self.events: list[tuple[int, int, int, int]] = []
        self.sequence = self.now = 0
        self.slots: dict[int, int] = {}
        for number, row in enumerate(self.rows):
            self.at(row["arrival"], 2, number)

    def at(self, time: int, priority: int, payload: int) -> None:
        heapq.heappush(self.events, (time, priority, self.sequence, payload))
        self.sequence += 1

    def new_pod(self, pod_class: int, duration: int, origin: int) -> int:
        pod = {"class_id": pod_class, "created_ns": self.now, "bound_ns": -1, "ended_ns": -1}
        self.pods.append({**pod, "node": -1, "duration": duration, "origin": origin})
        return len(self.pods) - 1

    def place(self, pod: int, node: int) -> None:
        record = self.pods[pod]
        record.update(bound_ns=self.now, node=node)
        if record["duration"] >= 0:
            self.at(self.now + record["duration"], 0, pod)

    def schedule(self) -> None:
        waiting = [
            (-self.classes[pod["class_id"]]["priority"], pod["created_ns"], number)
            for number, pod in enumerate(self.pods)
            if pod["bound_ns"] < 0
        ]
        for *_, number in sorted(waiting):
            slot = self.scheduler.bind(self.pods[number]["class_id"])
            if slot >= 0:
                self.place(number, self.slots[slot])

    def end(self, pod: int) -> None:
        record = self.pods[pod]
        record["ended_ns"] = self.now
        self.scheduler.release(record["class_id"], self.nodes[record["node"]]["slot"])

    def join(self, node: int) -> None:
        if self.nodes[node]["state"] != BOOTING:
            return
        slot = next(number for number in range(len(self.nodes)) if number not in self.slots)
        self.slots[slot] = node
        self.nodes[node].update(state=READY, ready_ns=self.now, slot=slot)
        self.scheduler.add_node(slot, self.nodes[node]["kind"])
        for pod_class in self.daemons:
            if self.scheduler.bind_to(pod_class, slot):
                self.place(self.new_pod(pod_class, -1, -2), node)
        if self.nodes[node]["cordoned"]:
            self.scheduler.cordon(slot, True)

    def run(self, until: int) -> None:
        """Go on to the end of the instant ``until``."""
        self.schedule()
        while self.events and self.events[0][0] <= until:
            self.now = self.events[0][0]
            while self.events and self.events[0][0] == self.now:
                _, priority, _, payload = heapq.heappop(self.events)
                if priority == 1:
                    self.join(payload)
                elif priority == 2:
                    row = self.rows[payload]
                    for _ in range(row["count"]):
                        self.new_pod(row["class"], row["duration"], -1)
                elif self.pods[payload]["ended_ns"] < 0:
                    self.end(payload)
            self.schedule()
        self.now = until

    def add_node(self, kind: int, ready: int) -> None:
        node = {"kind": kind, "state": BOOTING, "cordoned": 0, "created_ns": self.now}
        self.nodes.append({**node, "ready_ns": -1, "gone_ns": -1, "slot": -1})
        if ready >= 0:
            self.at(ready, 1, len(self.nodes) - 1)

    def cordon(self, node: int, closed: bool) -> None:
        self.nodes[node]["cordoned"] = int(closed)
        if self.nodes[node]["slot"] >= 0:
            self.scheduler.cordon(self.nodes[node]["slot"], closed)

    def evict(self, pod: int) -> None:
        record = self.pods[pod]
        restart, duration = self.classes[record["class_id"]]["restart"], record["duration"]
        self.end(pod)
        if restart == REMAINING and duration >= 0:
            duration -= self.now - record["bound_ns"]
        if restart != LOST:
            self.new_pod(record["class_id"], duration, pod)

    def running_on(self, node: int) -> list[int]:
        return [
            number
            for number, pod in enumerate(self.pods)
            if pod["node"] == node and pod["ended_ns"] < 0
        ]

    def remove(self, node: int) -> None:
        """Evict all pods, end the daemons and give the machine back."""
        running = self.running_on(node)
        for pod in running:
            if self.pods[pod]["origin"] != -2:
                self.evict(pod)
        for pod in running:
            if self.pods[pod]["origin"] == -2:
                self.end(pod)
        if self.nodes[node]["slot"] >= 0:
            self.scheduler.remove_node(self.nodes[node]["slot"])
            del self.slots[self.nodes[node]["slot"]]
        self.nodes[node].update(state=GONE, gone_ns=self.now, cordoned=1, slot=-1)
