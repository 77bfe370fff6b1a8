"""What happens in the world: a policy's actions carried out, and events of the driver handled."""

from __future__ import annotations

from collections.abc import Callable

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
        engine, cloud, removal = self.engine, self.cloud, self.removal
        nodes: tuple[int, ...] = ()
        count, group = 0, ""
        if isinstance(action, Bind):
            count = sum(
                0 <= pod < engine.n_pods and engine.bind(pod, node)
                for pod, node in zip(action.pods, action.nodes, strict=True)
            )
            self.recorder.n_refused_bindings += len(action.pods) - count
            nodes = tuple(sorted(set(_ids(action.nodes))))
        elif isinstance(action, AddNodes) and action.group:
            group = action.group
            index = cloud.group_of_name[group]
            before, first = cloud.groups[index].desired, engine.n_nodes
            cloud.set_desired(index, before + action.count)
            count = cloud.groups[index].desired - before
            nodes = tuple(range(first, engine.n_nodes))
        elif isinstance(action, AddNodes):
            group = action.pool
            nodes = tuple(cloud.claim(action) or ())
            count = len(nodes)
        elif isinstance(action, RemoveNodes):
            count = sum(
                removal.remove(node, action.grace_ns, action.force) for node in action.nodes
            )
            nodes = _ids(action.nodes)
        elif isinstance(action, ReplaceNodes):
            count = len(removal.replace(action))
            nodes = _ids(action.remove)
        elif isinstance(action, Scale):
            group = action.group
            index = cloud.group_of_name[group]
            cloud.set_desired(index, action.size)
            for node in cloud.groups[index].surplus():
                removal.remove(node, None, force=True, shrinks_group=False)
            count = cloud.groups[index].desired
        elif isinstance(action, Keep):
            nodes = _ids(action.nodes)
        name = type(action).__name__
        self.recorder.act(Act(engine.now, name, action.reason, nodes, count, group))

    def handle(self, event: int, payload: int) -> None:
        """Work off one event that is due; ``event`` is the number of an :class:`Event`."""
        self._handlers[event](payload)


def _ids(nodes: tuple[int, ...]) -> tuple[int, ...]:
    # A policy may take them from a column, as NumPy's integers.
    return tuple(int(node) for node in nodes)
