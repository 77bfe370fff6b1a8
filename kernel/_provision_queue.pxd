"""The order in which the pods of a round are tried."""

from libc.stdint cimport int32_t

from ._provision_blocks cimport PodBlock, QueueKey


cdef inline bint goes_first(const QueueKey *a, const QueueKey *b) noexcept nogil:
    """Whether a pod is tried before another one: the larger, the older, the one of the lower id."""
    if a.size != b.size:
        return a.size < b.size
    if a.created != b.created:
        return a.created < b.created
    return a.id < b.id


cdef class PodQueues:
    cdef int32_t n_lists, list_room
    cdef PodBlock **lists
    cdef int32_t *spare
    cdef int32_t spare_room
    # the lists that are merged, and a heap of those that are not used up
    cdef int32_t room, n_open
    cdef PodBlock **merged
    cdef int32_t *taken
    cdef int32_t *shift         # from a pod of the list to its place among the pods of all
    cdef int32_t *head
    cdef int32_t *open
    # of the pod taken last
    cdef PodBlock *block
    cdef int32_t place

    cdef int make(self, int32_t n_lists) except -1
    cdef void put(self, int32_t l, PodBlock *block) noexcept
    cdef int lay_out(self, PodBlock *block) except -1 nogil
    cdef int begin(self, const int32_t *lists, int32_t n, int32_t last) except -1 nogil
    cdef int32_t take(self) noexcept nogil
    cdef void settle(self, int32_t i) noexcept nogil
    cdef const QueueKey *next_of(self, int32_t i) noexcept nogil
