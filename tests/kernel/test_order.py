from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel import _order

values = st.one_of(st.integers(0, 4), st.integers(0, 2**61))


@st.composite
def tables(draw: st.DrawFn) -> np.ndarray:
    n_columns = draw(st.integers(1, 8))
    rows = draw(
        st.lists(st.lists(values, min_size=n_columns, max_size=n_columns), min_size=1, max_size=40)
    )
    return np.array(rows, dtype=np.int64)


def sorted_rows(keys: np.ndarray, descending: list[bool]) -> list[int]:
    order = np.empty(len(keys), dtype=np.int32)
    _order.sort_rows(
        np.ascontiguousarray(keys), np.array(descending, np.uint8), order, np.empty_like(order)
    )
    return order.tolist()


@given(tables(), st.lists(st.booleans(), min_size=8, max_size=8))
def test_rows_are_sorted_as_python_sorts_them(keys: np.ndarray, descending: list[bool]) -> None:
    way = descending[: keys.shape[1]]
    signed = keys - 2  # negative keys are allowed
    expected = sorted(
        range(len(keys)),
        key=lambda i: [-int(v) if d else int(v) for v, d in zip(signed[i], way, strict=True)],
    )
    assert sorted_rows(signed, way) == expected


def test_many_equal_rows_keep_their_order() -> None:
    keys = np.repeat(np.arange(5), 40).reshape(5, 40).T.reshape(-1, 1).astype(np.int64)
    expected = sorted(range(200), key=lambda i: -keys[i, 0])
    assert sorted_rows(keys, [True]) == expected


def test_no_rows_and_no_columns_are_in_order() -> None:
    assert sorted_rows(np.empty((0, 2), np.int64), [True, False]) == []
    assert sorted_rows(np.empty((3, 0), np.int64), []) == [0, 1, 2]


@given(tables(), st.lists(st.one_of(st.integers(0, 3), st.integers(0, 2**62)), min_size=8))
def test_sizes_order_rows_as_exact_integers_do(requests: np.ndarray, weights: list[int]) -> None:
    n, n_resources = requests.shape
    weight = np.array(weights[:n_resources], dtype=np.int64)
    exact = requests.astype(object).tolist()
    terms = [
        [int(w) * int(x) for w, x in zip(weights[:n_resources], row, strict=True)] for row in exact
    ]
    two = np.empty((n, 2), dtype=np.int64)
    _order.weighted_sums(requests, weight, two)
    assert numbers(two) == [sum(row) for row in terms]
    _order.weighted_maxima(requests, weight, two)
    assert numbers(two) == [max(row) for row in terms]
    limbs = np.empty((n, n_resources), dtype=np.int64)
    _order.products(requests, limbs)
    assert numbers(limbs) == [prod(row) for row in exact]


def numbers(columns: np.ndarray) -> list[int]:
    """Undo the flipped top bit and put the words together."""
    out = []
    for row in columns.tolist():
        number = 0
        for word in row:
            number = (number << 64) + word + 2**63
        out.append(number)
    return out
