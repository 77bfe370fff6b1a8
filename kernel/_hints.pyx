"""Where pods were placed, by their keys."""

cimport cython
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free
from libc.string cimport memset

from pyscale.kernel._growth cimport enlarge


@cython.final
cdef class Hints:
    """Where pods were placed, by their keys: in this call and the one before."""

    def __cinit__(self):
        self.now = 1

    def __dealloc__(self):
        free(self.name)
        free(self.call)

    def drop_old(self):
        """Age all hints by one call."""
        self.now += 1

    cdef int set(self, int64_t key, int32_t name) except -1:
        cdef int64_t before = self.capacity, capacity = self.capacity
        if key >= capacity:
            capacity = max(key + 1, 2 * capacity)
            enlarge(<void**>&self.name, <size_t>capacity * sizeof(int32_t))
            enlarge(<void**>&self.call, <size_t>capacity * sizeof(int32_t))
            memset(self.call + before, 0, <size_t>(capacity - before) * sizeof(int32_t))
            self.capacity = capacity
        self.name[key] = name
        self.call[key] = self.now
        return 0
