"""Integer nanoseconds: units, and how times are printed."""

from __future__ import annotations

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND


def format_ns(time_ns: int) -> str:
    """Return a duration for people: two units at most, the smallest rounded down.

    Examples
    --------
    >>> format_ns(0), format_ns(450_000_000), format_ns(90 * SECOND), format_ns(25 * HOUR)
    ('0 s', '450 ms', '1 min 30 s', '1 d 1 h')
    """
    if time_ns < 0:
        return f"-{format_ns(-time_ns)}"
    if time_ns == 0:
        return "0 s"
    if time_ns < SECOND:
        return f"{time_ns // 1_000_000} ms" if time_ns >= 1_000_000 else f"{time_ns} ns"
    parts: list[tuple[int, str]] = []
    left = time_ns // SECOND
    for name, seconds in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count} {name}" for count, name in parts[:2] if count)
