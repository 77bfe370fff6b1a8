"""Kubernetes quantities: text to exact integers and back.

:func:`parse_quantity` is what the rest of the package uses: an exact integer of nano-units.
:class:`Quantity` behaves as the Go type does where that differs from the number it stands for: it
keeps the text it was read from, its format, and it wraps or gives 0 where the Go code runs out of
64 bits.  Follows ``k8s.io/apimachinery/pkg/api/resource`` (``quantity.go``, ``amount.go``,
``math.go``, ``suffix.go``, ``scale_int.go``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from pyscale.errors import InvalidObjectError

from ._int64 import (
    INT64_MAX,
    INT64_MIN,
    add_int64,
    factor_out,
    scale_up,
    scaled_decimal,
    shift,
    wrap,
)
from ._quantity_text import (
    BINARY_SUFFIX,
    DECIMAL_SUFFIX,
    FORMAT_WRONG,
    NANO_SCALE,
    Format,
    InvalidQuantityError,
    read_text,
)

__all__ = [
    "Format",
    "InvalidQuantityError",
    "Quantity",
    "format_quantity",
    "parse_quantities",
    "parse_quantity",
]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    unscaled, scale, _, _, _ = read_text(text)
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
            if not INT64_MIN <= amount <= INT64_MAX:
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
        unscaled, scale, is_decimal, style, kept = read_text(text)
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
        return shift(self.unscaled, self.scale - NANO_SCALE)

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
                number, exponent = factor_out(shift(rounded.unscaled, rounded.scale), 1024)
                return f"{number}{BINARY_SUFFIX.get(10 * exponent, '')}"
        number, exponent = factor_out(self.unscaled, 10)
        exponent += self.scale
        number, exponent = number * 10 ** (exponent % 3), exponent - exponent % 3
        if self.format == "DecimalExponent":
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{DECIMAL_SUFFIX.get(exponent, '')}"

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
            return scaled_decimal(self.unscaled, self.scale - scale)
        if self.scale < scale:
            return shift(self.unscaled, self.scale - scale)
        return scale_up(self.unscaled, self.scale - scale)[0]

    def as_int64(self) -> tuple[int, bool]:
        """Go's ``AsInt64()``: the number and whether it is exact."""
        if self.is_decimal or self.scale < 0:
            return 0, False
        return scale_up(self.unscaled, self.scale)

    def approximate_float(self) -> float:
        """Go's ``AsApproximateFloat64()``."""
        try:
            base = float(self.unscaled)
        except OverflowError:
            base = math.inf * self.sign
        return base if self.scale == 0 else base * float(f"1e{self.scale}")

    def __neg__(self) -> Quantity:
        """The negative; the kept text is dropped."""
        unscaled = -self.unscaled if self.is_decimal else wrap(-self.unscaled)
        return Quantity(unscaled, self.scale, is_decimal=self.is_decimal, format=self.format)

    def __add__(self, other: Quantity) -> Quantity:
        """The sum, written in the format of the first summand that is not zero."""
        style = other.format if self.unscaled == 0 else self.format
        if not (self.is_decimal or other.is_decimal):
            total = add_int64(self.unscaled, self.scale, other.unscaled, other.scale)
            if total is not None:
                return Quantity(*total, format=style)
        scale = min(self.scale, other.scale)
        unscaled = shift(self.unscaled, self.scale - scale) + shift(
            other.unscaled, other.scale - scale
        )
        return Quantity(unscaled, scale, is_decimal=True, format=style)

    def __sub__(self, other: Quantity) -> Quantity:
        """The difference; formats as in the sum."""
        return self + -other

    def compare(self, other: Quantity) -> int:
        """-1, 0 or 1, exactly."""
        scale = min(self.scale, other.scale)
        left = shift(self.unscaled, self.scale - scale)
        right = shift(other.unscaled, other.scale - scale)
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
        unscaled = shift(self.unscaled, self.scale - scale)
        rounded = Quantity(unscaled, scale, is_decimal=self.is_decimal, format=self.format)
        return rounded, rounded.compare(self) == 0
