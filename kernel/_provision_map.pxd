"""A map from integers to numbers; see ``_provision_map.pyx``."""

from libc.stdint cimport int32_t, uint64_t


cdef enum:
    MISSING = -3        # no such key


cdef struct IdMap:
    uint64_t *keys
    int32_t *values
    size_t size
    size_t used


cdef int32_t map_get(const IdMap *m, uint64_t key) noexcept nogil
cdef int map_put(IdMap *m, uint64_t key, int32_t value) except -1 nogil
