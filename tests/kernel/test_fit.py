from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.fit import copies as slow_copies
from reference.fit import fits
from simd import simd_paths

import pyscale.kernel
from pyscale.kernel import _fit


@st.composite
def rooms(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A table of room that crosses blocks of 64, extreme magnitudes included, and a request."""
    dtype = draw(st.sampled_from([np.int32, np.int64]))
    limit = 2**29 if dtype is np.int32 else 2**61
    n_resources = draw(st.integers(1, 9))
    n_nodes = draw(st.sampled_from([1, 2, 63, 64, 65, 127, 128, 130, 200]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    room = rng.integers(-2, 12, (n_resources, n_nodes))
    request = rng.integers(0, 7 if n_resources < 4 else 3, n_resources)
    if draw(st.booleans()):
        room[rng.random(room.shape) < 0.2] = limit
        room[rng.random(room.shape) < 0.1] = -limit
        request[rng.random(n_resources) < 0.3] = limit
    return room.astype(dtype), request.astype(dtype)


def comparing(request: np.ndarray) -> np.ndarray:
    out = np.empty((1, len(request)), request.dtype)
    _fit.comparing(request[None, :], out)
    return out[0]


@given(rooms())
def test_the_mask_and_the_next_fit_are_those_of_the_obvious_check(
    case: tuple[np.ndarray, np.ndarray],
) -> None:
    room, request = case
    n = room.shape[1]
    expected = [fits(column, request) for column in room.T.tolist()]
    for path in simd_paths():
        mask = np.zeros((n + 63) // 64, dtype=np.uint64)
        _fit.fit_mask(room, comparing(request), mask)
        bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
        assert bits[:n].tolist() == expected, path
        assert not bits[n:].any(), path
        for start, stop in [(0, n), (n // 2, n), (min(3, n), max(3, n - 1)), (n, n)]:
            first = next((j for j in range(start, min(stop, n)) if expected[j]), -1)
            assert _fit.next_fit(room, comparing(request), start, min(stop, n)) == first, path


@given(rooms(), st.integers(0, 5))
def test_copies_are_counted_as_by_adding_one_at_a_time(
    case: tuple[np.ndarray, np.ndarray], most: int
) -> None:
    room, request = case
    out = np.empty(room.shape[1], dtype=np.int64)
    _fit.copies(room, request, most, out)
    rows = room.astype(object).T.tolist()
    assert out.tolist() == [slow_copies(row, request.tolist(), most) for row in rows]


@given(st.lists(st.lists(st.integers(0, 60), min_size=2, max_size=2), min_size=1, max_size=6))
def test_greatest_divisors_divide_every_request(rows: list[list[int]]) -> None:
    requests = np.array(rows, dtype=np.int64) * [1, 7]
    out = np.empty(2, dtype=np.int64)
    _fit.greatest_divisors(requests, out)
    assert out.tolist() == np.gcd.reduce(requests, axis=0).tolist()


def test_a_path_can_be_forced_and_is_reported() -> None:
    seen = []
    for path in simd_paths():
        seen.append(path)
        assert _fit.simd_path() == path
        assert pyscale.kernel.build_info()["simd"] == path
    assert "baseline" in seen


def test_an_unknown_path_is_refused() -> None:
    with pytest.raises(ValueError, match="path must be 'avx2' or 'baseline', found 'sse9'"):
        _fit.use_simd_path("sse9")  # type: ignore[arg-type]
