"""The obvious fit check."""

from __future__ import annotations

from collections.abc import Sequence


def fits(room: Sequence[int], request: Sequence[int]) -> bool:
    """Is every requested resource there?  What is not requested is not looked at."""
    return all(want <= have for want, have in zip(request, room, strict=True) if want > 0)


def copies(room: Sequence[int], request: Sequence[int], most: int) -> int:
    """How often the request fits into the room, at most ``most``."""
    n = 0
    while n < most and fits([h - n * w for h, w in zip(room, request, strict=True)], request):
        n += 1
    return n
