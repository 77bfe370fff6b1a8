"""The cloud: it sells machines, keeps Auto Scaling groups, fails now and then and takes back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pyscale.kernel._engine import Engine
from pyscale.model.catalog import SPOT
from pyscale.model.groups import NodeGroup
from pyscale.policies.base import BOOTING, DRAINING, READY, Failure
from pyscale.policies.decision import AddNodes

from . import draws
from .clock import SECOND
from .events import Event
from .kinds import KindTable, Offer
from .options import SimulationOptions
from .prices import Market
from .recorder import Recorder


@dataclass(slots=True)
class GroupState:
    """One Auto Scaling group: what is wanted and what is there, by zone."""

    group: NodeGroup
    desired: int
    members: dict[int, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    is_retrying: bool = False

    def __post_init__(self) -> None:
        self.counts = dict.fromkeys(self.group.zones, 0)

    def join(self, node: int, zone: str) -> None:
        """A machine of the group is there."""
        self.members[node] = zone
        self.counts[zone] += 1

    def leave(self, node: int) -> None:
        """A machine is not the group's any more."""
        zone = self.members.pop(node, None)
        if zone is not None:
            self.counts[zone] -= 1

    def by_fewest(self) -> list[str]:
        """Return the zones, the one with the fewest machines first; ties in the group's order."""
        return sorted(self.counts, key=lambda zone: self.counts[zone])

    def surplus(self) -> list[int]:
        """Return the machines over the desired capacity, as the cloud would choose them."""
        by_zone = {
            zone: sorted((node for node, its in self.members.items() if its == zone), reverse=True)
            for zone in self.group.zones
        }
        chosen = []
        for _ in range(len(self.members) - self.desired):
            fullest = max(by_zone, key=lambda zone: len(by_zone[zone]))  # the first of equal ones
            chosen.append(by_zone[fullest].pop())
        return chosen


