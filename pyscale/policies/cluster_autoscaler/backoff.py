"""How long a node group is left alone after failures.

Specification section 1.4; upstream ``utils/backoff/exponential_backoff.go``.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Entry:
    duration: int
    until: int
    last_failure: int


@dataclass(slots=True)
class Backoff:
    """Exponential backoff per node group; all times in nanoseconds."""

    initial: int
    maximum: int
    reset_timeout: int
    _entries: dict[str, _Entry] = field(default_factory=dict)

    def fail(self, group: str, now: int) -> None:
        """Note a failure: start, repeat (during backoff) or double (after it) the backoff."""
        duration = self.initial
        entry = self._entries.get(group)
        if entry is not None:
            duration = entry.duration
            if entry.until < now:
                duration = min(2 * duration, self.maximum)
        self._entries[group] = _Entry(duration, now + duration, now)

    def is_backed_off(self, group: str, now: int) -> bool:
        """Whether a group is to be left alone."""
        entry = self._entries.get(group)
        return entry is not None and entry.until >= now

    def ends(self) -> list[int]:
        """Return when each backoff ends."""
        return [entry.until for entry in self._entries.values()]

    def forget_stale(self, now: int) -> None:
        """Forget groups that have not failed for long."""
        stale = [g for g, e in self._entries.items() if e.last_failure + self.reset_timeout < now]
        for group in stale:
            del self._entries[group]
