"""The text of a quantity as upstream takes it apart.

Follows ``k8s.io/apimachinery/pkg/api/resource`` (``quantity.go``, ``suffix.go``).
"""

from __future__ import annotations

from typing import Final, Literal

from pyscale.errors import InvalidObjectError

from ._int64 import INT64_DIGITS, INT64_MAX, fits, shift

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

NANO_SCALE: Final = -9
FORMAT_WRONG: Final = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
SUFFIX_WRONG: Final = "unable to parse quantity's suffix"
NUMBER_WRONG: Final = "unable to parse numeric part of quantity"

_DECIMAL_EXPONENT = {
    "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
_BINARY_EXPONENT = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL_EXPONENT.items()}
BINARY_SUFFIX = {0: "", **{exponent: suffix for suffix, exponent in _BINARY_EXPONENT.items()}}

_DIGITS = frozenset("0123456789")
_SUFFIX_LETTERS = frozenset("eEinumkKMGTP")
# Upstream computes 10 ** exponent for any exponent; no amount of this world needs more than this.
LARGEST_EXPONENT = 400
MOST_DIGITS = 1000


class InvalidQuantityError(InvalidObjectError):
    """A text that is not a Kubernetes quantity; ``reason`` is upstream's message."""

    def __init__(self, text: object, reason: str) -> None:
        super().__init__("", f"expected a quantity such as 100m or 2Gi, found {text!r}: {reason}")
        self.text = text
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[object, str]]:
        return type(self), (self.text, self.reason)


def read_text(text: str) -> tuple[int, int, bool, Format, str]:
    """Read a text into unscaled number, scale, whether a decimal, format and kept text."""
    if text == "":
        raise InvalidQuantityError(text, FORMAT_WRONG)
    if text == "0":
        return 0, 0, False, "DecimalSI", text
    negative, whole, fraction, has_digits, suffix = _split(text)
    exponent, style = _interpret(text, suffix)
    if len(whole) + len(fraction) > MOST_DIGITS:
        raise InvalidQuantityError(text, f"more than {MOST_DIGITS} digits")
    if exponent > LARGEST_EXPONENT:
        raise InvalidQuantityError(text, f"an exponent above {LARGEST_EXPONENT}")

    short = _short_form(text, whole, fraction, exponent, style)
    if short is not None:
        unscaled, scale, kept = short
        return -unscaled if negative else unscaled, scale, False, style, kept
    if not has_digits:
        raise InvalidQuantityError(text, NUMBER_WRONG)
    unscaled, scale = int(whole + fraction), -len(fraction)
    if style == "BinarySI":
        unscaled <<= exponent
    else:
        scale += exponent
    if unscaled:
        unscaled, scale = shift(unscaled, scale - NANO_SCALE), NANO_SCALE
    if style == "BinarySI":
        if unscaled > INT64_MAX * 10**-scale:
            unscaled, scale = INT64_MAX, 0
        elif 0 < unscaled < 10**-scale:
            style = "DecimalSI"
    return -unscaled if negative else unscaled, scale, True, style, ""


def _split(text: str) -> tuple[bool, str, str, bool, str]:
    """Cut a text into sign, whole part, fraction, whether it has a digit, and suffix.

    Leading zeros of the whole part are dropped; a whole part that is empty is "0".
    """
    end = len(text)
    start = 1 if text[0] in "+-" else 0
    position = start
    while position < end and text[position] == "0":
        position += 1
    if position == end:
        return text[0] == "-", "0", "", True, ""
    cut = _skip(text, position, _DIGITS)
    whole = text[position:cut] or "0"
    has_digits = cut > start
    fraction = ""
    position = cut
    if position < end and text[position] == ".":
        cut = _skip(text, position + 1, _DIGITS)
        fraction = text[position + 1 : cut]
        has_digits = has_digits or bool(fraction)
        position = cut
    suffix = text[position:]
    position = _skip(text, position, _SUFFIX_LETTERS)
    if position < end and text[position] in "+-":
        position += 1
    if _skip(text, position, _DIGITS) != end:
        raise InvalidQuantityError(text, FORMAT_WRONG)
    return text[0] == "-", whole, fraction, has_digits, suffix


def _skip(text: str, position: int, letters: frozenset[str]) -> int:
    while position < len(text) and text[position] in letters:
        position += 1
    return position


def _interpret(text: str, suffix: str) -> tuple[int, Format]:
    """The exponent that a suffix stands for, to base 2 for ``BinarySI``, else 10."""
    if suffix in _DECIMAL_EXPONENT:
        return _DECIMAL_EXPONENT[suffix], "DecimalSI"
    if suffix in _BINARY_EXPONENT:
        return _BINARY_EXPONENT[suffix], "BinarySI"
    digits = suffix[1:].lstrip("+-")
    if suffix[0] not in "eE" or len(suffix) - len(digits) > 2 or not _DIGITS.issuperset(digits):
        raise InvalidQuantityError(text, SUFFIX_WRONG)
    exponent = int(suffix[1:]) if digits and len(digits) <= MOST_DIGITS else INT64_MAX + 1
    if not fits(exponent):
        raise InvalidQuantityError(text, SUFFIX_WRONG)
    return (exponent + 2**31) % 2**32 - 2**31, "DecimalExponent"  # upstream keeps 32 bits


def _short_form(
    text: str, whole: str, fraction: str, exponent: int, style: Format
) -> tuple[int, int, str] | None:
    """The number as an int64 with a scale, where upstream is sure that it fits; else None."""
    if style == "BinarySI":
        if fraction or 14 - len(whole) - exponent * 3 // 10 < 0:
            return None
        scale, multiplier = 0, 1 << exponent
    else:
        scale, multiplier = exponent - len(fraction), 1
        if len(whole) + len(fraction) > INT64_DIGITS or scale < NANO_SCALE:
            return None
    digits = whole + fraction
    number = int(digits)
    if not fits(number * multiplier):
        return None
    if style == "BinarySI":
        keeps_text = number % 8 != 0
    else:
        keeps_text = scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    return number * multiplier, scale, text if keeps_text else ""
