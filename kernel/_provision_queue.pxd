"""The order in which the pods of a round are tried."""

from libc.stdint cimport int32_t, int64_t


cdef struct QueueKey:
    int64_t created
    int64_t id
    int32_t size                # the largest pods first


cdef inline bint goes_first(const QueueKey *a, const QueueKey *b) noexcept nogil:
    """Whether a pod is tried before another one: the larger, the older, the one of the lower id."""
    if a.size != b.size:
        return a.size < b.size
    if a.created != b.created:
        return a.created < b.created
    return a.id < b.id


cdef void sort_queue(
    int32_t *pods, int32_t n, const QueueKey *keys, int32_t *spare) noexcept nogil
cdef void merge_runs(
    int32_t *pods, int32_t *ends, int32_t n_runs, const QueueKey *keys, int32_t *spare
) noexcept nogil
