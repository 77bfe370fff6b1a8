"""Quantities: exact amounts, and the Go type's behaviour as it was recorded."""

from __future__ import annotations

import contextlib
import gzip
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.quantities import exact_value

from pyscale.errors import InvalidObjectError
from pyscale.model.quantity import (
    InvalidQuantityError,
    Quantity,
    format_quantity,
    parse_quantities,
    parse_quantity,
)

RECORDED = Path(__file__).parents[1] / "golden" / "kube-scheduler" / "quantities.jsonl.gz"
SUFFIXES = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
numbers = st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{0,14})?", fullmatch=True)
suffixes = st.sampled_from(SUFFIXES) | st.integers(-40, 40).map("e{}".format)
quantity_texts = st.builds("".join, st.tuples(numbers, suffixes))


def recorded_cases() -> list[tuple[str | float, dict[str, object]]]:
    with gzip.open(RECORDED, "rt") as lines:
        cases = [json.loads(line) for line in lines]
    return [
        pair
        for case in cases
        for pair in zip(case["input"]["quantities"], case["outcomes"][0]["results"], strict=True)
    ]


def observe(text: str | float) -> dict[str, object]:
    try:
        quantity = Quantity.parse(text) if isinstance(text, str) else Quantity.from_json(text)
    except InvalidQuantityError as error:
        result: dict[str, object] = {"error": error.reason}
        with contextlib.suppress(InvalidQuantityError):
            result["jsonUnmarshal"] = f'"{Quantity.from_json(text)}"'
        return result
    rounded, is_exact = quantity.round_up(0)
    return {
        "canonical": str(quantity),
        "json": str(quantity),
        "value": quantity.value(),
        "milliValue": quantity.milli_value(),
        "asInt64": list(quantity.as_int64()),
        "scaled": {
            "m": quantity.scaled_value(-3),
            "n": quantity.scaled_value(-9),
            "M": quantity.scaled_value(6),
        },
        "sign": quantity.sign,
        "isZero": quantity.is_zero,
        "format": quantity.format,
        "approxFloat": quantity.approximate_float(),
        "neg": str(-quantity),
        "roundUp0": [str(rounded), is_exact],
        "twice": str(quantity + quantity),
        "plus1500m": str(Quantity.parse("1500m") + quantity),
        "1GiMinus": str(Quantity.parse("1Gi") - quantity),
        "cmp1": quantity.compare(Quantity.parse("1")),
    }


def test_every_recorded_quantity_behaves_as_recorded() -> None:
    for text, recorded in recorded_cases():
        expected = dict(recorded)
        if "approxFloat" in expected:
            expected["approxFloat"] = float(str(expected["approxFloat"]))
        assert observe(text) == expected, text


def test_recorded_quantities_have_the_exact_value_of_the_slow_reference() -> None:
    for text, recorded in recorded_cases():
        if "error" not in recorded:
            assert Fraction(parse_quantity(text), 10**9) == exact_value(str(text)), text


@given(quantity_texts)
def test_parsing_agrees_with_exact_fractions(text: str) -> None:
    assert Fraction(parse_quantity(text), 10**9) == exact_value(text)
    assert Quantity.parse(text).nano == parse_quantity(text)


@given(st.integers(-(10**30), 10**30), st.sampled_from(["DecimalSI", "BinarySI"]))
def test_formatting_then_parsing_is_identity(nano: int, style: str) -> None:
    assert parse_quantity(format_quantity(nano, style)) == nano  # type: ignore[arg-type]


@given(quantity_texts, quantity_texts)
def test_sums_differences_and_comparisons_are_exact(left: str, right: str) -> None:
    a, b = Quantity.parse(left), Quantity.parse(right)
    assert (a + b).nano == a.nano + b.nano
    assert (a - b).nano == a.nano - b.nano
    assert a.compare(b) == (a.nano > b.nano) - (a.nano < b.nano)
    assert (a == b) == (a.nano == b.nano)
    assert (a <= b) == (a.nano <= b.nano)


@given(st.text(alphabet="0123456789.+-eEinumkKMGTP x", max_size=12))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidQuantityError):
        assert isinstance(parse_quantity(text), int)


@pytest.mark.parametrize("text", ["+", "-", ".", "-.", "Gi", "+Ti", "000"])
def test_texts_without_a_digit_are_zero_where_upstream_takes_the_short_way(text: str) -> None:
    assert parse_quantity(text) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "regular expression"),
        (" 1", "regular expression"),
        ("1 ", "regular expression"),
        ("1.2.3", "regular expression"),
        ("\u0661", "regular expression"),
        ("5 Gi", "regular expression"),
        ("1K", "suffix"),
        ("1e", "suffix"),
        ("1e99999999999999999999", "suffix"),
        ("1e401", "an exponent above 400"),
        ("1" * 1001, "more than 1000 digits"),
        ("Pi", "numeric part"),
    ],
)
def test_what_is_not_a_quantity_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidQuantityError, match=reason):
        parse_quantity(text)


@pytest.mark.parametrize("value", [True, None, [1]])
def test_what_is_not_a_text_or_number_is_refused(value: object) -> None:
    with pytest.raises(InvalidQuantityError, match="expected a quantity"):
        parse_quantity(value)  # type: ignore[arg-type]


def test_a_tiny_amount_is_rounded_away_from_zero() -> None:
    assert parse_quantity("1e-2000000000") == 1
    assert parse_quantity("-1e-2000000000") == -1


def test_binary_amounts_beyond_64_bits_are_capped() -> None:
    assert parse_quantity("8Ei") == (2**63 - 1) * 10**9
    assert parse_quantity("-8Ei") == -(2**63 - 1) * 10**9
    assert parse_quantity("10E") == 10**28


def test_null_is_zero_and_blanks_are_trimmed_in_json() -> None:
    assert Quantity.from_json(None).is_zero
    assert Quantity.from_json(" 2k ").value() == 2000


def test_many_quantities_become_one_array() -> None:
    texts = ["100m", "1", "1500u", 2, "100m", 0.5]
    assert parse_quantities(texts, 10**6).tolist() == [100, 1000, 2, 2000, 100, 500]
    down = parse_quantities(texts, 10**6, "down")
    assert down.tolist() == [100, 1000, 1, 2000, 100, 500]
    assert down.dtype == np.int64


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["1", "x"], r"quantities\[1\]: expected a quantity"),
        (["1", "9223372036854775808"], r"quantities\[1\]: expected an amount that fits int64"),
    ],
)
def test_a_bad_quantity_among_many_is_named(texts: list[str], message: str) -> None:
    with pytest.raises(InvalidObjectError, match=message):
        parse_quantities(texts)


def test_numbers_that_go_flows_over_wrap_or_vanish() -> None:
    assert Quantity.parse("9223372036854775808").value() == -(2**63)
    assert Quantity.parse("1E").milli_value() == 0 or Quantity.parse("1E").is_decimal
    assert Quantity.parse("-0.000001n").value() == 1


@given(quantity_texts)
def test_equal_quantities_have_equal_hashes(text: str) -> None:
    quantity = Quantity.parse(text)
    assert hash(quantity) == hash(Quantity(quantity.nano, -9, is_decimal=True))
    negative = -quantity
    assert -negative == quantity


def test_an_amount_beyond_any_float_is_infinite():
    amount = Quantity.parse("-12345678901234567890e300")

    assert amount.approximate_float() == -float("inf")
