"""What Cluster Autoscaler remembers of its node groups: readiness, requests, failures.

Specification section 1.4; upstream ``clusterstate/clusterstate.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, is_

from ...model.times import MINUTE
from .backoff import Backoff
from .options import GroupOptions, Options
from .world import Instance, NodeGroupRow, NodeRow, World

SCALE_DOWN_WINDOW = 5 * MINUTE
INSTANCE_CACHE_REFRESH = 2 * MINUTE
NEVER = 2**63 - 1

_NAME = attrgetter("name")


@dataclass(slots=True)
class Readiness:
    """Numbers of nodes (and instances without node) by class; names of those not started."""

    registered: int = 0
    ready: int = 0
    unready: int = 0
    unregistered: int = 0
    long_unregistered: int = 0
    not_started: list[str] = field(default_factory=list)


_NO_NODES = Readiness()


@dataclass(slots=True)
class ScaleUpRequest:
    """An increase that has not arrived yet."""

    increase: int
    deadline: int


@dataclass(slots=True)
class _Range:
    minimum: int
    maximum: int
    target: int


@dataclass(frozen=True, slots=True, eq=False)
class _Listing:
    """What is read of a list of instances again and again."""

    instances: Sequence[Instance]
    names: frozenset[str]
    failed: Sequence[Instance]


@dataclass(frozen=True, slots=True, eq=False)
class _Census:
    """What is read of a group's nodes and instances again and again.

    ``is_complete`` if all instances have nodes, ``is_ready`` if all nodes are ready and listed as
    instances.
    """

    nodes: Sequence[NodeRow]
    instances: Sequence[Instance]
    late: Sequence[NodeRow]  # those that are not ready
    is_complete: bool
    is_ready: bool


@dataclass(slots=True)
class IncorrectSize:
    """A number of nodes that does not match the target, since when."""

    current: int
    expected: int
    since: int


class ClusterState:
    """The registry that survives iterations.

    Parameters
    ----------
    options : Options
    world : World
    group_options : callable
        Options of a node group, by its name.
    """

    def __init__(
        self, options: Options, world: World, group_options: Callable[[str], GroupOptions]
    ) -> None:
        self._options = options
        self._world = world
        self._group_options = group_options
        self._backoff = Backoff(
            options.initial_node_group_backoff_duration,
            options.max_node_group_backoff_duration,
            options.node_group_backoff_reset_timeout,
        )
        self._groups: list[str] = []
        self._requests: dict[str, ScaleUpRequest] = {}
        self._deletions: list[tuple[str, int]] = []
        self._ranges: dict[str, _Range] = {}
        self._readiness: dict[str, Readiness] = {}
        self._total = Readiness()
        self._unregistered_since: dict[str, tuple[str, int]] = {}
        self._incorrect: dict[str, IncorrectSize] = {}
        self._cache: dict[str, Sequence[Instance]] = {}
        self._cache_due: int | None = None
        self._instances: dict[str, Sequence[Instance]] = {}
        self._previous: dict[str, Sequence[Instance]] = {}
        self._listings: dict[str, _Listing] = {}
        self._nodes: Mapping[str, Sequence[NodeRow]] = {}
        self._censuses: dict[str, _Census] = {}
        self._failing: list[str] = []  # groups with instances that could not be created
        self._settled: tuple[int, dict[str, Sequence[Instance]], int] | None = None
        # While these targets hold, nodes and instances too, and no request or deletion runs, the
        # rest of an update finds what the last one did.
        self._known_targets: dict[str, int] | None = None

    # --- the update of each iteration ---

    def update(
        self,
        nodes: Mapping[str, Sequence[NodeRow]],
        version: int,
        groups: Sequence[NodeGroupRow],
        now: int,
    ) -> None:
        """Take in a new observation.

        ``nodes`` are those of each group, ``""`` for none; the list of a group is the same object
        as long as its nodes differ in their pods only, and so does none in one ``version``.
        """
        self._groups = [group.name for group in groups]
        targets = {group.name: group.target for group in groups}
        self._previous, self._instances = self._instances, self._list_instances(now)
        if not self._is_settled(version, now):
            self._nodes = nodes
            listings = [(name, self._instances.get(name, ())) for name in self._groups]
            self._failing = [name for name, own in listings if self._listing(name, own).failed]
            self._update_unregistered(now)
            self._update_readiness(now)
            self._settled = version, self._instances, self._holds_until()
            self._known_targets = None
        if targets == self._known_targets and not (self._requests or self._deletions):
            self._backoff.forget_stale(now)
            return
        self._update_ranges(targets)
        has_changed = self._update_requests(now)
        has_changed |= self._handle_creation_errors(now)
        if has_changed:
            self._update_ranges(targets)
        self._update_incorrect_sizes(now)
        self._known_targets = targets

    def recalculate(self, now: int) -> None:
        """Take in new targets after a resize."""
        self._known_targets = None
        self._update_ranges({name: self._world.target_size(name) for name in self._groups})

    def invalidate_instances(self, group: str) -> None:
        """Read a group's instances afresh when they are needed next."""
        self._cache.pop(group, None)

    def _list_instances(self, now: int) -> dict[str, Sequence[Instance]]:
        if self._cache_due is None:
            self._cache_due = now // INSTANCE_CACHE_REFRESH * INSTANCE_CACHE_REFRESH
        while self._cache_due <= now:
            self._cache.clear()
            self._cache_due += INSTANCE_CACHE_REFRESH
        for group in self._requests:
            if self.is_scaling_up(group):
                self.invalidate_instances(group)
        for group in self._groups:
            if group not in self._cache:
                # A list that says the same stays the same object.
                fresh, known = self._world.instances(group), self._instances.get(group)
                self._cache[group] = known if known == fresh and known is not None else fresh
        if self._cache.keys() == self._instances.keys() and all(
            map(is_, self._cache.values(), map(self._instances.get, self._cache))
        ):
            return self._instances
        return dict(self._cache)

    def _is_settled(self, version: int, now: int) -> bool:
        """Whether readiness is what it was: nodes and instances are the same, no time ran out."""
        if self._settled is None:
            return False
        known, instances, until = self._settled
        return known == version and now <= until and instances is self._instances

    def _holds_until(self) -> int:
        """Until when, included, nobody counts as late who does not yet."""
        times = [
            since + self._group_options(group).max_node_provision_time
            for group, since in self._unregistered_since.values()
        ]
        for group in self._nodes:
            options = self._group_options(group) if group else self._options
            allowed = options.max_node_startup_time - 1
            times += [node.created_ns + allowed for node in self._census(group).late]
        return min((time for time in times if time >= self._world.now()), default=NEVER)

    def _census(self, group: str) -> _Census:
        nodes, instances = self._nodes.get(group, ()), self._instances.get(group, ())
        known = self._censuses.get(group)
        if known is None or known.nodes is not nodes or known.instances is not instances:
            names = frozenset(map(_NAME, nodes))
            listed = self._listing(group, instances).names
            late = [node for node in nodes if not node.ready]
            is_ready = not late and names <= listed
            known = _Census(nodes, instances, late, listed <= names, is_ready)
            self._censuses[group] = known
        return known

    def _update_unregistered(self, now: int) -> None:
        registered: set[str] = set()
        since: dict[str, tuple[str, int]] = {}
        for group in self._groups:
            census = self._census(group)
            if census.is_complete:
                continue
            registered = registered or {n.name for nodes in self._nodes.values() for n in nodes}
            for instance in census.instances:
                if instance.name in registered or instance.deleting or instance.error:
                    continue
                known = self._unregistered_since.get(instance.name)
                since[instance.name] = known or (group, now)
        self._unregistered_since = since

    def _update_readiness(self, now: int) -> None:
        readiness: dict[str, Readiness] = {}
        total = Readiness(registered=sum(map(len, self._nodes.values())))
        for group, own_nodes in self._nodes.items():
            if not group:
                for node in own_nodes:
                    _classify(total, node, now, self._options.max_node_startup_time)
                continue
            own = readiness[group] = Readiness(registered=len(own_nodes))
            census = self._census(group)
            if census.is_ready:
                own.ready = own.registered
                continue
            listed = self._listing(group, census.instances).names
            startup = self._group_options(group).max_node_startup_time
            for node in own_nodes:
                if node.name not in listed and not self._has_instance(node):
                    continue
                if node.ready:
                    own.ready += 1
                    continue
                for where in (own, total):
                    _classify(where, node, now, startup)
        for group, since in self._unregistered_since.values():
            own = readiness.setdefault(group, Readiness())
            if since + self._group_options(group).max_node_provision_time < now:
                own.long_unregistered += 1
            else:
                own.unregistered += 1
        self._readiness, self._total = readiness, total

    def _has_instance(self, node: NodeRow) -> bool:
        """Ask the cloud itself about a node that the cached list does not have yet."""
        return any(node.name == instance.name for instance in self._world.instances(node.group))

    def _listing(self, group: str, instances: Sequence[Instance]) -> _Listing:
        known = self._listings.get(group)
        if known is None or known.instances is not instances:
            known = _Listing(
                instances,
                frozenset(instance.name for instance in instances),
                [instance for instance in instances if instance.failed],
            )
            self._listings[group] = known
        return known

    def _update_ranges(self, targets: dict[str, int]) -> None:
        self._ranges = {}
        for group in self._groups:
            size = targets[group]
            late = self._readiness.get(group, _NO_NODES).long_unregistered
            self._ranges[group] = _Range(size - late, size, size)
        for group, request in self._requests.items():
            if group in self._ranges:
                self._ranges[group].minimum -= request.increase
        for group, _ in self._deletions:
            if group in self._ranges:
                self._ranges[group].maximum += 1

    def _update_requests(self, now: int) -> bool:
        """Drop requests and deletions that are over; return whether there were any."""
        self._backoff.forget_stale(now)
        before = len(self._requests) + len(self._deletions)
        for group, request in list(self._requests.items()):
            if not self._has_upcoming(group):
                del self._requests[group]
            elif request.deadline < now:
                self._backoff.fail(group, now)
                self._world.decrease_target(group, -request.increase)
                del self._requests[group]
        self._deletions = [(group, end) for group, end in self._deletions if end >= now]
        return len(self._requests) + len(self._deletions) < before

    def _handle_creation_errors(self, now: int) -> bool:
        """Give up what cannot be created; return whether a request has changed."""
        has_changed = False
        for group in self._failing:
            failed = self._listing(group, self._instances[group]).failed
            seen = {i.name for i in self._previous.get(group, ()) if i.failed}
            by_error: dict[str, list[str]] = {}
            for instance in failed:
                by_error.setdefault(instance.error, []).append(instance.name)
            for names in by_error.values():
                fresh = [name for name in names if name not in seen]
                if fresh and self.is_scaling_up(group):
                    self._change_request(group, -len(fresh), now)
                    self._backoff.fail(group, now)
                    has_changed = True
        return has_changed

    def _update_incorrect_sizes(self, now: int) -> None:
        incorrect: dict[str, IncorrectSize] = {}
        for group in self._groups:
            readiness = self._readiness.get(group)
            if readiness is None:
                continue
            target = self._ranges[group].target
            registered = readiness.registered
            pending = readiness.unregistered + readiness.long_unregistered
            if target - pending <= registered <= target:
                continue
            known = self._incorrect.get(group)
            if known and (known.current, known.expected) == (registered, target):
                incorrect[group] = known
            else:
                incorrect[group] = IncorrectSize(registered, target, now)
        self._incorrect = incorrect

    # --- what happens to the groups ---

    def register_scale_up(self, group: str, delta: int, now: int) -> None:
        """Note a successful increase."""
        self._change_request(group, delta, now)

    def register_failed_scale_up(self, group: str, now: int) -> None:
        """Note a failed increase: the group backs off."""
        self._backoff.fail(group, now)

    def register_scale_down(self, group: str, now: int) -> None:
        """Note a deletion that the cloud accepted."""
        self._deletions.append((group, now + SCALE_DOWN_WINDOW))

    def _change_request(self, group: str, delta: int, now: int) -> None:
        deadline = now + self._group_options(group).max_node_provision_time
        request = self._requests.get(group)
        if request is None:
            if delta > 0:
                self._requests[group] = ScaleUpRequest(delta, deadline)
            return
        if request.increase + delta <= 0:
            del self._requests[group]
            return
        request.increase += delta
        if delta > 0:
            request.deadline = deadline

    # --- questions ---

    def is_cluster_healthy(self) -> bool:
        """Whether not too many nodes are unready."""
        unready = self._total.unready
        if unready <= self._options.ok_total_unready_count:
            return True
        share = self._options.max_total_unready_percentage / 100.0
        return unready <= share * self._total.registered

    def is_group_healthy(self, group: str) -> bool:
        """Whether not too many of a group's nodes are missing."""
        acceptable = self._ranges.get(group)
        if acceptable is None:
            return False
        readiness = self._readiness.get(group)
        if readiness is None:
            target, minimum = acceptable.target, acceptable.minimum
            return target == 0 or (minimum == 0 and target > 0)
        ready = readiness.ready
        missing = max(0, acceptable.minimum - ready)
        present = ready + readiness.unready + len(readiness.not_started)
        share = self._options.max_total_unready_percentage / 100.0
        return not (missing > self._options.ok_total_unready_count and missing > share * present)

    def is_backed_off(self, group: str, now: int) -> bool:
        """Whether a group is in backoff after a failed scale-up."""
        return self._backoff.is_backed_off(group, now)

    def is_safe_to_scale_up(self, group: str, now: int) -> bool:
        """Whether a group is healthy and not backed off."""
        return self.is_group_healthy(group) and not self.is_backed_off(group, now)

    def is_scaling_up(self, group: str) -> bool:
        """Whether a request is pending and nodes are still missing."""
        return group in self._requests and self._has_upcoming(group)

    def _has_upcoming(self, group: str) -> bool:
        acceptable = self._ranges.get(group)
        if acceptable is None:
            return False
        return acceptable.target > self._present(group)

    def _present(self, group: str) -> int:
        """Nodes that need not be waited for: they are there, or are given up."""
        readiness = self._readiness.get(group, _NO_NODES)
        present = readiness.ready + readiness.unready
        return present + readiness.long_unregistered

    def upcoming(self, now: int) -> dict[str, tuple[int, list[str]]]:
        """Return per group the nodes on their way and those registered but not started."""
        found: dict[str, tuple[int, list[str]]] = {}
        for group in self._groups:
            if group not in self._requests or self.is_backed_off(group, now):
                continue
            count = self._ranges[group].target - self._present(group)
            if count > 0:
                found[group] = count, self._readiness.get(group, _NO_NODES).not_started
        return found

    def late_instances(self, now: int) -> dict[str, list[str]]:
        """Return per group the instances that did not register in time, by id."""
        found: dict[str, list[str]] = {}
        for name, (group, since) in self._unregistered_since.items():
            if since + self._group_options(group).max_node_provision_time < now:
                found.setdefault(group, []).append(name)
        return {group: sorted(found[group]) for group in found}

    def failed_instances(self) -> dict[str, list[str]]:
        """Return per group the instances that report a creation error."""
        return {
            group: [i.name for i in self._listing(group, self._instances[group]).failed]
            for group in self._failing
        }

    def incorrect_size(self, group: str) -> IncorrectSize | None:
        """Return a group's mismatch of nodes and target, if there is one."""
        return self._incorrect.get(group)

    def clocks(self) -> list[int]:
        """Return when backoffs end, and when requests, instances and sizes run out of time."""
        times = [request.deadline for request in self._requests.values()]
        times += self._backoff.ends()
        for group, since in self._unregistered_since.values():
            times.append(since + self._group_options(group).max_node_provision_time)
        for group, wrong in self._incorrect.items():
            times.append(wrong.since + self._group_options(group).max_node_provision_time)
        return times

    def registered(self, group: str) -> int:
        """Return the number of a group's Node objects."""
        return self._readiness.get(group, _NO_NODES).registered


def _classify(where: Readiness, node: NodeRow, now: int, startup: int) -> None:
    if node.ready:
        where.ready += 1
    elif node.created_ns + startup > now:
        where.not_started.append(node.name)
    else:
        where.unready += 1
