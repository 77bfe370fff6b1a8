"""Random numbers that depend on what they are for and not on the order of asking."""

from __future__ import annotations

import math

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1

BOOT, LAUNCH, INTERRUPTION = 1, 2, 3
"""What a number is for."""


def draw(seed: int, purpose: int, number: int) -> int:
    """Return 64 random bits for one machine and one purpose (two rounds of splitmix64)."""
    state = _mix((seed + purpose * _GOLDEN) & _MASK)
    return _mix((state + (number + 1) * _GOLDEN) & _MASK)


def share(seed: int, purpose: int, number: int) -> float:
    """Return a number from 0 to below 1."""
    return (draw(seed, purpose, number) >> 11) / 2**53


def below(seed: int, purpose: int, number: int, most: int) -> int:
    """Return an integer from 0 to ``most``."""
    return draw(seed, purpose, number) * (most + 1) >> 64


def waiting_ns(seed: int, purpose: int, number: int, per_hour: float) -> int:
    """Return an exponentially distributed time to the first of events with a rate, rounded."""
    hours = -math.log1p(-share(seed, purpose, number)) / per_hour
    return min(round(hours * 3600 * 10**9), 2**62)


def _mix(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)
