"""One round of Solve."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._provision_bounds cimport ProvisionBounds

cdef enum:
    REFUSED = 0
    DELETION = 1
    OPEN = 2


cdef class ProvisionRound(ProvisionBounds):
    cdef uint8_t *bound_moved
    cdef int64_t version                # one per placement
    cdef bint limits_volumes
    # A round ends early at the first leaving pod on a node that may never work, and, if it `exits`,
    # where the group's price decides.
    cdef bint stops, stopped, exits

    cdef int prepare(self) except -1 nogil
    cdef int begin(self, const int64_t *node_limits) except -1 nogil
    cdef int run(self, const int64_t *node_limits) except -1 nogil
    cdef bint is_unsure(self, int32_t pod) noexcept nogil
    cdef bint is_lost(self, int32_t where) except -1 nogil
    cdef bint is_unplaced(self) noexcept nogil
    cdef bint may_be_cut(self) except -1 nogil
    cdef int verdict(self, bint is_spot, bint spot_to_spot) except -1 nogil
    cdef void finish(self) noexcept nogil
