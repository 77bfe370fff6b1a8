"""Autoscalers that are easy to reason about, for tests of the world around them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pyscale.model.groups import NodeGroup, NodePool
from pyscale.policies.base import READY, ClusterView, Policy
from pyscale.policies.decision import (
    Action,
    AddNodes,
    Decision,
    Keep,
    RemoveNodes,
    ReplaceNodes,
    WakeOn,
)

SECOND = 10**9


@dataclass(frozen=True)
class Fixed(Policy):
    """Groups of one size for the whole run."""

    name = "fixed"
    groups: tuple[NodeGroup, ...] = ()

    def node_groups(self) -> tuple[NodeGroup, ...]:
        return self.groups

    def decide(self, view: ClusterView) -> Decision:
        return Decision((Keep("the groups have one size"),))


@dataclass(frozen=True)
class Eager(Policy):
    """Buys one machine per pending pod that none is on its way for; removes empty nodes.

    ``replace_every`` > 0 also replaces the oldest node now and then.
    """

    name = "eager"
    types: tuple[str, ...] = ()
    capacity_types: tuple[str, ...] = ()
    period_ns: int = 30 * SECOND
    removes: bool = True
    grace_ns: int | None = None
    replace_every: int = 0
    group: NodeGroup | None = None
    pool: NodePool | None = None

    def begin(self, setting: object) -> EagerRun:
        return EagerRun(self)


@dataclass
class EagerRun(Policy):
    name = "eager"
    options: Eager
    calls: int = 0
    seen: list[ClusterView] = field(default_factory=list)

    def node_groups(self) -> tuple[NodeGroup, ...]:
        return () if self.options.group is None else (self.options.group,)

    def node_pools(self) -> tuple[NodePool, ...]:
        return () if self.options.pool is None else (self.options.pool,)

    def _add(self, count: int, reason: str) -> AddNodes:
        options = self.options
        if options.group is not None:
            return AddNodes(reason, count, group=options.group.name)
        return AddNodes(
            reason,
            count,
            instance_types=options.types,
            capacity_types=options.capacity_types,
            pool="" if options.pool is None else options.pool.name,
            token=self.calls,
        )

    def decide(self, view: ClusterView) -> Decision:
        self.calls += 1
        options = self.options
        actions: list[Action] = []
        missing = view.n_pending - int((view.node_state == 0).sum())
        if missing > 0:
            actions.append(self._add(missing, f"{view.n_pending} pods are pending"))
        sizes = np.diff(view.placements.start)
        ready = (view.node_state == READY) & ~view.node_cordoned
        empty = view.node_id[ready & (sizes == 0)]
        if options.removes and not view.n_pending and len(empty):
            actions.append(RemoveNodes(tuple(empty.tolist()), "nothing runs on it", None))
        elif options.replace_every and self.calls % options.replace_every == 0 and ready.any():
            old = int(view.node_id[ready][0])
            add = AddNodes("a fresh machine", 1, instance_types=options.types)
            actions.append(
                ReplaceNodes((old,), (add,), "it is old", 300 * SECOND, options.grace_ns)
            )
        wake_on = WakeOn.POD_PENDING | WakeOn.NODE_FAILED
        return Decision(tuple(actions), view.now_ns + options.period_ns, wake_on)
