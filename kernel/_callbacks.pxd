"""The C callback by which a user's rule looks at a batch of nodes."""

from libc.stdint cimport int32_t, int64_t

# table: rows of `stride` int64; row r < n_resources is what each node offers of resource r, row
# n_resources + r what its pods have asked for.  request: n_resources int64.  out: n doubles, NaN.
ctypedef void (*rule_t)(
    const int64_t* table, const int64_t* request, int64_t n, int64_t stride,
    int32_t n_resources, double* out, void* user,
) noexcept nogil


cdef class Rule:
    cdef readonly str name
    cdef readonly bint is_filter
    cdef readonly int weight
    cdef readonly str kind
    cdef rule_t function
    cdef void* user
    cdef readonly object kept       # what the pointer needs to stay alive
    cdef object error               # what a Python function raised
    cdef int fail(self, double value) except -1
