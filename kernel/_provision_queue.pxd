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


cdef class PodQueues:
    cdef int32_t n_lists, n_pods
    cdef int32_t *offsets
    cdef QueueKey *keys
    cdef int32_t *order         # list by list: a heap, then what was taken from it, the last first
    cdef int32_t *left          # per list: how long the heap is, -1 before it is made
    cdef int32_t *spare
    # the lists that are merged, and a heap of those that are not used up
    cdef int32_t room, n_open
    cdef int32_t *merged
    cdef int32_t *taken
    cdef int32_t *shift         # from a pod to its place among the pods of the lists
    cdef int32_t *head
    cdef int32_t *open
    cdef int32_t place          # of the pod taken last

    cdef int make(self, int32_t n_lists, object offsets) except -1
    cdef void forget(self) noexcept
    cdef int lay_out(self, int32_t l) except -1 nogil
    cdef int begin(self, const int32_t *lists, int32_t n, int32_t last) except -1 nogil
    cdef int32_t take(self) noexcept nogil
    cdef void settle(self, int32_t i) noexcept nogil
