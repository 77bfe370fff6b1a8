"""Quantities as exact fractions, the slow and obvious way."""

from __future__ import annotations

import re
from fractions import Fraction

SUFFIXES = {
    **{suffix: Fraction(1000) ** -power for power, suffix in enumerate("mun", 1)},
    **{suffix: Fraction(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
    "": Fraction(1),
}


def exact_value(text: str) -> Fraction:
    """The value of a valid quantity, rounded away from zero at one nano, capped as upstream."""
    match = re.fullmatch(r"([+-]?)([0-9]*)\.?([0-9]*)(.*)", text)
    assert match
    sign, whole, fraction, suffix = match.groups()
    value = Fraction(int(whole + fraction or "0"), 10 ** len(fraction))
    if suffix in SUFFIXES:
        value *= SUFFIXES[suffix]
    else:
        value *= Fraction(10) ** int(suffix[1:])
    value = Fraction(-(-value * 10**9 // 1), 10**9)
    if suffix.endswith("i"):
        value = min(value, Fraction(2**63 - 1))
    return -value if sign == "-" else value
