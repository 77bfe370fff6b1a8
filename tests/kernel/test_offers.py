"""The cheapest offer is the first in the order of price and wishes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel._offers import Offers

ROWS = st.lists(  # by type: zone, capacity type, price, whether it is sold, whether it is full
    st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 1), st.integers(1, 3), st.booleans(), st.booleans()
        ),
        max_size=4,
    ),
    max_size=4,
)


def wishes(n):
    return st.none() | st.lists(st.integers(0, n - 1), max_size=n + 1)


def table(rows):
    flat = [row for of_type in rows for row in of_type]
    columns = np.array(flat, np.int64).reshape(-1, 5).T
    first = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    zone, word = columns[0].astype(np.int32), columns[1].astype(np.int32)
    offers = Offers(first, zone, word, columns[2].copy(), columns[3].astype(bool))
    return offers, columns[4].astype(bool)


def rank(wish, index):
    if wish is None:
        return 0
    return wish.index(index) if index in wish else None


@given(ROWS, wishes(4), wishes(3), wishes(2))
def test_the_first_in_the_order_of_price_type_capacity_type_and_zone_is_found(
    rows, types, zones, words
):
    kept = None if types is None else [kind if kind < len(rows) else -1 for kind in types]
    numbered = []
    for kind, of_type in enumerate(rows):
        for zone, word, price, is_sold, is_full in of_type:
            ranks = rank(kept, kind), rank(words, word), rank(zones, zone)
            if is_sold and not is_full and None not in ranks:
                numbered.append((price, *ranks, len(numbered)))
            else:
                numbered.append(None)
    best = min((it for it in numbered if it is not None), default=None)
    offers, full = table(rows)
    assert offers.cheapest(kept, zones, words, full) == (
        -1 if best is None else numbered.index(best)
    )


def test_a_price_that_changes_counts_at_the_next_call():
    price, sold = np.array([5, 4], np.int64), np.ones(2, bool)
    zeros = np.zeros(2, np.int32)
    offers = Offers(np.array([0, 2], np.int32), zeros, zeros, price, sold)
    full = np.zeros(2, bool)
    assert offers.cheapest(None, None, None, full) == 1
    price[0] = 3
    assert offers.cheapest([0], None, None, full) == 0
    sold[0] = False
    assert offers.cheapest([0], [0], [0], full) == 1


def test_what_does_not_fit_the_table_is_refused():
    offers, full = table([[(0, 0, 1, True, False)]])
    with pytest.raises(ValueError, match=r"is_full must have shape \(1,\)"):
        offers.cheapest(None, None, None, np.zeros(2, bool))
    with pytest.raises(IndexError, match="expected a type below 1, found 1"):
        offers.cheapest([1], None, None, full)
