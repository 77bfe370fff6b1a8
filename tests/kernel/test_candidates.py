"""One pass over candidates finds what a sort and a chain of rules find."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel._candidates import by_rank, first_reasons

SEEDS = st.integers(0, 2**32 - 1)
RANKS = np.array([0, 2, 1, 2], np.uint8)


@given(SEEDS, st.integers(0, 40))
def test_candidates_are_sorted_by_rank_and_keep_their_order(seed, n):
    draw = np.random.default_rng(seed)
    handles = draw.permutation(n + 5)[:n].astype(np.int32)
    group = draw.integers(-1, 3, n + 5).astype(np.int32)
    is_open = draw.integers(0, 2, 3).astype(np.uint8)
    kinds = draw.integers(0, 4, n + 5).astype(np.uint8)
    goes_first = draw.integers(0, 2, n + 5).astype(np.uint8)
    positions = draw.permutation(n)[: n - n // 4].astype(np.int64)

    def is_candidate(position):
        own = group[handles[position]]
        return own >= 0 and is_open[own]

    def rank(position):
        return RANKS[kinds[handles[position]]], not goes_first[handles[position]]

    expected = sorted(filter(is_candidate, positions.tolist()), key=rank)
    found = by_rank(positions, handles, group, is_open, kinds, RANKS, goes_first)
    assert found.tolist() == expected


@given(SEEDS, st.integers(0, 40))
def test_the_first_reason_that_holds_is_given(seed, n):
    draw = np.random.default_rng(seed)
    handles = draw.permutation(n + 5)[:n].astype(np.int32)
    masks = [(draw.integers(0, 5, n + 5) == 0).astype(np.uint8) for _ in range(3)]
    shares = draw.choice([0.1, 0.5, 0.9, np.nan], n)
    thresholds = draw.choice([0.0, 0.5], n)
    room = draw.integers(0, 3, (n + 5, 2))

    def reason(place):
        handle = handles[place]
        for code, mask in enumerate(masks, start=1):
            if mask[handle]:
                return code
        if np.isnan(shares[place]):
            return 4 if 0 in room[handle] else 0
        return 5 if shares[place] > thresholds[place] else 0

    reasons = tuple(zip(masks, (1, 2, 3), strict=True))
    found = first_reasons(handles, reasons, shares, thresholds, room, (4, 5))
    assert found.tolist() == [reason(place) for place in range(n)]
