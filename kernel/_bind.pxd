"""Decisions of the scheduler on a cluster in integers: check, score, choose, bind, preempt."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._cluster cimport class_t
# The verdicts are for those who cimport this module alone.
from pyscale.kernel._filters cimport (
    CLAIM_IN_USE,
    DISK_CONFLICT,
    ENFORCED_AFFINITY,
    EXISTING_ANTI_AFFINITY,
    FITS,
    NODE_AFFINITY,
    NODE_NAME,
    NODE_UNSCHEDULABLE,
    NO_VOLUME_AND_AFFINITY,
    NO_VOLUME_TO_BIND,
    N_VERDICTS,
    POD_AFFINITY,
    POD_ANTI_AFFINITY,
    PORTS,
    RESOURCES,
    RESOURCES_BEYOND_NODE,
    SPREAD,
    SPREAD_LABEL,
    TAINTS,
    VOLUME_AFFINITY,
    VOLUME_LIMIT,
    VOLUME_ZONE,
    gate_t,
)
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


cdef class ClusterState(ScoreTable):
    cdef bint scoring
    cdef int32_t percentage
    cdef public int32_t next_start
    cdef ints_t candidates

    # What an event loop calls without the GIL, beside check of FilterTable.
    cdef int32_t bind(self, int32_t class_id) except -2 nogil
    cdef int release(self, int32_t class_id, int32_t node) except -1 nogil
    cdef int32_t first_fit(
        self, int32_t class_id, int32_t start, const uint8_t* accepted
    ) except -2 nogil
    cdef int cycle(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t nominated, cycle_t* result
    ) except -1 nogil

    cdef int fill_block(self, class_t* pods, int64_t place, int64_t width) except -1 nogil
    cdef int64_t wanted_nodes(self, int64_t n) noexcept nogil
    cdef int scan(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t refused, cycle_t* result
    ) except -1 nogil
    cdef bint is_plain(self, class_t* pods) noexcept nogil
    cdef int scan_plain(self, int32_t class_id, cycle_t* result) except -1 nogil
    cdef int restrict(self, class_t* pods) except -1 nogil
