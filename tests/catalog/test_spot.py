"""The spot price process: reproducible, bounded, mean-reverting, and cheap to ask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.catalog import SpotProcess, ec2

HOUR = 3600 * 10**9
PRICE = 96_000_000


def process(seed=0, **options):
    return SpotProcess(seed, "us-east-1", {"m5.large": PRICE, "c5.large": 85_000_000}, **options)


def test_the_first_prices_are_these_on_every_machine():
    # A fixed record: another figure here changes published results.
    prices = [process().price("m5.large", "us-east-1a", hour * HOUR) for hour in range(6)]
    assert prices == [36_200_000, 35_600_000, 36_400_000, 38_800_000, 39_800_000, 40_800_000]


@given(at=st.integers(-(10**18), 10**19), seed=st.integers(0, 2**64))
def test_a_price_stays_between_a_tenth_and_the_whole_of_on_demand(at, seed):
    price = process(seed).price("m5.large", "us-east-1b", at)
    assert PRICE // 10 - 100_000 <= price <= PRICE
    assert price % 100_000 == 0


@given(st.integers(0, 10**18))
def test_a_price_stands_still_within_its_period(at):
    spot = process()
    start = at // HOUR * HOUR
    assert spot.next_change_ns(at) == start + HOUR
    prices = {spot.price("m5.large", "us-east-1a", t) for t in (start, at, start + HOUR - 1)}
    assert len(prices) == 1


def test_asking_for_many_equals_asking_one_by_one():
    offers = [("m5.large", "us-east-1a"), ("x1.large", "us-east-1a"), ("c5.large", "us-east-1b")]
    spot = process(7)
    assert spot.prices(offers, 5 * HOUR) == [spot.price(*offer, 5 * HOUR) for offer in offers]
    assert spot.price("x1.large", "us-east-1a", 0) is None
    assert spot.prices([("x1.large", "us-east-1a")], 0) == [None]


def test_the_deviation_is_the_one_asked_for_and_reverts():
    spot = process(3)
    series = np.array(
        [spot.price("m5.large", "us-east-1a", hour * HOUR) / PRICE for hour in range(4000)]
    )
    assert series.std() == pytest.approx(0.04, rel=0.15)
    centred = series - series.mean()
    halved = (centred[12:] * centred[:-12]).mean() / (centred**2).mean()
    assert halved == pytest.approx(0.5, abs=0.1)


def test_seed_region_and_zone_make_a_difference():
    prices = {
        process(seed).price("m5.large", zone, 0)
        for seed in range(4)
        for zone in ("us-east-1a", "us-east-1b")
    }
    assert len(prices) > 4


def test_a_snapshot_keeps_every_offering_in_its_place():
    now = ec2("us-west-1")
    later = now.at(7 * HOUR)
    assert later.priced_at_ns == 7 * HOUR
    for before, after in zip(now.instance_types, later.instance_types, strict=True):
        assert before.name == after.name
        places = [(o.zone, o.capacity_type, o.available) for o in before.offerings]
        assert places == [(o.zone, o.capacity_type, o.available) for o in after.offerings]
    assert now.instance_types != later.instance_types
    assert later.at(0).instance_types == now.instance_types


def test_a_snapshot_holds_the_prices_of_the_process():
    catalog = ec2("us-west-1", seed=5, at_ns=3 * HOUR)
    spot = catalog.spot_prices
    for offering in catalog.by_name["m5.large"].offerings:
        if offering.capacity_type == "spot":
            assert offering.price_nano == spot.price("m5.large", offering.zone, 3 * HOUR)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"period_ns": 0}, "period_ns must be >= 1, found 0"),
        ({"half_life": 0}, "half_life must be >= 1, found 0"),
        ({"deviation": 2}, "deviation must be from 0 to 1, found 2"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        process(**options)
