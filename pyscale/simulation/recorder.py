"""What was decided and what went wrong, in order, while a run goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyscale.policies.base import Failure


@dataclass(frozen=True, slots=True)
class Act:
    """One action of a policy as it was carried out.

    Attributes
    ----------
    time_ns : int
    action : str
        Name of the action's class.
    reason : str
    nodes : tuple of int
        Nodes that it bought, or is about.
    count : int
        Machines bought, wanted or removed; pods bound.
    group : str
        The group or pool, if one is named.
    """

    time_ns: int
    action: str
    reason: str
    nodes: tuple[int, ...] = ()
    count: int = 0
    group: str = ""


@dataclass(slots=True)
class Recorder:
    """Lists that grow with decisions, not with pods."""

    acts: list[Act] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    n_unread: int = 0
    n_evicted: int = 0
    n_lost: int = 0
    n_refused_bindings: int = 0
    n_decisions: int = 0
    decision_seconds: float = 0.0

    def act(self, act: Act) -> None:
        """Note an action; a Keep that repeats the last act's reason is left out."""
        if act.action == "Keep" and self.acts:
            last = self.acts[-1]
            if (last.action, last.reason, last.nodes) == (act.action, act.reason, act.nodes):
                return
        self.acts.append(act)

    def fail(self, failure: Failure) -> None:
        """Note a failure, and keep it for the policy."""
        self.failures.append(failure)
        self.n_unread += 1

    def take_failures(self) -> tuple[Failure, ...]:
        """Return the failures since the last call."""
        if not self.n_unread:
            return ()
        news = tuple(self.failures[-self.n_unread :])
        self.n_unread = 0
        return news
