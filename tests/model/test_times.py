"""Timestamps and durations become int nanoseconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.errors import InvalidObjectError
from pyscale.model.times import (
    format_duration,
    format_timestamp,
    parse_duration,
    parse_timestamp,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2025-01-02T00:00:00Z", 1735776000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59Z", -1),
        ("1999-12-31T00:00:00Z", 946598400),
    ],
)
def test_timestamps_are_read_in_utc(text, seconds):
    assert parse_timestamp(text) == seconds * 10**9


def test_fractions_keep_nine_digits():
    assert parse_timestamp("1970-01-01T00:00:00.1234567899Z") == 123456789


@pytest.mark.parametrize(
    "text",
    ["", "2025-01-02", "2025-13-02T00:00:00Z", "2025-01-02T00:00:00", "\u0662025-01-02T00:00:00Z"],
)
def test_a_wrong_timestamp_is_refused_with_its_place(text):
    with pytest.raises(InvalidObjectError, match=r"pod a: expected a timestamp"):
        parse_timestamp(text, "pod a")


@given(st.integers(0, 4_000_000_000))
def test_whole_seconds_survive_a_round_trip(seconds):
    assert parse_timestamp(format_timestamp(seconds * 10**9)) == seconds * 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("1h30m", 5400 * 10**9),
        ("-1.5s", -1_500_000_000),
        ("300ms", 300_000_000),
        ("1us", 1000),
        (".5s", 500_000_000),
        ("720h", 720 * 3600 * 10**9),
    ],
)
def test_durations_are_read_as_go_reads_them(text, nanoseconds):
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "5",
        "1d",
        "1h 2m",
        "h",
        "1.2.3s",
        "Never",
        "9999999999h",
        "1" * 5000 + "s",
        "\u0661s",
    ],
)
def test_a_wrong_duration_is_refused(text):
    with pytest.raises(InvalidObjectError, match="expected a duration such as 1h30m, found"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2025-01-02T00:00:00+25:00", "expected a time zone up to 24:00"),
        ("2025-01-02T00:00:00+01:60", "expected a time zone up to 24:00"),
        ("9999-01-01T00:00:00Z", "expected a timestamp from 1678 to 2262"),
    ],
)
def test_a_time_that_cannot_be_is_refused(text, message):
    with pytest.raises(InvalidObjectError, match=message):
        parse_timestamp(text)


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_durations_survive_a_round_trip(duration_ns):
    assert parse_duration(format_duration(duration_ns)) == duration_ns


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [(0, "0s"), (1, "1ns"), (1500, "1.5µs"), (-(10**9), "-1s"), (61_500_000_000, "1m1.5s")],
)
def test_durations_are_written_as_go_writes_them(duration_ns, text):
    assert format_duration(duration_ns) == text
