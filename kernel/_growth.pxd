"""Growable C arrays: the few lines that every table of the constraint kernel shares."""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport realloc
from libc.string cimport memset

cdef struct ints_t:
    int32_t* at
    int64_t n
    int64_t capacity


cdef inline int enlarge(void** block, size_t size) except -1 nogil:
    """Make a block ``size`` bytes long; what is new is not set."""
    cdef void* moved = realloc(block[0], size if size else 1)
    if moved == NULL:
        with gil:
            raise MemoryError(f"no memory for {size} bytes")
    block[0] = moved
    return 0


cdef inline int reserve(void** block, int64_t* capacity, int64_t need, size_t item) except -1 nogil:
    """Make room for ``need`` items; items that are new are zero bytes."""
    cdef int64_t wanted
    if need <= capacity[0]:
        return 0
    wanted = capacity[0] * 2
    if wanted < need:
        wanted = need
    if wanted < 8:
        wanted = 8
    enlarge(block, <size_t>wanted * item)
    memset(
        <char*>block[0] + <size_t>capacity[0] * item, 0, <size_t>(wanted - capacity[0]) * item)
    capacity[0] = wanted
    return 0


cdef inline int push(ints_t* ints, int32_t value) except -1 nogil:
    """Append one value."""
    reserve(<void**>&ints.at, &ints.capacity, ints.n + 1, sizeof(int32_t))
    ints.at[ints.n] = value
    ints.n += 1
    return 0
