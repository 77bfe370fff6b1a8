"""Catalogues by the name that a command line gives."""

from __future__ import annotations

from pathlib import Path

from pyscale.errors import InvalidObjectError
from pyscale.model.catalog import Catalog, nearest

from .custom_types import custom
from .ec2_types import ec2
from .fake_types import fake, fake_assorted, fake_default
from .kwok_types import kwok
from .rows import SUFFIXES

_NAMED = {"kwok": kwok, "fake-assorted": fake_assorted, "fake-default": fake_default}
_EXPECTED = (
    "expected ec2:REGION, kwok, fake:N, fake-assorted, fake-default or a table that ends in "
    + ", ".join(SUFFIXES)
)


def parse_catalog(text: str, *, seed: int = 0) -> Catalog:
    """Return the catalogue that a short text names.

    Parameters
    ----------
    text : str
        ``ec2:REGION``, ``kwok``, ``fake:N``, ``fake-assorted``, ``fake-default``, or the path of a
        table as :func:`custom` reads it.
    seed : int
        Seed of the spot price process of ``ec2:REGION``.

    Raises
    ------
    InvalidObjectError
        If the text names no catalogue, or the region is unknown.
    TraceError
        If the table cannot be read.

    Examples
    --------
    >>> from pyscale.catalog import parse_catalog
    >>> len(parse_catalog("fake:400").instance_types)
    400
    """
    if text in _NAMED:
        return _NAMED[text]()
    kind, colon, rest = text.partition(":")
    if colon and kind == "ec2":
        return ec2(rest, seed=seed)
    if colon and kind == "fake":
        if not (rest.isdecimal() and len(rest) <= 6 and 1 <= int(rest) <= 100_000):
            raise InvalidObjectError(
                f"catalogue {text!r}", f"expected fake:N with N from 1 to 100000, found {rest!r}"
            )
        return fake(int(rest))
    if text.lower().removesuffix(".gz").endswith(SUFFIXES) or Path(text).is_file():
        return custom(text)
    hint = nearest(text, [*_NAMED, "ec2:us-east-1", "fake:400"])
    raise InvalidObjectError(f"catalogue {text!r}", _EXPECTED + hint)
