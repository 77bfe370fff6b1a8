"""Packing problems for Hypothesis: few resources, small numbers, all the awkward values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray


@dataclass(frozen=True)
class Problem:
    """Classes of pods, nodes that exist, and the shape of a new node."""

    requests: NDArray[np.int64]  # (n_classes, n_resources)
    counts: NDArray[np.int64]  # (n_classes,)
    capacity: NDArray[np.int64]  # (n_resources,)
    free: NDArray[np.int64]  # (n_nodes, n_resources), may be negative


@st.composite
def problems(
    draw: st.DrawFn,
    max_resources: int = 3,
    max_classes: int = 6,
    max_count: int = 9,
    max_nodes: int = 8,
    most: int = 12,
) -> Problem:
    """Draw a problem; a unit per resource makes the exact narrowing matter."""
    n_resources = draw(st.integers(1, max_resources))
    units = draw(
        st.lists(
            st.sampled_from([1, 1, 2, 3, 1000, 2**30, 2**33 + 1]),
            min_size=n_resources,
            max_size=n_resources,
        )
    )
    row = st.lists(st.integers(0, most), min_size=n_resources, max_size=n_resources)
    requests = draw(st.lists(row, min_size=1, max_size=max_classes))
    counts = draw(
        st.lists(st.integers(0, max_count), min_size=len(requests), max_size=len(requests))
    )
    capacity = draw(row)
    room = st.lists(st.integers(-3, 2 * most), min_size=n_resources, max_size=n_resources)
    free = draw(st.lists(room, max_size=max_nodes))
    unit = np.array(units, dtype=np.int64)
    slack = np.array([draw(st.integers(0, u - 1)) for u in units], dtype=np.int64)
    return Problem(
        requests=np.array(requests, dtype=np.int64) * unit,
        counts=np.array(counts, dtype=np.int64),
        capacity=np.array(capacity, dtype=np.int64) * unit + slack,
        free=np.array(free, dtype=np.int64).reshape(-1, n_resources) * unit + slack,
    )
