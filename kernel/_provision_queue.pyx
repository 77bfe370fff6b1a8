"""The order in which the pods of a round are tried: sorted node by node, then merged.

A node's pods keep their order from round to round, so that a round without a few nodes merges a few
sorted runs.  No two pods have one key: the order is total.
"""

from libc.stdint cimport int32_t
from libc.string cimport memcpy

cdef enum:
    SHORT = 8                   # runs that insertion sorts


cdef void merge(
    int32_t *pods, int32_t middle, int32_t n, const QueueKey *keys, int32_t *spare
) noexcept nogil:
    """Merge two sorted neighbours; ``spare`` has room for the first."""
    cdef int32_t i = 0, j = middle, k = 0
    if middle == 0 or j == n or goes_first(&keys[pods[middle - 1]], &keys[pods[middle]]):
        return
    memcpy(spare, pods, middle * sizeof(int32_t))
    while i < middle and j < n:
        if goes_first(&keys[pods[j]], &keys[spare[i]]):
            pods[k] = pods[j]
            j += 1
        else:
            pods[k] = spare[i]
            i += 1
        k += 1
    memcpy(&pods[k], &spare[i], (middle - i) * sizeof(int32_t))


cdef void sort_queue(
    int32_t *pods, int32_t n, const QueueKey *keys, int32_t *spare
) noexcept nogil:
    """Sort pods by their keys; ``spare`` has room for as many."""
    cdef int32_t start = 0, i, j, pod, width = SHORT
    while start < n:
        for i in range(start + 1, min(start + width, n)):
            pod = pods[i]
            j = i
            while j > start and goes_first(&keys[pod], &keys[pods[j - 1]]):
                pods[j] = pods[j - 1]
                j -= 1
            pods[j] = pod
        start += width
    while width < n:
        start = 0
        while start + width < n:
            merge(&pods[start], width, min(2 * width, n - start), keys, spare)
            start += 2 * width
        width *= 2


cdef void merge_runs(
    int32_t *pods, int32_t *ends, int32_t n_runs, const QueueKey *keys, int32_t *spare
) noexcept nogil:
    """Merge sorted runs that follow one another into one; ``ends``, where each ends, is used up."""
    cdef int32_t i, start, kept
    while n_runs > 1:
        start = kept = i = 0
        while i + 1 < n_runs:
            merge(&pods[start], ends[i] - start, ends[i + 1] - start, keys, spare)
            start = ends[kept] = ends[i + 1]
            kept += 1
            i += 2
        if n_runs & 1:
            ends[kept] = ends[n_runs - 1]
            kept += 1
        n_runs = kept
