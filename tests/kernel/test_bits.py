from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyscale.kernel import _bits

N_IDS = 150
sets = st.sets(st.integers(0, N_IDS - 1))


def rows_of(members: list[set[int]]) -> np.ndarray:
    rows = np.full((len(members), (N_IDS + 63) // 64), 7, dtype=np.uint64)
    ids = [i for m in members for i in sorted(m, reverse=True)]
    starts = np.cumsum([0, *map(len, members)], dtype=np.int64)
    _bits.fill_rows(starts, np.array(ids, dtype=np.int32), rows)
    return rows


def listed(row: np.ndarray) -> list[int]:
    out = np.empty(N_IDS, dtype=np.int32)
    return out[: _bits.members(row, out)].tolist()


@given(st.lists(sets, min_size=1, max_size=5))
def test_a_set_survives_the_way_through_its_row(members: list[set[int]]) -> None:
    rows = rows_of(members)
    counts = np.empty(len(members), dtype=np.int64)
    _bits.count_rows(rows, counts)
    assert [listed(row) for row in rows] == [sorted(m) for m in members]
    assert counts.tolist() == [len(m) for m in members]


@given(st.lists(sets, min_size=1, max_size=5), sets)
def test_tables_are_compared_as_python_sets_are(members: list[set[int]], other: set[int]) -> None:
    rows, (row,) = rows_of(members), rows_of([other])
    out = np.empty(len(members), dtype=np.uint8)
    _bits.rows_intersecting(rows, row, out)
    assert out.tolist() == [bool(m & other) for m in members]
    _bits.rows_within(rows, row, out)
    assert out.tolist() == [m <= other for m in members]
    common = np.empty(N_IDS, dtype=np.int32)
    n = _bits.common_members(rows[0], row, common)
    assert common[:n].tolist() == sorted(members[0] & other)
