"""Who is a candidate of which method, and in which order, against a plain restatement."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel._candidacy import UNSEEN_NS, Candidacy
from pyscale.kernel._gosort import go_resort
from pyscale.policies.karpenter.standings import (
    BLOCKED,
    DELETING,
    HAS_CAPACITY_TYPE,
    HAS_NODE,
    HAS_PODS_TO_MOVE,
    HAS_TYPE,
    HAS_ZONE,
    INITIALIZED,
    IS_SPOT,
    KEPT,
    MANAGED,
    MARKED,
    NOMINATED,
    ONLY_EMPTY,
    PATIENT,
    READY,
    STATIC,
    TERMINATING,
)

NOW, WAIT, AGE = 1000, 300, 600
EMPTINESS, DRIFT, MULTI_NODE, SINGLE_NODE = range(4)
#: flags and consolidateAfter of the pools
POOLS = ((0, WAIT), (0, -1), (ONLY_EMPTY, 0), (STATIC, 0))
USUAL = MANAGED | HAS_NODE | INITIALIZED | READY | HAS_TYPE | HAS_CAPACITY_TYPE | HAS_ZONE
ODD = (MARKED, NOMINATED, KEPT, BLOCKED, PATIENT, TERMINATING, DELETING, IS_SPOT, HAS_PODS_TO_MOVE)


@st.composite
def nodes(draw):
    """Mostly candidates: flags, pool, price, cost, when active, when created, when it drifted."""
    odd = draw(st.lists(st.sampled_from(ODD), max_size=2))
    lacks = draw(st.sampled_from([0, 0, 0, *(1 << i for i in range(16) if USUAL >> i & 1)]))
    return (
        (USUAL & ~lacks) | sum(set(odd)),
        draw(st.sampled_from([0, 0, 0, 1, 2, 3, -1])),
        draw(st.sampled_from([0.5, 1.0, 2.0])),
        draw(st.sampled_from([1.0, 2.0, 4.0])),
        draw(st.sampled_from([NOW, NOW - WAIT + 1, NOW - WAIT])),
        draw(st.sampled_from([UNSEEN_NS, NOW - AGE, NOW - AGE - 1, NOW - 5])),
        draw(st.sampled_from([None, None, 3, 7])),
    )


def told(rows):
    candidacy = Candidacy(
        np.array([flags for flags, _ in POOLS], np.uint8),
        np.array([wait for _, wait in POOLS], np.int64),
    )
    candidacy.set(
        np.array([row[0] for row in rows], np.uint16),
        np.array([row[1] for row in rows], np.int32),
        np.array([(row[2], row[3], 9.0) for row in rows], np.float64).reshape(len(rows), 3),
        np.array([row[4:6] for row in rows], np.int64).reshape(len(rows), 2),
        NOW,
    )
    for number, row in enumerate(rows):
        if row[6] is not None:
            candidacy.set_drifted(number, row[6])
    return candidacy


def has_rested(row):
    """Whether it is Consolidatable, None where that does not apply."""
    flags, pool, *_, active, _, _ = row
    if pool < 0 or not flags & INITIALIZED or flags & DELETING or POOLS[pool][1] < 0:
        return None
    return NOW - active >= POOLS[pool][1]


def is_candidate(row, method):
    flags, pool, _, cost, _, _, drifted = row
    if not all(flags & needed for needed in (MANAGED, HAS_NODE, INITIALIZED)):
        return False
    if flags & (MARKED | NOMINATED | KEPT) or pool < 0:
        return False
    if flags & BLOCKED and not (method == DRIFT and flags & PATIENT):
        return False
    if POOLS[pool][0] & STATIC:
        return False
    if method == DRIFT:
        return drifted is not None
    if not has_rested(row):
        return False
    if method == EMPTINESS:
        return cost <= 1
    described = all(flags & needed for needed in (HAS_TYPE, HAS_CAPACITY_TYPE, HAS_ZONE))
    return cost > 1 and described and not POOLS[pool][0] & ONLY_EMPTY


@given(st.lists(nodes(), max_size=40), st.booleans(), st.randoms())
def test_candidates_are_those_of_the_restatement_in_its_order(rows, stable, random):
    candidacy = told(rows)
    ties = list(range(len(rows)))
    if stable:
        random.shuffle(ties)
        candidacy.set_ties(np.array(ties, np.int32))
    for method in range(4):
        found = [i for i in ties if is_candidate(rows[i], method)]
        refused = [candidacy.refusal(i, method) != 0 for i in range(len(rows))]
        assert refused == [i not in found for i in range(len(rows))]
        keys = [-rows[i][2] / rows[i][3] if method != DRIFT else rows[i][6] for i in found]
        keys = np.array(keys, np.float64)
        if stable:
            order = np.argsort(keys, kind="stable")
        else:
            go_resort(order := np.arange(keys.size, dtype=np.int32), keys)
        expected = [found[i] for i in order]
        if method == DRIFT:
            expected.sort(key=lambda i: rows[i][0] & HAS_PODS_TO_MOVE != 0)
        assert candidacy.in_order(method, stable).tolist() == expected


@given(st.lists(nodes(), max_size=20))
def test_conditions_counts_and_what_is_next_are_those_of_the_restatement(rows):
    candidacy = told(rows)
    rested = list(map(has_rested, rows))
    assert candidacy.rested() == [i for i, each in enumerate(rested) if each]
    assert candidacy.under().tolist() == [each is False for each in rested]
    counts = [[0, 0] for _ in POOLS]
    for flags, pool, *_ in rows:
        if pool >= 0 and flags & INITIALIZED and not flags & TERMINATING:
            counts[pool][0] += 1
            counts[pool][1] += not flags & READY or flags & MARKED != 0
    assert candidacy.counts() == [tuple(each) for each in counts]
    changes = [2**62]
    for row, each in zip(rows, rested, strict=True):
        if row[0] & NOMINATED:
            changes.append(NOW)
        if each is False:
            changes.append(row[4] + POOLS[row[1]][1])
        if row[5] >= NOW - AGE:
            changes.append(row[5] + AGE + 1)
    assert candidacy.next_change(AGE) == min(changes)


@pytest.mark.parametrize(("flags", "is_spot"), [(USUAL, False), (USUAL | IS_SPOT, True)])
def test_a_node_tells_what_it_is_worth(flags, is_spot):
    candidacy = told([(flags, 2, 0.5, 3.0, NOW, NOW, None)])
    assert candidacy.worth(0) == (0.5, 3.0, 9.0, False, is_spot)
    assert candidacy.pool_of(0) == 2
    prices, spots = candidacy.columns(np.zeros(2, np.int32))
    assert prices.tolist() == [0.5, 0.5]
    assert spots.tolist() == [is_spot] * 2
