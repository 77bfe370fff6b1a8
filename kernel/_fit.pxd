"""Which nodes have room for a request: the loops every packing rule is built on.

Room is resource-major, ``room[resource * stride + node]``.  Requests are in *comparing* form: a
zero is replaced by the sentinel ``LOWEST_64`` (``LOWEST_32``), so that it ignores its resource. All
magnitudes are at most ``LIMIT_64`` (``LIMIT_32``).
"""

from libc.stdint cimport int32_t, int64_t, uint64_t

cdef extern from *:
    """
    #ifndef PYSCALE_LIMIT_64
      #define PYSCALE_LIMIT_64 (INT64_C(1) << 61)
      #define PYSCALE_LOWEST_64 (-(INT64_C(1) << 62))
      #define PYSCALE_LIMIT_32 (INT32_C(1) << 29)
      #define PYSCALE_LOWEST_32 (-(INT32_C(1) << 30))
    #endif
    """
    const int64_t LIMIT_64 "PYSCALE_LIMIT_64"
    const int64_t LOWEST_64 "PYSCALE_LOWEST_64"
    const int32_t LIMIT_32 "PYSCALE_LIMIT_32"
    const int32_t LOWEST_32 "PYSCALE_LOWEST_32"

ctypedef fused width_t:
    int32_t
    int64_t


cdef uint64_t fit_word_32(
    const int32_t* room, Py_ssize_t stride, int n, int n_resources, const int32_t* request
) noexcept nogil
cdef uint64_t fit_word_64(
    const int64_t* room, Py_ssize_t stride, int n, int n_resources, const int64_t* request
) noexcept nogil
cdef Py_ssize_t next_fit_32(
    const int32_t* room, Py_ssize_t stride, Py_ssize_t start, Py_ssize_t stop, int n_resources,
    const int32_t* request,
) noexcept nogil
cdef Py_ssize_t next_fit_64(
    const int64_t* room, Py_ssize_t stride, Py_ssize_t start, Py_ssize_t stop, int n_resources,
    const int64_t* request,
) noexcept nogil
cdef void peak_32(
    const int32_t* room, Py_ssize_t stride, int n_resources, int32_t* peak, Py_ssize_t peak_stride
) noexcept nogil
cdef void peak_64(
    const int64_t* room, Py_ssize_t stride, int n_resources, int64_t* peak, Py_ssize_t peak_stride
) noexcept nogil


cdef inline int64_t copies_of(
    const width_t* room, Py_ssize_t stride, int n_resources, const width_t* request, int64_t most
) noexcept nogil:
    """How many copies of a request (subtracting form) one node takes, ``most`` at the utmost.

    The node must have room for one.
    """
    cdef int64_t n = most
    cdef int64_t here
    cdef int r
    for r in range(n_resources):
        if request[r] > 0:
            here = room[r * stride] // request[r]
            if here < n:
                n = here
    return n
