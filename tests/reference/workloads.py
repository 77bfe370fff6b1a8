"""Load, readiness and deletion order of workloads, worked out anew from the pods each time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pyscale.model.pods import Container, Pod, PodCondition, PodSpec, PodTemplate
from pyscale.policies.pod_autoscaler.pod_samples import Metrics, ResourceSample


@dataclass
class PlainPod:
    """One pod; -1 for what did not happen."""

    number: int
    created: int
    bound: int
    ended: int
    node: int


@dataclass
class PlainWorkload:
    """A load as (time, value) steps, and what its pods make of it."""

    steps: list[tuple[int, int]]
    capacity: int
    idle: int
    cost: int
    delay: int
    request: int = 100

    def load_at(self, time: int) -> int:
        """The last value up to a time."""
        return next((value for start, value in reversed(self.steps) if start <= time), 0)

    def is_ready(self, pod: PlainPod, time: int) -> bool:
        """Whether a pod serves right after a time."""
        return pod.bound >= 0 and pod.bound + self.delay <= time and not 0 <= pod.ended <= time

    def pieces(self, pods: list[PlainPod], begin: int, end: int) -> list[tuple[int, int, int, int]]:
        """(from, to, load, ready pods) of every stretch in which nothing changes."""
        times = {begin, end, *(time for time, _ in self.steps)}
        for pod in pods:
            times |= {pod.bound + self.delay, pod.ended} if pod.bound >= 0 else set()
        inside = sorted(time for time in times if begin <= time <= end)
        return [
            (a, b, self.load_at(a), sum(self.is_ready(pod, a) for pod in pods))
            for a, b in pairwise(inside)
        ]

    def served(self, load: int, n_ready: int) -> int:
        """Load that so many pods serve."""
        if n_ready == 0:
            return 0
        return load if self.capacity < 0 else min(load, self.capacity * n_ready)

    def totals(self, pods: list[PlainPod], end: int) -> tuple[int, int, int]:
        """Served and unserved load times time, and the time with unserved load."""
        served = unserved = short = 0
        for a, b, load, n_ready in self.pieces(pods, 0, end):
            done = self.served(load, n_ready)
            served += done * (b - a)
            unserved += (load - done) * (b - a)
            short += (b - a) * (done < load)
        return served, unserved, short

    def shortages(self, pods: list[PlainPod], end: int) -> list[list[int]]:
        """Stretches with unserved load, those that touch joined."""
        found: list[list[int]] = []
        for a, b, load, n_ready in self.pieces(pods, 0, end):
            if self.served(load, n_ready) == load or a == b:
                continue
            if found and found[-1][1] == a:
                found[-1][1] = b
            else:
                found.append([a, b])
        return found

    def sample(self, pods: list[PlainPod], pod: PlainPod, end: int, window: int) -> tuple[int, int]:
        """CPU use and load of one pod over the window that ends at a time."""
        use = rate = 0
        for a, b, load, n_ready in self.pieces(pods, max(0, end - window), end):
            if self.is_ready(pod, a):
                served = self.served(load, n_ready)
                use += (self.idle - (-served * self.cost // (10**6 * n_ready))) * (b - a)
                rate += served // n_ready * (b - a)
        return -(-use // window), rate // window

    def as_objects(
        self, pods: list[PlainPod], now: int, sampled: int, window: int
    ) -> tuple[list[Pod], Metrics]:
        """The pods that are there, as Kubernetes has them, and what the metrics APIs answer."""
        container = Container("c", requests={"cpu": self.request * 10**6})
        template = PodTemplate(PodSpec((container,)))
        objects, use, rate = [], {}, {}
        samples: dict[int, tuple[int, int]] = {}  # equal for pods that were ready equally long
        for pod in pods:
            if pod.ended >= 0:
                continue
            name = f"p{pod.number}"
            ready = pod.bound + self.delay
            is_ready = self.is_ready(pod, now)
            objects.append(
                Pod(
                    name,
                    template,
                    phase="Running" if is_ready else "Pending",
                    start_ns=pod.bound if pod.bound >= 0 else None,
                    conditions=(
                        PodCondition("Ready", str(is_ready), last_transition_ns=max(ready, 0)),
                    ),
                )
            )
            if is_ready and 0 <= ready < sampled:
                since = max(ready, sampled - window)
                if since not in samples:
                    samples[since] = self.sample(pods, pod, sampled, window)
                cpu, load = samples[since]
                use[name] = ResourceSample(sampled, window, {"c": {"cpu": cpu}})
                rate[name] = load
        load = self.load_at(now)
        names = ("load", "requests_per_second", "prometheus")
        return objects, Metrics(
            use,
            dict.fromkeys(names, rate),
            dict.fromkeys(names, load),
            {name: [load] for name in names},
        )

    def victims(self, pods: list[PlainPod], count: int, now: int) -> set[int]:
        """The pods that a ReplicaSet deletes."""
        there = [pod for pod in pods if pod.ended < 0]

        def key(pod: PlainPod) -> tuple[int, ...]:
            if pod.bound < 0:
                return 0, 0, 0, -pod.created, -pod.number
            beside = sum(other.node == pod.node for other in there)
            ready = pod.bound + self.delay
            stage = 2 if ready <= now else 1
            return stage, -beside, -ready if stage == 2 else 0, -pod.created, -pod.number

        return {pod.number for pod in sorted(there, key=key)[:count]}


def pods_of(columns: dict[str, np.ndarray], pod_class: int) -> list[PlainPod]:
    """The pods of one class, from the columns of an engine or of a result."""
    names = ("created_ns", "bound_ns", "ended_ns", "node")
    return [
        PlainPod(number, *(int(columns[name][number]) for name in names))
        for number in np.flatnonzero(columns["class_id"] == pod_class).tolist()
    ]
