"""Which nodes may go, and which are looked at first: one pass instead of one per rule."""

from libc.math cimport isnan
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t

import numpy as np


def by_rank(
    const int64_t[::1] positions not None, const int32_t[::1] handles not None,
    const int32_t[::1] group not None, const uint8_t[::1] is_open not None,
    const uint8_t[::1] kinds not None, const uint8_t[::1] rank_of_kind not None,
    const uint8_t[::1] goes_first not None,
):
    """Return the nodes of open groups by rank; equal ones keep their order.  O(n).

    Parameters
    ----------
    positions : array of int64
        Nodes, by their place in the listing.
    handles : array of int32
        Of the listed nodes.
    group : array of int32
        By handle; -1 for none.
    is_open : array of uint8
        By group.
    kinds : array of uint8
        By handle.
    rank_of_kind : array of uint8
        By kind; below 127.
    goes_first : array of uint8
        By handle: whether it comes before others of its rank.

    Returns
    -------
    ndarray of int64
    """
    cdef int64_t i, place, n = 0
    cdef int32_t handle
    cdef int64_t[256] start
    for i in range(256):
        start[i] = 0
    chosen_array = np.empty(positions.shape[0], np.int64)
    rank_array = np.empty(positions.shape[0], np.uint8)
    cdef int64_t[::1] chosen = chosen_array
    cdef uint8_t[::1] rank = rank_array
    for i in range(positions.shape[0]):
        handle = handles[positions[i]]
        if group[handle] < 0 or not is_open[group[handle]]:
            continue
        chosen[n] = positions[i]
        rank[n] = 2 * rank_of_kind[kinds[handle]] + (not goes_first[handle])
        start[rank[n] + 1] += 1
        n += 1
    for i in range(255):
        start[i + 1] += start[i]
    found_array = np.empty(n, np.int64)
    cdef int64_t[::1] found = found_array
    for i in range(n):
        place = start[rank[i]]
        start[rank[i]] += 1
        found[place] = chosen[i]
    return found_array


def first_reasons(
    const int32_t[::1] handles not None, tuple reasons not None,
    const double[::1] shares not None, const double[::1] thresholds not None,
    const int64_t[:, ::1] room not None, codes not None,
):
    """Return why nodes may not go: the code of the first reason that holds, 0 for none.

    Parameters
    ----------
    handles : array of int32, shape (n,)
    reasons : tuple of (array of uint8, int)
        Masks by handle with their codes, the strongest first.
    shares : array of float64, shape (n,)
        How much of each node is used; NaN if that is unknown.
    thresholds : array of float64, shape (n,)
        Up to which share a node may go.
    room : array of int64, shape (n_handles, 2)
        By handle; a node without either has no share, and that is a reason.
    codes : tuple of int
        Of a node that has no share, and of one above its threshold.

    Returns
    -------
    ndarray of int8, shape (n,)
    """
    cdef int64_t i, n = handles.shape[0]
    cdef int8_t without_share = codes[0], above = codes[1], code
    cdef const uint8_t[::1] mask
    found_array = np.zeros(n, np.int8)
    cdef int8_t[::1] found = found_array
    for i in range(n):
        if shares[i] > thresholds[i]:
            found[i] = above
        elif isnan(shares[i]) and (room[handles[i], 0] == 0 or room[handles[i], 1] == 0):
            found[i] = without_share
    for mask, code in reversed(reasons):
        for i in range(n):
            if mask[handles[i]]:
                found[i] = code
    return found_array
