"""Timestamps and durations as Kubernetes writes them, as int nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from ..errors import InvalidObjectError

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:([Zz])|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # micro sign
    "μs": 1_000,  # Greek mu
    "ms": 1_000_000,
    "s": SECOND,
    "m": MINUTE,
    "h": HOUR,
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_INT64_MAX = 2**63 - 1


@lru_cache(maxsize=4096)
def parse_timestamp(text: str, where: str = "") -> int:
    """Return an RFC 3339 timestamp as int nanoseconds since the Unix epoch.

    Raises
    ------
    InvalidObjectError
        If the text is no such timestamp.

    Examples
    --------
    >>> parse_timestamp("1970-01-01T00:01:00.5Z")
    60500000000
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise InvalidObjectError(
            where, f"expected a timestamp such as 2025-01-02T03:04:05Z, found {text!r}"
        )
    year, month, day, hour, minute, second, fraction, _, sign, off_hours, off_minutes = (
        match.groups()
    )
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
    except ValueError as error:
        raise InvalidObjectError(where, f"expected a timestamp, found {text!r}: {error}") from None
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    result = (delta.days * 86_400 + delta.seconds) * SECOND + int((fraction or "0").ljust(9, "0"))
    if sign:
        offset = int(off_hours) * HOUR + int(off_minutes) * MINUTE
        if int(off_minutes) > 59 or offset > 24 * HOUR:
            raise InvalidObjectError(where, f"expected a time zone up to 24:00, found {text!r}")
        result -= offset if sign == "+" else -offset
    if not -_INT64_MAX - 1 <= result <= _INT64_MAX:
        raise InvalidObjectError(where, f"expected a timestamp from 1678 to 2262, found {text!r}")
    return result


def format_timestamp(time_ns: int) -> str:
    """Return the timestamp in UTC, whole seconds as Kubernetes writes them.

    Examples
    --------
    >>> format_timestamp(60_500_000_000)
    '1970-01-01T00:01:00Z'
    """
    moment = datetime.fromtimestamp(time_ns // SECOND, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=4096)
def parse_duration(text: str, where: str = "") -> int:
    """Return a Go duration such as ``1h30m`` or ``300ms`` as int nanoseconds.

    Fractions finer than a nanosecond are cut off, as Go does.

    Raises
    ------
    InvalidObjectError
        If the text is no duration.

    Examples
    --------
    >>> parse_duration("1h1.5s")
    3601500000000
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    total, at = 0, 0
    for part in _PART.finditer(rest):
        if part.start() != at:
            break
        if len(part[1]) > 100:
            break  # Go refuses a number so long, and Python one of thousands of digits
        at = part.end()
        whole, _, fraction = part[1].partition(".")
        unit = _UNITS[part[2]]
        total += int(whole or "0") * unit
        if fraction:
            total += int(fraction) * unit // 10 ** len(fraction)
    if at != len(rest) or not rest or total > _INT64_MAX:
        raise InvalidObjectError(where, f"expected a duration such as 1h30m, found {text!r}")
    return sign * total


def format_duration(duration_ns: int) -> str:
    """Return the duration as Go's ``Duration.String`` writes it.

    Examples
    --------
    >>> format_duration(5400 * SECOND), format_duration(1_500_000)
    ('1h30m0s', '1.5ms')
    """
    if duration_ns == 0:
        return "0s"
    sign, rest = ("-", -duration_ns) if duration_ns < 0 else ("", duration_ns)
    if rest < SECOND:
        unit = next(name for name in ("ms", "µs", "ns") if rest >= _UNITS[name])
        return f"{sign}{_decimal(rest, _UNITS[unit])}{unit}"
    hours, rest = divmod(rest, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    text = f"{_decimal(rest, SECOND)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else sign + text


def _decimal(number: int, unit: int) -> str:
    whole, fraction = divmod(number, unit)
    digits = str(fraction).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}" if fraction else str(whole)
