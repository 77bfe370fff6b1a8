"""What happens in the world: a policy's actions carried out, and events of the driver handled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pyscale.kernel._engine import Engine
from pyscale.policies.decision import (
    Action,
    AddNodes,
    Bind,
    Keep,
    RemoveNodes,
    ReplaceNodes,
    Scale,
    WakeOn,
)

from .cloud import Cloud
from .events import Event
from .recorder import Act, Recorder
from .removal import Removal


class World:
    """Cluster and cloud of one run."""

    def __init__(self, engine: Engine, cloud: Cloud, removal: Removal, recorder: Recorder) -> None:
        self.engine, self.cloud, self.removal, self.recorder = engine, cloud, removal, recorder
        handlers: dict[Event, Callable[[int], object]] = {
            Event.JOINED: removal.joined,
            Event.LAUNCH_FAILED: removal.launch_failed,
            Event.MACHINE_GONE: removal.machine_gone,
            Event.LOSS_ANNOUNCED: cloud.announce_loss,
            Event.LOST: removal.lose,
            Event.EVICT_AGAIN: removal.evict_again,
            Event.GRACE_OVER: removal.grace_over,
            Event.LAUNCH_AGAIN: cloud.launch_again,
            Event.REPLACEMENT_OVER: removal.replacement_over,
            Event.MACHINE_DUE: cloud.fill,
            Event.FAILURE_KNOWN: lambda _: engine.wake(int(WakeOn.NODE_FAILED)),
        }
        self._handlers = tuple(handlers[event] for event in sorted(Event))

    def carry_out(self, action: Action) -> None:
        """Do what a policy decided, and note it."""
        now = self.engine.now
        act = Act(now, type(action).__name__, action.reason)
        if isinstance(action, Bind):
            done = sum(
                0 <= pod < self.engine.n_pods and self.engine.bind(pod, node)
                for pod, node in zip(action.pods, action.nodes, strict=True)
            )
            self.recorder.n_refused_bindings += len(action.pods) - done
            act = replace(act, nodes=tuple(sorted(set(_ids(action.nodes)))), count=done)
        elif isinstance(action, AddNodes) and action.group:
            index = self.cloud.group_of_name[action.group]
            before = self.cloud.groups[index].desired
            first = self.engine.n_nodes
            self.cloud.set_desired(index, before + action.count)
            count = self.cloud.groups[index].desired - before
            bought = tuple(range(first, self.engine.n_nodes))
            act = replace(act, nodes=bought, count=count, group=action.group)
        elif isinstance(action, AddNodes):
            nodes = self.cloud.claim(action) or []
            act = replace(act, nodes=tuple(nodes), count=len(nodes), group=action.pool)
        elif isinstance(action, RemoveNodes):
            done = sum(
                self.removal.remove(node, action.grace_ns, action.force) for node in action.nodes
            )
            act = replace(act, nodes=_ids(action.nodes), count=done)
        elif isinstance(action, ReplaceNodes):
            new = self.removal.replace(action)
            act = replace(act, nodes=_ids(action.remove), count=len(new))
        elif isinstance(action, Scale):
            index = self.cloud.group_of_name[action.group]
            self.cloud.set_desired(index, action.size)
            for node in self.cloud.groups[index].surplus():
                self.removal.remove(node, None, force=True, shrinks_group=False)
            size = self.cloud.groups[index].desired
            act = replace(act, count=size, group=action.group)
        elif isinstance(action, Keep):
            act = replace(act, nodes=_ids(action.nodes))
        self.recorder.act(act)

    def handle(self, event: int, payload: int) -> None:
        """Work off one event that is due; ``event`` is the number of an :class:`Event`."""
        self._handlers[event](payload)


def _ids(nodes: tuple[int, ...]) -> tuple[int, ...]:
    # A policy may take them from a column, as NumPy's integers.
    return tuple(int(node) for node in nodes)
