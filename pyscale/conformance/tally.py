"""Count verdicts per program and family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .judge import Verdict

OUTCOMES = ("equal", "different", "unsupported", "failed")


@dataclass(slots=True)
class Tally:
    """Counts of verdicts; families keep the order in which they came."""

    families: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    unsupported: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        """Count one verdict."""
        counts = self.families.setdefault((verdict.program, verdict.family), Counter())
        counts[verdict.outcome] += 1
        if verdict.outcome == "unsupported":
            self.unsupported[verdict.detail] += 1

    def rows(self) -> Iterator[tuple[str, str, int, int, int, int, int]]:
        """Yield (program, family, cases, equal, different, unsupported, failed)."""
        for (program, family), counts in self.families.items():
            equal, different, unsupported, failed = (counts[name] for name in OUTCOMES)
            yield program, family, counts.total(), equal, different, unsupported, failed

    @property
    def total(self) -> Counter[str]:
        """Verdicts of all families together."""
        total: Counter[str] = Counter()
        for counts in self.families.values():
            total.update(counts)
        return total

    @property
    def all_equal(self) -> bool:
        """Whether there was at least one case and every one is equal."""
        total = self.total
        return 0 < total.total() == total["equal"]

    def summary(self) -> str:
        """Return the closing line."""
        total = self.total
        parts = ", ".join(f"{total[name]} {name}" for name in OUTCOMES)
        return f"{parts} of {total.total()}"
