"""The order of open claims."""

from libc.stdint cimport int32_t, int64_t

from ._provision_topology cimport ProvisionTopology


cdef class ProvisionOrder(ProvisionTopology):
    cdef double *claim_pods
    cdef int32_t *claim_next
    cdef int32_t *claim_before
    cdef int64_t *claim_key             # ascending in the order
    cdef int32_t first_claim
    cdef int32_t *first_of              # by number of pods, -1 none
    cdef int32_t *last_of
    cdef int32_t *n_of
    cdef int32_t level_room
    cdef int32_t most_pods
    cdef int64_t low_stamp, high_stamp
    cdef int32_t grown_claim            # moves before the next look at the order, -1 none
    cdef int32_t appended_claim         # joins the order then, -1 none
    cdef int32_t *sorting

    cdef int room_for_level(self, int32_t pods) except -1 nogil
    cdef void forget_claims(self) noexcept nogil
    cdef int sort_claims(self) except -1 nogil
    cdef bint is_sampled(self, int32_t c, int32_t pods) noexcept nogil
    cdef void link_behind(self, int32_t c, int32_t before) noexcept nogil
    cdef void append_claim(self, int32_t c) noexcept nogil
    cdef void sort_really(self) noexcept nogil
