"""Numbers of things, for people."""

from __future__ import annotations


def plural(number: int, noun: str) -> str:
    """Return a number and its noun, with an s unless it is one.

    Examples
    --------
    >>> plural(1, "pod"), plural(1200, "pod")
    ('1 pod', '1,200 pods')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
