"""Deleting nodes: taint, wait, drain, delete, and what happens when it fails.

Specification section 5.9; upstream ``core/scaledown/actuation``.  Deletions run beside the loop:
each is a generator that yields how long it waits, and :meth:`Actuator.run_until` lets them go on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ...model.times import SECOND
from .budgets import Bucket
from .classes import PREFIX
from .disruption import BudgetTracker
from .drain import DrainRules
from .options import Options
from .planner import Removable, deletion_taint
from .pod_list import is_expendable
from .world import TO_BE_DELETED, Controllers, NodeRow, PodColumns, Pods, World

EVICTION_RETRY = 10 * SECOND
POD_POLL = 5 * SECOND
CONFLICT_RETRY = 750_000_000
OTHERS_FAILED = "couldn't scale down other nodes in this node group"
DELAY_DELETION_PREFIX = "delay-deletion." + PREFIX
DAEMON_EVICTION = PREFIX + "enable-ds-eviction"

Task = Generator[int, None, None]


@dataclass(slots=True)
class Deletion:
    """A deletion in progress."""

    group: str
    drain: bool


@dataclass(slots=True)
class _Batch:
    nodes: list[NodeRow] = field(default_factory=list)
    drain: bool = False


class Deleter(Protocol):
    """What starts deletions and knows of those under way, by node."""

    in_progress: dict[str, Deletion]
    on_deleted: Callable[[str, int], None]
    on_failed: Callable[[str, int], None]

    def start(
        self,
        empty: Sequence[Bucket],
        drain: Sequence[Bucket],
        nodes: Mapping[str, Removable],
        pods: Pods,
        controllers: Controllers,
        is_atomic: Callable[[str], bool],
    ) -> None:
        """Start to delete the nodes of all buckets."""

    def take_failures(self) -> dict[str, str]:
        """Return and forget the errors of deletions that ended since the last call."""


class Actuator:
    """Starts deletions and carries them through.

    ``on_deleted`` and ``on_failed`` are told of every node's end, by (group, time).
    """

    def __init__(self, options: Options, world: World) -> None:
        self._options = options
        self._world = world
        self._tasks: list[tuple[int, int, Task]] = []
        self._sequence = 0
        self._queues: dict[str, list[NodeRow]] = {}
        self._failed_groups: set[str] = set()
        self._batches: dict[str, _Batch] = {}
        self._pods: Pods = PodColumns()
        self._controllers: Controllers = {}
        self.in_progress: dict[str, Deletion] = {}
        self.failures: dict[str, str] = {}
        self.on_deleted: Callable[[str, int], None] = lambda group, now: None
        self.on_failed: Callable[[str, int], None] = lambda group, now: None

    # --- the loop's side ---

    def start(
        self,
        empty: Sequence[Bucket],
        drain: Sequence[Bucket],
        nodes: Mapping[str, Removable],
        pods: Pods,
        controllers: Controllers,
        is_atomic: Callable[[str], bool],
    ) -> None:
        """Taint the nodes of all buckets and start to delete them."""
        self._failed_groups.clear()
        self._pods, self._controllers = pods, controllers
        for buckets, drains in ((empty, False), (drain, True)):
            for bucket in buckets:
                for name in bucket.nodes:
                    self._mark(nodes[name].node)
            for bucket in buckets:
                rows = [nodes[name].node for name in bucket.nodes]
                for row in rows:
                    self.in_progress[row.name] = Deletion(bucket.group, drains)
                self._spawn(self._delete_bucket(rows, bucket, drains, is_atomic(bucket.group)))

    def run_until(self, limit: int) -> None:
        """Carry deletions on up to a time, included."""
        while self._tasks and self._tasks[0][0] <= limit:
            due, _, task = heapq.heappop(self._tasks)
            self._world.advance(due)
            self._step(task)

    def next_due(self) -> int | None:
        """Return when a deletion goes on next, None if none is under way."""
        return self._tasks[0][0] if self._tasks else None

    def take_failures(self) -> dict[str, str]:
        """Return and forget the errors of deletions that ended since the last call."""
        failures, self.failures = self.failures, {}
        return failures

    # --- tasks ---

    def _spawn(self, task: Task) -> None:
        self._step(task)

    def _step(self, task: Task) -> None:
        try:
            wait = next(task)
        except StopIteration:
            return
        self._sequence += 1
        heapq.heappush(self._tasks, (self._world.now() + wait, self._sequence, task))

    def _mark(self, node: NodeRow) -> None:
        """Taint and cordon a node, waiting out conflicts."""
        cordon = True if self._options.cordon_node_before_terminating else None
        taint = deletion_taint(self._world.now())
        version = node.version
        while not self._world.update_taints(node.name, version, [taint], unschedulable=cordon):
            self._world.sleep(CONFLICT_RETRY)
            fresh = self._world.node(node.name)
            if fresh is None:
                return
            version = fresh.version

    def _delete_bucket(
        self, nodes: list[NodeRow], bucket: Bucket, drain: bool, atomic: bool
    ) -> Task:
        if self._options.node_delete_delay_after_taint > 0:
            yield self._options.node_delete_delay_after_taint
        budgets = BudgetTracker(self._world.budgets()) if drain else None
        controllers = self._controllers if drain else None
        rules = DrainRules(self._options, self._pods, controllers)
        batch = bucket.batch or len(nodes)
        for node in nodes:
            present = self._present(node.name)
            found = rules.pods_to_move(present, budgets, self._world.now())
            if found.blocking is not None:
                self._abort(node, bucket.group, "pods to move could not be determined")
            elif not drain and (found.moved or found.waits):
                error = f'failed to delete empty node "{node.name}", new pods scheduled'
                self._abort(node, bucket.group, error)
            else:
                self._spawn(self._delete_node(node, bucket.group, batch, drain, atomic))

    def _delete_node(
        self, node: NodeRow, group: str, batch: int, drain: bool, atomic: bool
    ) -> Task:
        if drain:
            error = yield from self._drain(node)
            if error:
                self._abort(node, group, error)
                return
        else:
            for pod in self._daemon_pods(node, self._options.daemonset_eviction_for_empty_nodes):
                self._world.evict(pod)
        waited = 0
        while self._is_delayed(node) and waited < self._options.node_deletion_delay_timeout:
            yield POD_POLL
            waited += POD_POLL
        self._add_to_batch(node, group, batch, drain, atomic)

    def _drain(self, node: NodeRow) -> Generator[int, None, str]:
        """Evict the pods of a node, by groups of ascending priority; return the error."""
        daemon = self._daemon_pods(node, self._options.daemonset_eviction_for_occupied_nodes)
        evicted = self._evicted_pods(node)
        for pods, extra in self._eviction_groups(evicted, daemon):
            error = yield from self._evict_all(node, pods, extra)
            if error:
                return error
        return ""

    def _eviction_groups(
        self, pods: list[int], daemon: list[int]
    ) -> list[tuple[list[int], list[int]]]:
        config = self._options.drain_priority_config
        if not config:
            return [(pods, daemon)]
        groups: list[tuple[list[int], list[int]]] = [([], []) for _ in config]
        for which, members in enumerate((pods, daemon)):
            for pod in members:
                priority = self._pods.classes[pod].effective_priority
                index = max((i for i, (low, _) in enumerate(config) if low <= priority), default=0)
                groups[index][which].append(pod)
        return [group for group in groups if group[0] or group[1]]

    def _evict_all(
        self, node: NodeRow, pods: list[int], daemon: list[int]
    ) -> Generator[int, None, str]:
        start = self._world.now()
        for pod in daemon:
            self._world.evict(pod)
        left = list(pods)
        while True:
            left = [pod for pod in left if self._world.evict(pod)]
            if not left:
                break
            yield EVICTION_RETRY
            if self._world.now() >= start + self._options.max_pod_eviction_time:
                return "failed to evict pods"
        start = self._world.now()
        limit = (self._options.max_graceful_termination_sec + 30) * SECOND
        while any(self._world.pod_exists(pod, node.name) for pod in pods):
            if self._world.now() - start >= limit:
                return "pods remaining after timeout"
            yield POD_POLL
        return ""

    def _add_to_batch(
        self, node: NodeRow, group: str, batch: int, drain: bool, atomic: bool
    ) -> None:
        queue = self._queues.setdefault(group, [])
        queue.append(node)
        if atomic:
            if group in self._failed_groups:
                for queued in queue:
                    self._fail(queued, group, OTHERS_FAILED)
                del self._queues[group]
                return
            if len(queue) < batch:
                return
        del self._queues[group]
        if self._options.node_deletion_batcher_interval == 0:
            self._delete(queue, group)
            return
        waiting = self._batches.get(group)
        if waiting is None:
            self._batches[group] = _Batch(list(queue), drain)
            self._spawn(self._delete_later(group))
        else:
            waiting.nodes += queue

    def _delete_later(self, group: str) -> Task:
        yield self._options.node_deletion_batcher_interval
        self._delete(self._batches.pop(group).nodes, group)

    def _delete(self, nodes: Sequence[NodeRow], group: str) -> None:
        now = self._world.now()
        error = self._world.delete_nodes(group, [node.name for node in nodes])
        for node in nodes:
            if error:
                self._fail(node, group, f"failed to delete nodes from group {group}: {error}")
            else:
                self.on_deleted(group, now)
                self.in_progress.pop(node.name, None)

    def _abort(self, node: NodeRow, group: str, error: str) -> None:
        """End one deletion; an atomic group's other nodes cannot go either."""
        self._failed_groups.add(group)
        for queued in self._queues.pop(group, ()):
            self._fail(queued, group, OTHERS_FAILED)
        self._fail(node, group, error)

    def _fail(self, node: NodeRow, group: str, error: str) -> None:
        fresh = self._world.node(node.name)
        if fresh is not None and fresh.taint(TO_BE_DELETED) is not None:
            cordon = False if self._options.cordon_node_before_terminating else None
            self._world.update_taints(
                node.name, fresh.version, remove=[TO_BE_DELETED], unschedulable=cordon
            )
        self.in_progress.pop(node.name, None)
        self.failures[node.name] = error
        self.on_failed(group, self._world.now())

    # --- pods ---

    def _present(self, node: str) -> list[int]:
        """Pods of a node as a fresh snapshot has them."""
        classes = self._pods.classes
        return [
            p for p in self._world.pods_of(node) if not is_expendable(classes[p], self._options)
        ]

    def _evicted_pods(self, node: NodeRow) -> list[int]:
        classes = self._pods.classes
        return [
            pod
            for pod in self._present(node.name)
            if not classes[pod].is_mirror and not classes[pod].is_daemon_set
        ]

    def _daemon_pods(self, node: NodeRow, by_default: bool) -> list[int]:
        found = []
        for pod in self._present(node.name):
            pod_class = self._pods.classes[pod]
            if pod_class.is_mirror or not pod_class.is_daemon_set:
                continue
            wish = pod_class.template.annotations.get(DAEMON_EVICTION)
            if wish == "true" or (by_default and wish != "false"):
                found.append(pod)
        return found

    def _is_delayed(self, node: NodeRow) -> bool:
        fresh = self._world.node(node.name)
        return fresh is not None and any(
            key.startswith(DELAY_DELETION_PREFIX) for key in fresh.node.annotations
        )
