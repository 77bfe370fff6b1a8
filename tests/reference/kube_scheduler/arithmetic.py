"""Kubernetes quantities and the integer arithmetic shared by the packages beside this file.

A quantity is kept as an exact fraction, so that every rounding is visible at the place where
it happens.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from fractions import Fraction

_SUFFIXES = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}
_QUANTITY = re.compile(r"^([+-]?)([0-9]*)(?:\.([0-9]*))?([^0-9.].*)?$")
_EXPONENT = re.compile(r"^[eE]([+-]?[0-9]+)$")


class InvalidQuantity(ValueError):
    """The text is not a Kubernetes quantity."""


def parse_quantity(text: str | float) -> Fraction:
    """The exact value of a quantity; precision finer than one nano is rounded away from zero.

    "+", "-", "." and "Gi" are accepted and read as 0, "" is not.
    """
    text = str(text)
    match = _QUANTITY.match(text)
    if not text or not match:
        raise InvalidQuantity(text)
    sign, whole, decimals, suffix = (part or "" for part in match.groups())
    value = Fraction(int((whole + decimals) or "0"), 10 ** len(decimals))
    if suffix in _SUFFIXES:
        value *= _SUFFIXES[suffix]
    else:
        exponent = _EXPONENT.match(suffix)
        if not exponent:
            raise InvalidQuantity(text)
        value *= Fraction(10) ** int(exponent.group(1))
    if (value * 10**9).denominator != 1:
        value = Fraction(ceil_fraction(value * 10**9), 10**9)
    return -value if sign == "-" else value


def ceil_fraction(value: Fraction) -> int:
    """The smallest integer not below the value."""
    return -((-value.numerator) // value.denominator)


def milli_value(text: str | float) -> int:
    """The quantity in thousandths, rounded up."""
    return ceil_fraction(parse_quantity(text) * 1000)


def whole_value(text: str | float) -> int:
    """The quantity in whole units, rounded up."""
    return ceil_fraction(parse_quantity(text))


def truncated_division(dividend: int, divisor: int) -> int:
    """Integer division as the i64 of the specifications does it: toward zero (Python floors)."""
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def round_half_away(value: float) -> int:
    """Rounds a float that is not negative half up, unlike Python's round()."""
    return math.floor(value + 0.5)


def seconds(text: str) -> float:
    """A timestamp as seconds since the epoch."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
