"""What claims cost at least, as a run of what-ifs asks for it again and again."""

from libc.stdint cimport int32_t, uint64_t


cdef struct ColumnBounds:
    int32_t n
    int32_t *columns            # by the bound, ascending
    double *bounds              # what each of them costs at least, in that order
    uint64_t *first             # rows of words: the first 0, 64, 128 ... of these columns as bits


cdef class ClaimPrices:
    cdef object source
    cdef int32_t n_words
    cdef size_t size, used
    cdef uint64_t *keys         # template and set, then the columns
    cdef double *prices         # triples
    cdef ColumnBounds **bounds  # per set, NULL where nobody has asked
    cdef int32_t n_bounds, n_asked
    cdef uint64_t *cheap

    cdef size_t slot(self, uint64_t head, const uint64_t *types) noexcept nogil
    cdef double *least(self, int32_t template, int32_t s, const uint64_t *types) except NULL nogil
    cdef double *ask(
        self, int32_t template, int32_t s, const uint64_t *types) except NULL with gil
    cdef int make_room(self) except -1
    cdef ColumnBounds *bounds_of(self, int32_t template, int32_t s) except? NULL nogil
    cdef bint keep_cheaper(
        self, const ColumnBounds *bounds, double price, uint64_t *columns) noexcept nogil
    cdef ColumnBounds *ask_bounds(self, int32_t template, int32_t s) except NULL with gil
