"""The window of a cycle: the nodes that are looked at, and those of them that are feasible."""

from libc.stdint cimport int32_t, int64_t

from pyscale.kernel._cluster cimport class_t
from pyscale.kernel._growth cimport ints_t
from pyscale.kernel._scores cimport ScoreTable

cdef enum:  # outcomes of a cycle
    BOUND = 0
    NO_NODES = 1
    REFUSED = 2          # by PreFilter
    NOTHING_FITS = 3
    SCORE_ERROR = 4      # an invalid preferred term

cdef struct cycle_t:
    int32_t outcome
    int32_t chosen
    int64_t total        # -1 if only one node was feasible
    int32_t n_feasible
    int32_t n_evaluated
    int32_t start        # of the next scan


cdef class ScanTable(ScoreTable):
    cdef bint scoring
    cdef int32_t percentage
    cdef public int32_t next_start
    cdef ints_t candidates

    cdef int fill_block(self, class_t* pods, int64_t place, int64_t width) except -1 nogil
    cdef int64_t wanted_nodes(self, int64_t n) noexcept nogil
    cdef int scan(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t refused, cycle_t* result
    ) except -1 nogil
    cdef bint is_plain(self, class_t* pods) noexcept nogil
    cdef int scan_plain(self, int32_t class_id, cycle_t* result) except -1 nogil
    cdef int restrict(self, class_t* pods) except -1 nogil
