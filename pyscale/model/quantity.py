"""Kubernetes quantities: text to exact integers and back.

:func:`parse_quantity` is what the rest of the package uses: an exact integer of nano-units.
:class:`Quantity` behaves as the Go type does where that differs from the number it stands for: it
keeps the text it was read from, its format, and it wraps or gives 0 where the Go code runs out of
64 bits.  Follows ``k8s.io/apimachinery/pkg/api/resource`` (``quantity.go``, ``amount.go``,
``math.go``, ``suffix.go``, ``scale_int.go``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from pyscale.errors import InvalidObjectError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL_EXPONENT.items()}
_BINARY_SUFFIX = {0: "", **{exponent: suffix for suffix, exponent in _BINARY_EXPONENT.items()}}

_INT64_MAX = 2**63 - 1
_INT64_MIN = -(2**63)
_INT64_DIGITS = 18  # every decimal number of so many digits fits int64
_DIGITS = frozenset("0123456789")
_SUFFIX_LETTERS = frozenset("eEinumkKMGTP")
# Upstream computes 10 ** exponent for any exponent; no amount of this world needs more than this.
_LARGEST_EXPONENT = 400
_MOST_DIGITS = 1000


class InvalidQuantityError(InvalidObjectError):
    """A text that is not a Kubernetes quantity; ``reason`` is upstream's message."""

    def __init__(self, text: object, reason: str) -> None:
        super().__init__("", f"expected a quantity such as 100m or 2Gi, found {text!r}: {reason}")
        self.text = text
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[object, str]]:
        return type(self), (self.text, self.reason)


def parse_quantity(text: str | float) -> int:
    """Read a quantity exactly.

    Parameters
    ----------
    text : str or int or float
        ``"100m"``, ``"2Gi"``, ``"1e3"``, or a number of whole units.

    Returns
    -------
    int
        Nano-units.  What is finer than one nano is rounded away from zero; a number with a binary
        suffix (``Ki`` to ``Ei``) beyond 64 bits is capped at ``2**63 - 1`` units.

    Raises
    ------
    InvalidQuantityError
        The text is not a quantity, or has an exponent above 400 or more than 1000 digits.

    Notes
    -----
    ``"+"``, ``"-"``, ``"."`` and a bare suffix such as ``"Gi"`` are read as 0, as upstream does;
    the empty text is refused.  Results are cached.  Follows ``resource.ParseQuantity``.

    Examples
    --------
    >>> parse_quantity("100m")
    100000000
    >>> parse_quantity("1Ki") // 10**9
    1024
    """
    return _nano(text if isinstance(text, str) else _number_text(text))


@lru_cache(maxsize=1 << 16)
def _nano(text: str) -> int:
    unscaled, scale, _, _, _ = _parse(text)
    return unscaled * int(10 ** (scale - NANO_SCALE))


