"""A node drawn at random from those that take a pod."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from pyscale.kernel._bind cimport ClusterState


@cython.final
cdef class Draw:
    cdef uint64_t seed
    cdef int32_t* places
    cdef int64_t room

    cdef uint64_t next(self) noexcept nogil
    cdef int64_t below(self, int64_t n) noexcept nogil
    cdef int32_t place(
        self, ClusterState state, int32_t class_id, const uint8_t* accepted
    ) except -2
