"""How deletions run in a simulation: the world does it, the autoscaler hears what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..base import ClusterView, Failure
from .actuator import Deletion
from .budgets import Bucket
from .planner import Removable
from .simulated_nodes import node_id, node_name
from .simulated_world import SimulatedWorld
from .world import Controllers, Pods

DRAIN_TIMEOUT = "DrainTimeout"


class SimulatedActuator:
    """Starts deletions; the world drains, deletes and reports what failed."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self.in_progress: dict[str, Deletion] = {}
        self.on_deleted: Callable[[str, int], None] = lambda group, now: None
        self.on_failed: Callable[[str, int], None] = lambda group, now: None
        self._failures: dict[str, str] = {}

    def start(
        self,
        empty: Sequence[Bucket],
        drain: Sequence[Bucket],
        nodes: Mapping[str, Removable],
        pods: Pods,
        controllers: Controllers,
        is_atomic: Callable[[str], bool],
    ) -> None:
        """Hand the nodes of all buckets to the world."""
        for buckets, drains in ((empty, False), (drain, True)):
            for bucket in buckets:
                self._world.reason = (
                    "unneeded, its pods fit elsewhere" if drains else "unneeded and empty"
                )
                error = self._world.delete_nodes(bucket.group, bucket.nodes)
                for name in bucket.nodes:
                    if error:
                        self._failures[name] = error
                        self.on_failed(bucket.group, self._world.now())
                    else:
                        self.in_progress[name] = Deletion(bucket.group, drains)

    def update(self, view: ClusterView, failures: Sequence[Failure]) -> None:
        """Learn from a view which deletions ended."""
        for failure in failures:
            name = node_name(failure.node)
            if failure.code == DRAIN_TIMEOUT and name in self.in_progress:
                deletion = self.in_progress.pop(name)
                self._failures[name] = "failed to evict pods"
                self.on_failed(deletion.group, view.now_ns)
        for name in [name for name in self.in_progress if view.row_of(node_id(name)) < 0]:
            self.on_deleted(self.in_progress.pop(name).group, view.now_ns)

    def take_failures(self) -> dict[str, str]:
        """Return and forget the errors of deletions that ended since the last call."""
        failures, self._failures = self._failures, {}
        return failures