def _number_text(number: float) -> str:
    """Write a JSON number as its text; bool is no number."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InvalidQuantityError(number, FORMAT_WRONG)
    return repr(number)


def parse_quantities(
    texts: Iterable[str | float],
    unit: int = 1_000_000_000,
    rounding: Literal["up", "down"] = "up",
) -> NDArray[np.int64]:
    """Read many quantities into one array; each distinct text is parsed once.

    Parameters
    ----------
    texts : iterable of str or float
        Quantities.
    unit : int, default 10**9
        Nano-units of one step of the result: ``10**6`` for milli-units, ``10**9`` for whole units.
    rounding : {"up", "down"}
        Toward plus or minus infinity: up for requests, down for capacities.

    Returns
    -------
    ndarray of int64, shape (n_texts,)
        Amounts in steps of ``unit``.

    Raises
    ------
    InvalidObjectError
        A text is not a quantity or does not fit int64; the message names its index.
    """
    import numpy as np

    known: dict[tuple[type, str | float], int] = {}
    amounts = []
    for index, text in enumerate(texts):
        key = (type(text), text)
        amount = known.get(key)
        if amount is None:
            try:
                nano = parse_quantity(text)
            except InvalidQuantityError as error:
                raise InvalidObjectError(f"quantities[{index}]", error.problem) from None
            amount = -(-nano // unit) if rounding == "up" else nano // unit
            if not _INT64_MIN <= amount <= _INT64_MAX:
                problem = f"expected an amount that fits int64, found {text!r}"
                raise InvalidObjectError(f"quantities[{index}]", problem)
            known[key] = amount
        amounts.append(amount)
    return np.array(amounts, dtype=np.int64)


def format_quantity(nano: int, style: Format = "DecimalSI") -> str:
    """Write an amount of nano-units as the shortest canonical quantity.

    Examples
    --------
    >>> format_quantity(1_500_000_000), format_quantity(2 * 1024**3 * 10**9, "BinarySI")
    ('1500m', '2Gi')
    """
    text = str(Quantity(nano, NANO_SCALE, is_decimal=True, format=style))
    if _nano(text) != nano:  # upstream has no suffix for it and writes the number without one
        text = str(Quantity(nano, NANO_SCALE, is_decimal=True, format="DecimalExponent"))
    return text


class Quantity:
    """A quantity as Go's ``resource.Quantity`` behaves; immutable.

    The amount is ``unscaled * 10**scale``.  Upstream keeps small numbers as an int64 with a scale
    and the others as an arbitrary decimal (``is_decimal``); conversions to int64 differ between
    the two, in the cases that overflow.

    Parameters
    ----------
    unscaled, scale : int
        The amount.
    is_decimal : bool
        Whether upstream would hold an ``inf.Dec``.
    format : {"DecimalSI", "BinarySI", "DecimalExponent"}
        How it is written.
    text : str
        The text it was read from, if upstream keeps it; else empty.
    """

    __slots__ = ("_text", "format", "is_decimal", "scale", "unscaled")

    unscaled: int
    scale: int
    is_decimal: bool
    format: Format

    def __init__(
        self,
        unscaled: int = 0,
        scale: int = 0,
        *,
        is_decimal: bool = False,
        format: Format = "DecimalSI",
        text: str = "",
    ) -> None:
        self.unscaled = unscaled
        self.scale = scale
        self.is_decimal = is_decimal
        self.format = format
        self._text = text

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """Read a text as ``resource.ParseQuantity`` does.

        Raises
        ------
        InvalidQuantityError
            With upstream's message as ``reason``.
        """
        unscaled, scale, is_decimal, style, kept = _parse(text)
        return cls(unscaled, scale, is_decimal=is_decimal, format=style, text=kept)

    @classmethod
    def from_json(cls, value: str | float | None) -> Quantity:
        """Read a JSON value as ``Quantity.UnmarshalJSON`` does: null is 0, blanks are trimmed."""
        if value is None:
            return cls()
        return cls.parse(value.strip() if isinstance(value, str) else _number_text(value))

    @property
    def nano(self) -> int:
        """The exact amount in nano-units, rounded away from zero below one nano."""
        return _shift(self.unscaled, self.scale - NANO_SCALE)

    @property
    def is_zero(self) -> bool:
        """Whether the amount is 0."""
        return self.unscaled == 0

    @property
    def sign(self) -> int:
        """-1, 0 or 1."""
        return (self.unscaled > 0) - (self.unscaled < 0)

    def __str__(self) -> str:
        """The text it was read from where upstream keeps it, else the canonical form."""
        return self._text or self.canonical()

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def canonical(self) -> str:
        """The canonical form; a suffix above ``E`` or ``Ei`` is lost, as upstream loses it."""
        if self.unscaled == 0:
            return "0"
        if self.format == "BinarySI" and abs(self.nano) >= 1024 * 10**-NANO_SCALE:
            rounded, is_whole = self.round_up(0)
            if is_whole:
                number, exponent = _factor_out(_shift(rounded.unscaled, rounded.scale), 1024)
                return f"{number}{_BINARY_SUFFIX.get(10 * exponent, '')}"
        number, exponent = _factor_out(self.unscaled, 10)
        exponent += self.scale
        number, exponent = number * 10 ** (exponent % 3), exponent - exponent % 3
        if self.format == "DecimalExponent":
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_DECIMAL_SUFFIX.get(exponent, '')}"

    def value(self) -> int:
        """Go's ``Value()``: whole units, rounded, int64 with upstream's overflow."""
        return self.scaled_value(0)

    def milli_value(self) -> int:
        """Go's ``MilliValue()``."""
        return self.scaled_value(-3)

    def scaled_value(self, scale: int) -> int:
        """Go's ``ScaledValue(scale)``: units of ``10**scale``.

        An int64 amount is rounded away from zero and gives 0 or the wrapped number when it
        overflows; a decimal amount is rounded up after truncation, so a negative fraction gains
        one unit too much, and wraps.
        """
        if self.is_decimal:
            return _scaled_decimal(self.unscaled, self.scale - scale)
        if self.scale < scale:
            return _shift(self.unscaled, self.scale - scale)
        return _scale_up(self.unscaled, self.scale - scale)[0]

    def as_int64(self) -> tuple[int, bool]:
        """Go's ``AsInt64()``: the number and whether it is exact."""
        if self.is_decimal or self.scale < 0:
            return 0, False
        return _scale_up(self.unscaled, self.scale)

    def approximate_float(self) -> float:
        """Go's ``AsApproximateFloat64()``."""
        base = float(self.unscaled)
        return base if self.scale == 0 else base * float(f"1e{self.scale}")

    def __neg__(self) -> Quantity:
        """The negative; the kept text is dropped."""
        unscaled = -self.unscaled if self.is_decimal else _wrap(-self.unscaled)
        return Quantity(unscaled, self.scale, is_decimal=self.is_decimal, format=self.format)

    def __add__(self, other: Quantity) -> Quantity:
        """The sum, written in the format of the first summand that is not zero."""
        style = other.format if self.unscaled == 0 else self.format
        if not (self.is_decimal or other.is_decimal):
            total = _add_int64(self.unscaled, self.scale, other.unscaled, other.scale)
            if total is not None:
                return Quantity(*total, format=style)
        scale = min(self.scale, other.scale)
        unscaled = _shift(self.unscaled, self.scale - scale) + _shift(
            other.unscaled, other.scale - scale
        )
        return Quantity(unscaled, scale, is_decimal=True, format=style)

    def __sub__(self, other: Quantity) -> Quantity:
        """The difference; formats as in the sum."""
        return self + -other

    def compare(self, other: Quantity) -> int:
        """-1, 0 or 1, exactly."""
        scale = min(self.scale, other.scale)
        left = _shift(self.unscaled, self.scale - scale)
        right = _shift(other.unscaled, other.scale - scale)
        return (left > right) - (left < right)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.compare(other) == 0

    def __hash__(self) -> int:
        return hash(self.nano)

    def __lt__(self, other: Quantity) -> bool:
        return self.compare(other) < 0

    def __le__(self, other: Quantity) -> bool:
        return self.compare(other) <= 0

    def round_up(self, scale: int) -> tuple[Quantity, bool]:
        """Round away from zero to multiples of ``10**scale``; also tell whether it was exact."""
        if not self.is_decimal and self.scale >= scale:
            return self, True
        unscaled = _shift(self.unscaled, self.scale - scale)
        rounded = Quantity(unscaled, scale, is_decimal=self.is_decimal, format=self.format)
        return rounded, rounded.compare(self) == 0


