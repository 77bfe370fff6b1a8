"""A map from integers to numbers; nothing is ever taken out."""

from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from ._provision_tables cimport grown


cdef int32_t map_get(const IdMap *m, uint64_t key) noexcept nogil:
    """Value of a key, or MISSING."""
    cdef size_t i
    if m.size == 0:
        return MISSING
    i = <size_t>((key * 0x9E3779B97F4A7C15ULL) >> 20) & (m.size - 1)
    while m.keys[i]:
        if m.keys[i] == key + 1:
            return m.values[i]
        i = (i + 1) & (m.size - 1)
    return MISSING


cdef int map_put(IdMap *m, uint64_t key, int32_t value) except -1 nogil:
    cdef IdMap bigger
    cdef size_t i, j
    if 2 * m.used >= m.size:
        bigger.size = 2 * m.size if m.size else 256
        bigger.used = m.used
        bigger.keys = <uint64_t *>grown(NULL, bigger.size * sizeof(uint64_t))
        bigger.values = <int32_t *>grown(NULL, bigger.size * sizeof(int32_t))
        memset(bigger.keys, 0, bigger.size * sizeof(uint64_t))
        for i in range(m.size):
            if m.keys[i]:
                j = <size_t>(((m.keys[i] - 1) * 0x9E3779B97F4A7C15ULL) >> 20) & (bigger.size - 1)
                while bigger.keys[j]:
                    j = (j + 1) & (bigger.size - 1)
                bigger.keys[j] = m.keys[i]
                bigger.values[j] = m.values[i]
        free(m.keys)
        free(m.values)
        m[0] = bigger
    i = <size_t>((key * 0x9E3779B97F4A7C15ULL) >> 20) & (m.size - 1)
    while m.keys[i]:
        i = (i + 1) & (m.size - 1)
    m.keys[i] = key + 1
    m.values[i] = value
    m.used += 1
    return 0
