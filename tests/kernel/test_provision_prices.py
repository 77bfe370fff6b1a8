"""Prices of claims: asked once each, as long as there is room for them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel._provision_prices import ClaimPrices

WORDS = 3


class Source:
    def __init__(self):
        self.asked = []

    def least(self, template, set_id, types):
        self.asked.append((template, set_id, types))
        return float(len(self.asked)), float(-len(self.asked)), 2 * len(self.asked)


claims = st.tuples(
    st.integers(0, 3), st.integers(0, 2**31 - 1), st.binary(min_size=8 * WORDS, max_size=8 * WORDS)
)


@given(st.lists(claims, max_size=60), st.data())
def test_each_claim_is_asked_for_once(claims, data):
    source = Source()
    prices = ClaimPrices(source, WORDS)
    order = claims + data.draw(st.permutations(claims))
    twin = {}
    for claim in order:
        found = prices.find(*claim)
        assert found == twin.setdefault(claim, found)
    assert source.asked == list(twin)
    assert len(prices) == len(twin)


def test_a_full_table_starts_anew():
    source = Source()
    prices = ClaimPrices(source, WORDS)
    numbers = np.arange(40_000, dtype=np.uint64)
    for number in numbers:
        types = np.array([number, 0, number << np.uint64(40)], np.uint64).tobytes()
        first = prices.find(0, 1, types)
        assert prices.find(0, 1, types) == first
    assert len(source.asked) == len(numbers)
    assert len(prices) <= 16_384


def test_words_that_are_left_out_are_empty():
    source = Source()
    prices = ClaimPrices(source, WORDS)
    assert prices.find(0, 1, b"\1") == prices.find(0, 1, b"\1".ljust(8 * WORDS, b"\0"))


def test_an_error_of_the_source_comes_through():
    class Broken:
        def least(self, *_):
            raise LookupError("no such claim")

    prices = ClaimPrices(Broken(), WORDS)
    for _ in range(2):
        with pytest.raises(LookupError, match="no such claim"):
            prices.find(0, 1, b"")
    assert len(prices) == 0
