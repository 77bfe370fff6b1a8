"""The nodes of a run as a kernel is told of them; see ``_roster.pyx``."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._provision_batch cimport ProvisionBatch
from ._roster_rows cimport Row
from ._roster_standing cimport RosterStanding


cdef struct ShapeFacts:                 # of a kind, booting or not
    bint is_known
    int32_t set_id
    int32_t taints
    int32_t template
    int64_t *allocatable
    int64_t *capacity
    int64_t *expected                   # of all daemons that run there
    uint8_t *is_listed                  # the node lists the resource
    uint8_t *is_expected


cdef class Roster(RosterStanding):
    cdef int32_t n_resources, n_shapes
    cdef ShapeFacts *shapes

    cdef int room_for_shapes(self) except -1
    cdef int32_t shape_of(self, const Row *row) noexcept nogil
    cdef void forget_shape(self, ShapeFacts *shape) noexcept
    cdef int measure(self, Row *row) except -1
    cdef int set_block(self, Row *row) except -1
    cdef int tell_nodes(self, ProvisionBatch kernel) except -1
