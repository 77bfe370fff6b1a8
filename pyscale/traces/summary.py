"""What a reader did with the rows of a file: the report that every trace carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pyscale.model.resources import CPU, EPHEMERAL_STORAGE, MEMORY, NANO

from .units import GIB, SECOND_NS


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """Rows read, kept and dropped, and what was kept.

    Attributes
    ----------
    rows_read, rows_kept : int
        Rows of the file; for formats of events or objects, what became a row.
    dropped : mapping of str to int
        Rows left out, by reason.
    adjusted : mapping of str to int
        Rows kept whose meaning was changed, by what was changed.
    n_pods, n_rows, n_classes : int
        Pods, rows of the table (groups of equal pods that arrive together) and distinct pods.
    n_nodes : int
        Nodes that the trace names.
    requests : mapping of str to int
        Sum of the requests over all pods, in nano-units.
    first_arrival_ns, last_event_ns : int
        The span: first arrival and last arrival or end of a pod that runs at once.
    left_censored, right_censored : int
        Pods there before the trace begins, and pods without an end.
    """

    rows_read: int = 0
    rows_kept: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    adjusted: Mapping[str, int] = field(default_factory=dict)
    n_pods: int = 0
    n_rows: int = 0
    n_classes: int = 0
    n_nodes: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    first_arrival_ns: int = 0
    last_event_ns: int = 0
    left_censored: int = 0
    right_censored: int = 0

    @property
    def span_ns(self) -> int:
        """From the first arrival to the last event."""
        return self.last_event_ns - self.first_arrival_ns

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        return asdict(self)

    def lines(self) -> list[tuple[str, str]]:
        """Return label and value of each line of the report."""
        result = [
            ("rows read", f"{self.rows_read:,}"),
            ("rows kept", f"{self.rows_kept:,}"),
            *((f"dropped: {why}", f"{n:,}") for why, n in self.dropped.items() if n),
            *((f"adjusted: {what}", f"{n:,}") for what, n in self.adjusted.items() if n),
            ("pods", f"{self.n_pods:,} in {self.n_rows:,} groups of {self.n_classes:,} classes"),
        ]
        if self.n_nodes:
            result.append(("nodes", f"{self.n_nodes:,}"))
        result += [(f"requested {name}", amount_text(name, n)) for name, n in self.requests.items()]
        result.append(("span", duration_text(self.span_ns)))
        if self.left_censored:
            result.append(("there before the start", f"{self.left_censored:,} pods"))
        if self.right_censored:
            result.append(("without an end", f"{self.right_censored:,} pods"))
        return result

    def __str__(self) -> str:
        lines = self.lines()
        width = max(len(label) for label, _ in lines)
        return "\n".join(f"{label:<{width}}  {value}" for label, value in lines)


def amount_text(name: str, nano: int) -> str:
    """Return an amount of a resource for people: cores, GiB, or a number."""
    if name == CPU:
        return f"{nano / NANO:,.1f} cores"
    if name in (MEMORY, EPHEMERAL_STORAGE):
        return f"{nano / NANO / GIB:,.1f} GiB"
    return f"{nano / NANO:,.10g}"


def duration_text(ns: int) -> str:
    """Return a duration for people, in its two largest units."""
    seconds, rest = divmod(ns, SECOND_NS)
    if not seconds:
        return f"{rest / SECOND_NS:.3g} s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])
