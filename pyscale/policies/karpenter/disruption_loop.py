"""The disruption controller: which method acts when, validation after 15 s, what it remembers.

Follows Karpenter core ``pkg/controllers/disruption/controller.go``, ``validation.go`` and
``orchestration/queue.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyscale.model.times import MINUTE, SECOND

from .candidates import DRIFT, EMPTINESS, METHODS, MULTI_NODE, REASONS, SINGLE_NODE
from .conditions import last_activity_ns
from .consolidation import DELETE, Command
from .disruption import Disruption
from .instance_types import CompiledType
from .simulation import simulate

POLL_NS = 10 * SECOND
VALIDATION_DELAY_NS = 15 * SECOND

_RETRY_PER_CANDIDATE_NS = 80_000_000
_LEAST_RETRY_NS, _MOST_RETRY_NS = 10 * MINUTE, 60 * MINUTE
_REMEMBERING = (EMPTINESS, MULTI_NODE, SINGLE_NODE)


@dataclass(frozen=True)
class Execution:
    """A command to carry out now.

    ``timeout_ns`` is how long its replacements may take.
    """

    method: str
    command: Command
    timeout_ns: int

    @property
    def reason(self) -> str:
        """The reason in upstream's word, with what is done."""
        done = "delete" if self.command.decision == DELETE else "replace"
        return f"{REASONS[self.method]}: {done} {len(self.command.candidates)} nodes"


@dataclass(frozen=True)
class _Waiting:
    method: str
    command: Command
    due_ns: int


class DisruptionLoop:
    """The controller of one run.

    At most one method acts per pass.  What a consolidation method found is carried out 15 seconds
    later, if it still holds; nothing else happens meanwhile.  A pass that did something is followed
    by the next at once, else by a pause of 10 seconds.
    """

    def __init__(self) -> None:
        self._next_ns = 0
        self._waiting: _Waiting | None = None
        self._found_nothing: dict[str, int] = {}
        self._drift_checked = -1
        # Nothing can change before, unless the clock moves.
        self._quiet: tuple[int, int] | None = None

    @property
    def wake_ns(self) -> int:
        """When the controller has something to do next."""
        return self._next_ns if self._waiting is None else self._waiting.due_ns

    def step(self, now_ns: int, clock: int, look: Callable[[], Disruption]) -> list[Execution]:
        """Do what is due.

        Parameters
        ----------
        now_ns : int
            The time of the run.
        clock : int
            The consolidation clock.
        look : callable
            Makes the state of this moment; called at most once.
        """
        if now_ns < self.wake_ns:
            return []
        waiting, self._waiting = self._waiting, None
        if waiting is None and self._is_quiet(now_ns, clock):
            self._next_ns = now_ns + POLL_NS
            return []
        state = look()
        first = 0
        if waiting is not None:
            command = validated(state, waiting.method, waiting.command)
            if command is not None:
                self._next_ns = now_ns + 1
                return [_execution(waiting.method, command)]
            if waiting.method == SINGLE_NODE:
                self._next_ns = now_ns + POLL_NS
                return []
            first = METHODS.index(waiting.method) + 1
        return self._pass(now_ns, clock, state, METHODS[first:])

    def _pass(
        self, now_ns: int, clock: int, state: Disruption, methods: Iterable[str]
    ) -> list[Execution]:
        self._next_ns = now_ns + POLL_NS
        self._drift_checked = clock
        for method in methods:
            if self._found_nothing.get(method) == clock:
                continue
            result = state.evaluate(method)
            if result.command is not None:
                self._quiet = None
                if method == DRIFT:
                    self._next_ns = now_ns + 1
                    return [_execution(method, result.command)]
                self._waiting = _Waiting(method, result.command, now_ns + VALIDATION_DELAY_NS)
                return []
            if method in _REMEMBERING and result.candidates and not result.is_constrained:
                self._found_nothing[method] = clock
        self._quiet = (clock, next_change_ns(state) - state.objects.now_ns + now_ns)
        return []

    def _is_quiet(self, now_ns: int, clock: int) -> bool:
        """Say whether a pass would find what the last one found."""
        if self._drift_checked == clock and all(
            self._found_nothing.get(method) == clock for method in _REMEMBERING
        ):
            return True
        return self._quiet is not None and self._quiet[0] == clock and now_ns < self._quiet[1]


def next_change_ns(state: Disruption) -> int:
    """Return when time alone may next change the outcome of a pass, at the latest in five minutes.

    Nodes become consolidatable; nominations, budget windows and do-not-disrupt annotations end,
    and a window may open at any minute.
    """
    now = state.objects.now_ns
    soonest = now + 5 * MINUTE
    if any(
        budget.schedule is not None
        for pool in state.objects.node_pools
        for budget in pool.disruption.budgets
    ):
        soonest = min(soonest, now - now % MINUTE + MINUTE)
    if state.has_timed_blockers:
        return now
    for node in state.objects.nodes:
        if node.nominated:
            return now
        if node.name in state.conditions.under_consolidate_after:
            wait = state.pools[node.pool].disruption.consolidate_after_ns or 0
            soonest = min(soonest, last_activity_ns(node, now) + wait)
    return soonest


def validated(state: Disruption, method: str, command: Command) -> Command | None:
    """Return what of a command still holds: all of it, or, for empty nodes, a part; else None.

    Every node must still be a candidate and within the budgets.  A consolidation must find a place
    for every pod again, with as many replacements, of which each may still be of all the types of
    the command.
    """
    result = state.evaluate(method, compute=False)
    fresh = {candidate.name: candidate for candidate in result.candidates}
    budgets = dict(result.budgets)
    kept = []
    for candidate in command.candidates:
        now = fresh.get(candidate.name)
        if now is not None and budgets[now.pool.name] > 0:
            budgets[now.pool.name] -= 1
            kept.append(now)
    if method == EMPTINESS:
        return Command(DELETE, kept) if kept else None
    if len(kept) < len(command.candidates):
        return None
    simulation = simulate(state.solver, kept, state.conditions.under_consolidate_after)
    if simulation.unplaced or len(simulation.claims) != len(command.replacements):
        return None
    for claim, replacement in zip(simulation.claims, command.replacements, strict=True):
        if not _names(replacement.types) <= _names(claim.types):
            return None
    return command


def _names(types: Iterable[CompiledType]) -> set[str]:
    return {compiled.name for compiled in types}


def _execution(method: str, command: Command) -> Execution:
    wanted = _RETRY_PER_CANDIDATE_NS * len(command.candidates)
    timeout = min(max(wanted, _LEAST_RETRY_NS), _MOST_RETRY_NS)
    return Execution(method, command, timeout)
