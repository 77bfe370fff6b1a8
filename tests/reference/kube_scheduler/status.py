"""Status codes and per-node verdicts."""

from __future__ import annotations

from dataclasses import dataclass

UNSCHEDULABLE = "U"
UNRESOLVABLE = "UU"


@dataclass(frozen=True)
class Status:
    """A plugin's refusal. Success is None wherever a Status may be returned."""

    plugin: str
    code: str
    reasons: tuple[str, ...]

    def as_row(self) -> list[str]:
        """[plugin, code, reasons...], the form of the recordings."""
        return [self.plugin, self.code, *self.reasons]

    def __str__(self) -> str:
        name = "Unschedulable" if self.code == UNSCHEDULABLE else "UnschedulableAndUnresolvable"
        return f"{self.plugin}: {name}: {'; '.join(self.reasons)}"


class SchedulingError(Exception):
    """An internal failure that aborts the whole scheduling cycle (status Error)."""


def fit_error_message(total_nodes: int, reason_counts: dict[str, int]) -> str:
    """The FailedScheduling text; the parts are sorted as plain strings."""
    parts = sorted(f"{count} {reason}" for reason, count in reason_counts.items())
    return f"0/{total_nodes} nodes are available: {', '.join(parts)}."