class Cloud:
    """Machines of one run.

    Parameters
    ----------
    engine : Engine
    kinds : KindTable
    market : Market
    groups : tuple of NodeGroup
    options : SimulationOptions
    recorder : Recorder
    seed : int
    end_ns : int
        Nothing is planned beyond.
    """

    def __init__(
        self,
        engine: Engine,
        kinds: KindTable,
        market: Market,
        groups: tuple[NodeGroup, ...],
        options: SimulationOptions,
        recorder: Recorder,
        seed: int,
        end_ns: int,
    ) -> None:
        self._engine, self._kinds, self._market = engine, kinds, market
        self._options, self._recorder, self._seed, self._end = options, recorder, seed, end_ns
        self.groups = tuple(
            GroupState(group, min(max(group.desired_size, group.min_size), group.max_size))
            for group in groups
        )
        self.group_of_name = {group.name: index for index, group in enumerate(groups)}
        self._room = np.full(len(market), np.iinfo(np.int64).max)
        if options.capacity:
            for index in range(len(market)):
                offer = market.offer(index)
                self._room[index] = options.capacity.get(offer, self._room[index])
        self._is_full = self._room <= 0
        self._lost_ns: dict[int, int] = {}
        self._token: dict[int, int] = {}

    def offer_of(self, node: int) -> Offer:
        """Return what a node was bought as; empty words for nodes from the start."""
        kind = self._kinds.kinds[self._engine.node_kind(node)]
        return kind.instance_type, kind.zone, kind.capacity_type

    def group_of(self, node: int) -> GroupState | None:
        """Return the group of a node."""
        group = self._kinds.kinds[self._engine.node_kind(node)].group
        return self.groups[group] if group >= 0 else None

    def start(self) -> None:
        """Boot what the groups want at time zero; these machines are ready at once."""
        for index in range(len(self.groups)):
            self.fill(index, is_start=True)

    def claim(self, action: AddNodes, watched: bool = False) -> list[int] | None:
        """Buy machines that a policy chose itself; None if one of them can't be had."""
        nodes: list[int] = []
        for _ in range(action.count):
            now = self._engine.now
            offer = self._market.choose(
                tuple(action.instance_types),
                tuple(action.zones),
                tuple(action.capacity_types),
                self._is_full,
                now,
            )
            if offer is None:
                detail = f"none of {len(action.instance_types)} instance types can be had"
                pool = next(
                    (i for i, pool in enumerate(self._kinds.pools) if pool.name == action.pool), -1
                )
                self.fail(
                    Failure(now, "InsufficientCapacity", -1, -1, pool, action.token, detail=detail)
                )
                return None
            kind = self._kinds.of_claim(
                action.pool, offer, action.labels, action.taints, action.annotations
            )
            nodes.append(self._buy(offer, kind, action.token, watched))
        return nodes

    def set_desired(self, index: int, size: int) -> None:
        """Change a group's desired capacity, within its limits."""
        state = self.groups[index]
        state.desired = min(max(size, state.group.min_size), state.group.max_size)
        if state.desired > len(state.members):
            delay = self._options.group_delay_ns
            if delay:
                self._engine.push(self._engine.now + delay, Event.MACHINE_DUE, index)
            else:
                self.fill(index)

    def fill(self, index: int, is_start: bool = False) -> list[int]:
        """Buy what a group lacks, as far as it can be had, and return the nodes."""
        state, now = self.groups[index], self._engine.now
        group = state.group
        bought = []
        while len(state.members) < state.desired:
            offers = (
                self._market.choose(
                    group.instance_types, (zone,), (group.capacity_type,), self._is_full, now
                )
                for zone in state.by_fewest()
            )
            offer = next((offer for offer in offers if offer is not None), None)
            if offer is None:
                missing = state.desired - len(state.members)
                detail = f"{missing} of {state.desired} instances can't be had"
                self.fail(Failure(now, "InsufficientCapacity", group=index, detail=detail))
                if not state.is_retrying:
                    state.is_retrying = True
                    retry = now + self._options.capacity_retry_ns
                    self._engine.push(retry, Event.LAUNCH_AGAIN, index)
                break
            node = self._buy(offer, self._kinds.of_group(index, offer), -1, False, is_start)
            state.join(node, offer[1])
            bought.append(node)
        return bought

    def launch_again(self, index: int) -> None:
        """Try once more for a group."""
        self.groups[index].is_retrying = False
        self.fill(index)

    def _buy(
        self, offer: Offer, kind: int, token: int, watched: bool, is_start: bool = False
    ) -> int:
        engine, options, seed = self._engine, self._options, self._seed
        number, now = engine.n_nodes, engine.now
        boot = options.boot_time(offer[0])
        boot += draws.below(seed, draws.BOOT, number, options.boot_jitter_ns)
        boot = 0 if is_start else boot
        works = draws.share(seed, draws.LAUNCH, number) >= options.launch_failure_rate or is_start
        node = engine.add_node(kind, now + boot if works else -1, token, watched)
        if not works:
            engine.push(now + boot, Event.LAUNCH_FAILED, node)
        if offer[2] == SPOT and options.interruptions_per_hour > 0:
            rate = options.interruptions_per_hour
            lost = now + draws.waiting_ns(seed, draws.INTERRUPTION, number, rate)
            if lost <= self._end:
                self._lost_ns[node] = lost
                engine.push(max(now, lost - options.notice_ns), Event.LOSS_ANNOUNCED, node)
                engine.push(lost, Event.LOST, node)
        if token != -1:
            self._token[node] = token
        index = self._market.index_of(offer)
        self._take_room(index, 1)
        return node

    def give_back(self, node: int) -> None:
        """The machine of a terminating node is gone."""
        index = self._market.index_of(self.offer_of(node))
        if index >= 0:
            self._take_room(index, -1)
        self._engine.remove(node)

    def _take_room(self, offer: int, count: int) -> None:
        self._room[offer] -= count
        is_full = bool(self._room[offer] <= 0)
        if is_full != self._is_full[offer]:
            self._is_full[offer] = is_full
            self._market.forget()

    def fail(self, failure: Failure) -> None:
        """Record a failure; the policy hears of it a second later, as from a call that failed."""
        self._recorder.fail(failure)
        self._engine.push(self._engine.now + SECOND, Event.FAILURE_KNOWN, failure.node)

    def fail_node(self, code: str, node: int, detail: str = "") -> None:
        """Record a failure of a machine that is still there."""
        kind = self._kinds.kinds[self._engine.node_kind(node)]
        self.fail(
            Failure(
                self._engine.now,
                code,
                node,
                kind.group,
                kind.pool,
                self._token.get(node, -1),
                kind.instance_type,
                kind.zone,
                kind.capacity_type,
                detail,
            )
        )

    def announce_loss(self, node: int) -> None:
        """The cloud says when it takes a machine back."""
        if self._engine.node_state(node) in (BOOTING, READY, DRAINING):
            self._engine.announce_loss(node, self._lost_ns[node])
            self.fail_node("Interrupted", node)

    def leave_group(self, node: int) -> int:
        """Take a node off its group's list; return the group's index or -1."""
        index = self._kinds.kinds[self._engine.node_kind(node)].group
        if index >= 0:
            self.groups[index].leave(node)
        return index
