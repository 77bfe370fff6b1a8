"""Decaying histograms equal a twin that keeps every sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.histogram import Samples

from pyscale.kernel._histogram import HistogramBank

DAY = 86_400
START = 1_735_689_600
CPU = (0.01, 1000.0, 1.05, 1e-4, DAY)

values = st.floats(0.0, 900.0, allow_nan=False)
samples = st.lists(st.tuples(values, st.integers(0, 20 * DAY)), min_size=1, max_size=30)


def bank_of(pairs, row_count=1):
    bank = HistogramBank(*CPU)
    for _ in range(row_count):
        bank.new()
    for value, time in pairs:
        bank.add(0, value, 1.0, START + time)
    return bank


@given(samples, st.floats(0.01, 0.99))
def test_percentiles_equal_the_twin_that_keeps_all_samples(pairs, share):
    twin = Samples(0.01, 1000.0, 1.05, DAY)
    for value, time in pairs:
        twin.add(value, 1.0, time)
    bank = bank_of(pairs)
    found = bank.percentile(0, share)
    shares = twin.shares(max(time for _, time in pairs))
    # Where the share is met within rounding, or a weight is below epsilon, either bucket may win.
    candidates = {
        bank.start(min(bucket + 1, bank.n_buckets - 1))
        for bucket, upto in shares
        if abs(upto - share) < 1e-3
    }
    exact = next(bucket for bucket, upto in shares if upto >= share or bucket == shares[-1][0])
    assert found == bank.start(min(exact + 1, bank.n_buckets - 1)) or candidates


@given(samples)
def test_many_at_once_equal_one_by_one(pairs):
    one = bank_of(pairs)
    many = bank_of([])
    many.add_many(
        np.zeros(len(pairs), np.int32),
        np.array([value for value, _ in pairs]),
        1.0,
        np.array([START + time for _, time in pairs], np.int64),
    )
    assert many.save(0) == one.save(0)
    out = np.zeros(1)
    many.percentiles(0.9, out)
    assert out[0] == one.percentile(0, 0.9)


@given(samples)
def test_a_percentile_is_never_below_the_sample_it_covers(pairs):
    bank = bank_of([(value, 0) for value, _ in pairs])
    largest = max(value for value, _ in pairs)
    assert bank.percentile(0, 1.0) >= largest * (1 - 1e-9)


@given(samples)
def test_a_checkpoint_keeps_percentiles_of_heavy_buckets(pairs):
    bank = bank_of([(value, 0) for value, _ in pairs], row_count=2)
    bank.load(1, *bank.save(0))
    assert bank.percentile(1, 1.0) == bank.percentile(0, 1.0)


def test_added_and_subtracted_is_empty_again():
    bank = bank_of([])
    bank.add(0, 0.5, 1.0, START)
    bank.subtract(0, 0.5, 1.0, START)
    assert bank.is_empty(0)
    assert bank.percentile(0, 0.9) == 0.0


def test_merging_moves_the_older_histogram_to_the_younger_reference():
    bank = bank_of([(1.0, 0)], row_count=2)
    bank.add(1, 1.0, 1.0, START + 200 * DAY)
    bank.merge(0, bank, 1)
    weights, total, _ = bank.save(0)
    assert weights == {bank.find(1.0): 10000}
    assert total == pytest.approx(bank.save(1)[1], rel=1e-9)


def test_banks_with_other_buckets_do_not_merge():
    bank, other = bank_of([]), HistogramBank(1e7, 1e12, 1.05, 1e-4, DAY)
    other.new()
    with pytest.raises(ValueError, match="expected a bank with the same buckets"):
        bank.merge(0, other, 0)


def test_a_row_that_does_not_exist_is_refused():
    with pytest.raises(IndexError, match=r"row must be in 0\.\.0, found 1"):
        bank_of([]).percentile(1, 0.5)


def test_upstream_has_176_buckets():
    assert HistogramBank(*CPU).n_buckets == 176
    assert HistogramBank(1e7, 1e12, 1.05, 1e-4, DAY).n_buckets == 176
