"""The disruption controller: which method acts when, validation after 15 s, what it remembers.

Follows Karpenter core ``pkg/controllers/disruption/controller.go``, ``validation.go`` and
``orchestration/queue.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyscale.model.times import MINUTE, SECOND

from .candidates import DRIFT, EMPTINESS, METHODS, MULTI_NODE, REASONS, SINGLE_NODE
from .consolidation import DELETE, Command
from .disruption import Disruption
from .simulation import simulate

POLL_NS = 10 * SECOND
VALIDATION_DELAY_NS = 15 * SECOND
#: The consolidation clock moves by itself after more than this time.
CLOCK_LIFETIME_NS = 5 * MINUTE
NEVER_NS = 2**62
# From one move to the next, in whole polls.
_AGING_NS = CLOCK_LIFETIME_NS // POLL_NS * POLL_NS + POLL_NS

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
        # The last pass asked every method anew: the next one would find the same.
        self._is_whole = False
        # While polls are left out: when a pass may find something else.
        self._resting: int | None = None

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
        asked = [method for method in methods if self._found_nothing.get(method) != clock]
        self._is_whole = len(asked) == len(METHODS)
        for method in asked:
            if not state.has_candidates(method):
                continue
            result = state.evaluate(method)
            if result.command is not None:
                self._quiet = None
                if method == DRIFT:
                    self._next_ns = now_ns + 1
                    return [_execution(method, result.command)]
                self._waiting = _Waiting(method, result.command, now_ns + VALIDATION_DELAY_NS)
                return []
            if method in _REMEMBERING and not result.is_constrained:
                self._found_nothing[method] = clock
        self._quiet = (clock, state.next_change_ns() - state.solver.now_ns + now_ns)
        return []

    def _is_quiet(self, now_ns: int, clock: int) -> bool:
        """Say whether a pass would find what the last one found."""
        if self._remembers(clock):
            return True
        return self._quiet is not None and self._quiet[0] == clock and now_ns < self._quiet[1]

    def _remembers(self, clock: int) -> bool:
        return self._drift_checked == clock and all(
            self._found_nothing.get(method) == clock for method in _REMEMBERING
        )

    # ------------------------------------------------------------------ polls that can be left out

    def rest(self, clock: int, prices_change_ns: int | None) -> int:
        """Return the next poll that may find something if nothing in the cluster changes.

        Parameters
        ----------
        clock : int
        prices_change_ns : int or None
            When prices that matter may change.

        Notes
        -----
        The polls before it would find nothing: either they are not even passes, or, when the
        clock has moved by itself, passes like the last one.  :meth:`wake_up` accounts for them.
        """
        if self._waiting is not None or self._quiet is None or self._quiet[0] != clock:
            return self.wake_ns
        until = self._quiet[1]
        if prices_change_ns is not None:
            until = min(until, prices_change_ns)
        self._resting = until
        remembers = self._remembers(clock)
        if until <= self._next_ns and not remembers:
            return self._next_ns
        poll = self._poll_of_clock(self._aged(clock, until))
        if not remembers:
            poll = min(poll, self._poll_from(until))
        if prices_change_ns is not None:
            poll = min(poll, self._poll_from(prices_change_ns))
        return poll

    def wake_up(self, now_ns: int, clock: int) -> int:
        """Account for the polls before now that were left out; return where the clock stands."""
        if self._resting is None:
            return clock
        moved = self._aged(clock, min(now_ns, self._resting))
        self._resting = None
        if moved != clock:
            for method, time_ns in self._found_nothing.items():
                if time_ns == clock:
                    self._found_nothing[method] = moved
            self._drift_checked = moved
            if self._quiet is not None:
                self._quiet = (moved, self._quiet[1])
        self._next_ns = self._poll_from(now_ns)
        return moved

    def _poll_from(self, time_ns: int) -> int:
        """Return the first poll from a time on."""
        return self._next_ns + max(0, -(-(time_ns - self._next_ns) // POLL_NS)) * POLL_NS

    def _poll_of_clock(self, clock: int) -> int:
        """Return the first poll at which the clock moves by itself."""
        return self._poll_from(clock + CLOCK_LIFETIME_NS + 1)

    def _aged(self, clock: int, until: int) -> int:
        """Return where the clock stands after the polls before ``until``, if they are passes."""
        first = self._poll_of_clock(clock)
        if not self._is_whole or first >= until:
            return clock
        return first + (until - 1 - first) // _AGING_NS * _AGING_NS


def validated(state: Disruption, method: str, command: Command) -> Command | None:
    """Return what of a command still holds: all of it, or, for empty nodes, a part; else None.

    Every node must still be a candidate and within the budgets.  A consolidation must find a place
    for every pod again, with as many replacements, of which each may still be of all the types of
    the command.
    """
    budgets = [*state.budgets_for(method)]
    kept = []
    for candidate in command.candidates:
        number = state.number_of_candidate(method, candidate.name)
        if number is not None and budgets[state.candidacy.pool_of(number)] > 0:
            budgets[state.candidacy.pool_of(number)] -= 1
            kept.append(state.candidate(number))
    if method == EMPTINESS:
        return Command(DELETE, kept) if kept else None
    if len(kept) < len(command.candidates):
        return None
    simulation = simulate(state.solver, kept, state.under)
    if simulation.unplaced or len(simulation.claims) != len(command.replacements):
        return None
    for claim, replacement in zip(simulation.claims, command.replacements, strict=True):
        if not replacement.launch.name_set <= claim.launch.name_set:
            return None
    return command


def _execution(method: str, command: Command) -> Execution:
    wanted = _RETRY_PER_CANDIDATE_NS * len(command.candidates)
    timeout = min(max(wanted, _LEAST_RETRY_NS), _MOST_RETRY_NS)
    return Execution(method, command, timeout)
