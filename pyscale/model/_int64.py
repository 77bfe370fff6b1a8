"""Go's arithmetic on 64-bit integers with a decimal scale, overflow included.

Follows ``k8s.io/apimachinery/pkg/api/resource`` (``math.go``, ``amount.go``, ``scale_int.go``).
"""

from __future__ import annotations

from typing import Final

INT64_MAX: Final = 2**63 - 1
INT64_MIN: Final = -(2**63)
INT64_DIGITS: Final = 18
"""Every decimal number of so many digits fits int64."""

LARGEST_SHIFT: Final = 1400
"""No quantity has so many digits that a division by a larger power of ten leaves one."""


def shift(number: int, exponent: int) -> int:
    """``number * 10**exponent``, rounded away from zero."""
    if exponent >= 0:
        return number * int(10**exponent)
    if -exponent > LARGEST_SHIFT:  # 10 ** -exponent would be too large to make
        return (number > 0) - (number < 0)
    divisor = int(10**-exponent)
    return -(-number // divisor) if number >= 0 else number // divisor


def factor_out(number: int, base: int) -> tuple[int, int]:
    """Divide by ``base`` as often as it goes; return the rest and how often."""
    times = 0
    while number % base == 0:
        number //= base
        times += 1
    return number, times


def wrap(number: int) -> int:
    """The low 64 bits as a signed number."""
    return (number + 2**63) % 2**64 - 2**63


def fits(number: int) -> bool:
    return INT64_MIN <= number <= INT64_MAX


def scale_up(number: int, exponent: int) -> tuple[int, bool]:
    """Go's ``positiveScaleInt64``: 0 on overflow, but wrapped where it has a short cut."""
    if number == 0:
        return 0, True
    if number == INT64_MIN and exponent:
        return 0, False
    exact = exponent <= INT64_DIGITS + 1 and fits(number * 10**exponent)
    if exact or exponent in (1, 2, 3, 6, 9):
        return wrap(number * 10**exponent), exact
    return 0, False


def scaled_decimal(unscaled: int, exponent: int) -> int:
    """Go's ``scaledValue`` for ``unscaled * 10**exponent``."""
    if exponent == 0:
        return wrap(unscaled)
    if exponent > 0:
        power = 10**exponent if exponent <= INT64_DIGITS else INT64_MIN  # as the float converts
        return wrap(wrap(unscaled) * power)
    if unscaled < INT64_MAX and -exponent < 19:
        unscaled = wrap(unscaled)
    divisor = 10**-exponent
    quotient = abs(unscaled) // divisor
    if unscaled < 0:
        quotient = -quotient
    return wrap(quotient + (unscaled % divisor != 0))


def add_int64(a: int, a_scale: int, b: int, b_scale: int) -> tuple[int, int] | None:
    """Go's ``int64Amount.Add``: the sum and its scale, None where it gives up."""
    if b == 0:
        return a, a_scale
    if a == 0:
        return b, b_scale
    if a_scale > b_scale:
        a, exact = scale_up(a, a_scale - b_scale)
    else:
        b, exact = scale_up(b, b_scale - a_scale)
    total = a + b
    if not exact or not INT64_MIN < total <= INT64_MAX:
        return None
    return total, min(a_scale, b_scale)
