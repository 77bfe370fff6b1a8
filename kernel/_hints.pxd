"""Where pods were placed, by their keys."""

cimport cython
from libc.stdint cimport int32_t, int64_t


@cython.final
cdef class Hints:
    cdef int32_t* name    # value of the name column
    cdef int32_t* call    # in which call, 0 never
    cdef int64_t capacity
    cdef int32_t now

    cdef inline int32_t get(self, int64_t key) noexcept nogil:
        if key >= self.capacity or self.call[key] == 0 or self.call[key] < self.now - 1:
            return -1
        return self.name[key]

    cdef int set(self, int64_t key, int32_t name) except -1
