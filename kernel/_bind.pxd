"""Decisions of the scheduler on a cluster in integers: check, score, choose, bind, preempt."""

from libc.stdint cimport int32_t, int64_t, uint8_t

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
from pyscale.kernel._scan cimport (
    BOUND,
    NOTHING_FITS,
    NO_NODES,
    REFUSED,
    SCORE_ERROR,
    ScanTable,
    cycle_t,
)


cdef class ClusterState(ScanTable):
    # What an event loop calls without the GIL, beside check of FilterTable.
    cdef int32_t bind(self, int32_t class_id) except -2 nogil
    cdef int release(self, int32_t class_id, int32_t node) except -1 nogil
    cdef int32_t first_fit(
        self, int32_t class_id, int32_t start, const uint8_t* accepted
    ) except -2 nogil
    cdef int cycle(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t nominated, cycle_t* result
    ) except -1 nogil