def _shift(number: int, exponent: int) -> int:
    """``number * 10**exponent``, rounded away from zero."""
    if exponent >= 0:
        return number * int(10**exponent)
    if -exponent > _MOST_DIGITS + _LARGEST_EXPONENT:  # 10 ** -exponent would be too large to make
        return (number > 0) - (number < 0)
    divisor = int(10**-exponent)
    return -(-number // divisor) if number >= 0 else number // divisor


def _factor_out(number: int, base: int) -> tuple[int, int]:
    """Divide by ``base`` as often as it goes; return the rest and how often."""
    times = 0
    while number % base == 0:
        number //= base
        times += 1
    return number, times


def _wrap(number: int) -> int:
    """The low 64 bits as a signed number."""
    return (number + 2**63) % 2**64 - 2**63


def _fits(number: int) -> bool:
    return _INT64_MIN <= number <= _INT64_MAX


def _scale_up(number: int, exponent: int) -> tuple[int, bool]:
    """Go's ``positiveScaleInt64``: 0 on overflow, but wrapped where it has a short cut."""
    if number == 0:
        return 0, True
    if number == _INT64_MIN and exponent:
        return 0, False
    exact = exponent <= _INT64_DIGITS + 1 and _fits(number * 10**exponent)
    if exact or exponent in (1, 2, 3, 6, 9):
        return _wrap(number * 10**exponent), exact
    return 0, False


def _scaled_decimal(unscaled: int, exponent: int) -> int:
    """Go's ``scaledValue`` for ``unscaled * 10**exponent``."""
    if exponent == 0:
        return _wrap(unscaled)
    if exponent > 0:
        power = 10**exponent if exponent <= _INT64_DIGITS else _INT64_MIN  # as the float converts
        return _wrap(_wrap(unscaled) * power)
    if unscaled < _INT64_MAX and -exponent < 19:
        unscaled = _wrap(unscaled)
    divisor = 10**-exponent
    quotient = abs(unscaled) // divisor
    if unscaled < 0:
        quotient = -quotient
    return _wrap(quotient + (unscaled % divisor != 0))


def _add_int64(a: int, a_scale: int, b: int, b_scale: int) -> tuple[int, int] | None:
    """Go's ``int64Amount.Add``: the sum and its scale, None where it gives up."""
    if b == 0:
        return a, a_scale
    if a == 0:
        return b, b_scale
    if a_scale > b_scale:
        a, exact = _scale_up(a, a_scale - b_scale)
    else:
        b, exact = _scale_up(b, b_scale - a_scale)
    total = a + b
    if not exact or not _INT64_MIN < total <= _INT64_MAX:
        return None
    return total, min(a_scale, b_scale)


def _parse(text: str) -> tuple[int, int, bool, Format, str]:
    """Read a text into unscaled number, scale, whether a decimal, format and kept text."""
    if text == "":
        raise InvalidQuantityError(text, FORMAT_WRONG)
    if text == "0":
        return 0, 0, False, "DecimalSI", text
    negative, whole, fraction, has_digits, suffix = _split(text)
    exponent, style = _interpret(text, suffix)
    if len(whole) + len(fraction) > _MOST_DIGITS:
        raise InvalidQuantityError(text, f"more than {_MOST_DIGITS} digits")
    if exponent > _LARGEST_EXPONENT:
        raise InvalidQuantityError(text, f"an exponent above {_LARGEST_EXPONENT}")

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
        unscaled, scale = _shift(unscaled, scale - NANO_SCALE), NANO_SCALE
    if style == "BinarySI":
        if unscaled > _INT64_MAX * 10**-scale:
            unscaled, scale = _INT64_MAX, 0
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
    exponent = int(suffix[1:]) if digits and len(digits) <= _MOST_DIGITS else _INT64_MAX + 1
    if not _fits(exponent):
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
        if len(whole) + len(fraction) > _INT64_DIGITS or scale < NANO_SCALE:
            return None
    digits = whole + fraction
    number = int(digits)
    if not _fits(number * multiplier):
        return None
    if style == "BinarySI":
        keeps_text = number % 8 != 0
    else:
        keeps_text = scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"
    return number * multiplier, scale, text if keeps_text else ""
