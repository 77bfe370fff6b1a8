"""Go's unstable sort against its plain twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.go_sort import sort_slice

from pyscale.kernel._gosort import go_resort


def twin(keys):
    items = list(range(len(keys)))
    sort_slice(items, lambda left, right: keys[left] < keys[right])
    return items


def go_order(keys):
    items = np.arange(len(keys), dtype=np.int32)
    go_resort(items, np.array(keys, dtype=np.float64))
    return items.tolist()


@given(st.lists(st.integers(0, 6).map(float), max_size=200))
def test_few_distinct_keys_end_where_go_leaves_them(keys):
    assert go_order(keys) == twin(keys)


@given(st.integers(0, 400), st.integers(1, 400), st.randoms(use_true_random=False))
def test_any_length_and_spread_of_keys(n, distinct, random):
    keys = [float(random.randrange(distinct)) for _ in range(n)]
    assert go_order(keys) == twin(keys)


@pytest.mark.parametrize("n", [0, 1, 12, 13, 49, 50, 51, 300, 1000])
def test_ascending_descending_and_organ_pipe_inputs(n):
    ascending = [float(i // 3) for i in range(n)]
    pipe = [float(min(i, n - i)) for i in range(n)]
    saw = [float(i % 7) for i in range(n)]
    for keys in (ascending, ascending[::-1], pipe, saw, [1.0] * n):
        assert go_order(keys) == twin(keys)


def killer(n):
    """A McIlroy adversary: keys that make the sort unbalanced, down to its heapsort."""
    gas = float(2 * n)
    value = [gas] * n
    solid = 0
    candidate = 0

    def less(left, right):
        nonlocal solid, candidate
        if value[left] == gas and value[right] == gas:
            chosen = left if left == candidate else right
            value[chosen] = float(solid)
            solid += 1
        if value[left] == gas:
            candidate = left
        elif value[right] == gas:
            candidate = right
        return value[left] < value[right]

    sort_slice(list(range(n)), less)
    return value


@pytest.mark.parametrize("n", [60, 200, 1000, 3000])
def test_adversarial_keys_reach_scatter_and_heapsort(n):
    keys = killer(n)
    assert go_order(keys) == twin(keys)


@given(st.integers(1, 120), st.lists(st.integers(0, 119), min_size=1, max_size=60))
def test_resorting_after_one_item_grew(n, grown):
    keys = np.zeros(n)
    items = list(range(n))
    ours = np.arange(n, dtype=np.int32)
    for item in grown:
        keys[item % n] += 1
        sort_slice(items, lambda left, right: keys[left] < keys[right])
        go_resort(ours, keys)
        assert ours.tolist() == items


def test_an_item_without_a_key_is_refused():
    with pytest.raises(IndexError, match="items: expected 0 to 1, found 2"):
        go_resort(np.array([2], dtype=np.int32), np.zeros(2))
