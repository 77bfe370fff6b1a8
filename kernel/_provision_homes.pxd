"""What the nodes that leaving pods may go to have room for."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._provision_batch cimport ProvisionBatch
from ._provision_blocks cimport PodBlock


cdef class ProvisionHomes(ProvisionBatch):
    cdef uint8_t *is_home       # by node
    cdef PodBlock **homes
    cdef int32_t n_homes
    cdef PodBlock **next_homes
    cdef int32_t home_room
    cdef int64_t mark
    cdef double *rooms          # resources x homes
    cdef double *takes          # by home
    # the homes that came or went last
    cdef PodBlock **moves
    cdef int32_t *move_sign
    cdef int32_t n_moves
    cdef int64_t n_forgotten
    # by class
    cdef int32_t class_room
    cdef int64_t *places        # on the homes
    cdef int64_t *places_of     # how many moves these have followed, -1 before they are counted
    cdef double *inverse        # x resources: pods per unit, or HUGE
    cdef int32_t n_inverse

    cdef int room_for_classes(self) except -1 nogil
    cdef int begin_homes(self) except -1 nogil
    cdef void follow_homes(self, int32_t n) noexcept nogil
    cdef void move(self, PodBlock *block, int32_t sign) noexcept nogil
    cdef int64_t places_on(self, const PodBlock *block, int32_t class_id) noexcept nogil
    cdef int64_t places_for(self, int32_t class_id) noexcept nogil
    cdef double taken_by(
        self, const PodBlock *block, const double *ratio, const int32_t *asked, int32_t n_asked,
        int32_t r) noexcept nogil
    cdef int64_t taken_by_all(
        self, const double *ratio, const int32_t *asked, int32_t n_asked, int32_t r) noexcept nogil
