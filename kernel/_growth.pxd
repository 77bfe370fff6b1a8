"""Growable C arrays: the few lines that every table of the constraint kernel shares."""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport realloc
from libc.string cimport memset

cdef struct ints_t:
    int32_t* at
    int64_t n
    int64_t capacity


cdef inline int reserve(void** block, int64_t* capacity, int64_t need, size_t item) except -1 nogil:
    """Make room for ``need`` items; items that are new are zero bytes."""
    cdef int64_t wanted
    cdef void* moved
    if need <= capacity[0]:
        return 0
    wanted = capacity[0] * 2
    if wanted < need:
        wanted = need
    if wanted < 8:
        wanted = 8
    moved = realloc(block[0], <size_t>wanted * item)
    if moved == NULL:
        with gil:
            raise MemoryError
    memset(<char*>moved + <size_t>capacity[0] * item, 0, <size_t>(wanted - capacity[0]) * item)
    block[0] = moved
    capacity[0] = wanted
    return 0


cdef inline int push(ints_t* ints, int32_t value) except -1 nogil:
    """Append one value."""
    reserve(<void**>&ints.at, &ints.capacity, ints.n + 1, sizeof(int32_t))
    ints.at[ints.n] = value
    ints.n += 1
    return 0
