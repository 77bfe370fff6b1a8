"""The market picks what a plain search picks, and bills what an hour-by-hour sum gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale import catalog as catalogs
from pyscale.model.catalog import SPOT
from pyscale.simulation.clock import HOUR, MINUTE
from pyscale.simulation.prices import Market, dollars

KWOK = catalogs.kwok()
EC2 = catalogs.ec2("us-east-1")
TYPES = [kind.name for kind in KWOK.instance_types][:12]
ZONES = list(KWOK.zones)
WORDS = ["spot", "on-demand"]


def offers_of(market):
    return [market.offer(index) for index in range(len(market))]


def cheapest(catalog, types, zones, words, full):
    best = None
    for t, name in enumerate(types):
        for offering in catalog.by_name[name].offerings:
            offer = (name, offering.zone, offering.capacity_type)
            if not offering.available or offer in full:
                continue
            if (zones and offering.zone not in zones) or (
                words and offering.capacity_type not in words
            ):
                continue
            all_zones = zones or list(catalog.zones)
            all_words = words or sorted(WORDS)
            key = (offering.price_nano, t, all_words.index(offer[2]), all_zones.index(offer[1]))
            if best is None or key < best[0]:
                best = key, offer
    return None if best is None else best[1]


@given(
    st.permutations(TYPES).map(lambda types: types[:3]),
    st.lists(st.sampled_from(ZONES), unique=True, max_size=3),
    st.lists(st.sampled_from(WORDS), unique=True, max_size=2),
    st.sets(st.tuples(st.sampled_from(TYPES), st.sampled_from(ZONES), st.sampled_from(WORDS))),
)
def test_the_cheapest_offer_is_chosen_with_ties_in_the_order_asked(types, zones, words, full):
    market = Market(KWOK, 0)
    is_full = np.array([offer in full for offer in offers_of(market)])
    found = market.choose(tuple(types), tuple(zones), tuple(words), is_full, 0)
    expected = cheapest(KWOK, types, zones, words, full)
    if found is None or expected is None:
        assert found == expected
        return
    # With no order asked for, the catalogue's decides; the price is the same in any case.
    assert market.price(*found, 0) == market.price(*expected, 0)
    assert found[0] == expected[0]
    if zones and words:
        assert found == expected


@pytest.mark.parametrize("begin", [0, 17 * MINUTE, 5 * HOUR + 1])
@pytest.mark.parametrize("length", [1, 59 * MINUTE, 7 * HOUR + 3])
def test_a_spot_bill_follows_the_price(begin, length):
    epoch = 1_700_000_000 * 10**9
    market = Market(EC2, epoch)
    offer = next(offer for offer in offers_of(market) if offer[2] == SPOT)
    source = EC2.spot_prices
    total = 0
    at = begin
    while at < begin + length:
        until = min(begin + length, source.next_change_ns(epoch + at) - epoch)
        total += source.price(offer[0], offer[1], epoch + at) * (until - at)
        at = until
    assert market.cost(offer, begin, begin + length) == total
    middle = begin + length // 2
    halves = market.cost(offer, begin, middle) + market.cost(offer, middle, begin + length)
    assert halves == total


def test_prices_of_a_moment_are_those_of_the_catalogue_then():
    epoch = 1_700_000_000 * 10**9
    market = Market(EC2, epoch)
    spot = next(offer for offer in offers_of(market) if offer[2] == SPOT)
    for now in (0, HOUR, 30 * HOUR):
        expected = EC2.at(epoch + now).offering(*spot).price_nano
        assert market.price(*spot, now) == expected
        assert market.catalog(now).offering(*spot).price_nano == expected
    assert market.price("x", "y", "z", 0) == 0


def test_a_bill_is_rounded_to_nearest_once():
    assert dollars(HOUR // 2 - 1) == 0
    assert dollars(HOUR // 2) == 1
    assert dollars(10 * HOUR) == 10


def test_an_offer_is_found_by_what_it_says():
    market = Market(EC2, 0)
    offers = offers_of(market)
    assert [market.index_of(offer) for offer in offers[::97]] == [*range(0, len(market), 97)]
    assert market.index_of((*offers[0][:2], "lent")) == -1
    assert market.index_of(("nothing", *offers[0][1:])) == -1
