"""Nodes as Karpenter's disruption reads them; see ``_candidacy.pyx``."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t


cdef enum:
    # what a node is
    MANAGED = 1
    HAS_NODE = 2
    INITIALIZED = 4
    MARKED = 8                  # for deletion
    NOMINATED = 16              # for a pending pod
    KEPT = 32                   # by an annotation of its own
    BLOCKED = 64                # a pod on it must not be disrupted,
    PATIENT = 128               # which has a limit: a termination grace period
    READY = 256
    TERMINATING = 512           # its instance is going
    DELETING = 1024             # so is the node itself
    HAS_TYPE = 2048
    HAS_CAPACITY_TYPE = 4096
    HAS_ZONE = 8192
    SPOT = 16384
    HAS_PODS_TO_MOVE = 32768


cdef enum:
    # what a pool is
    STATIC = 1
    ONLY_EMPTY = 2              # consolidation leaves the others alone


cdef struct Facts:
    uint16_t flags
    int32_t pool                # -1: not found
    bint has_drifted
    bint is_rested              # Consolidatable
    double price
    double reschedule_cost
    double eviction_cost
    double drifted_s            # since when, in whole seconds
    int64_t active_ns           # when something happened last
    int64_t created_ns          # UNSEEN where nobody knows


cdef struct PoolFacts:
    uint8_t flags
    int64_t wait_ns             # consolidateAfter, -1 for Never
    int32_t n_members           # nodes that count for budgets
    int32_t n_disrupting        # those of them that use budgets up


cdef class Candidacy:
    cdef int32_t n, room, n_pools
    cdef int64_t now_ns
    cdef Facts *facts
    cdef PoolFacts *pools
    cdef int32_t *by_tie
    cdef int32_t *found
    cdef uint8_t *under_marks           # by node: whether it is under consolidateAfter
    cdef double *keys

    cdef int make_room(self, int32_t n, int64_t now_ns) except -1
    cdef void conclude(self) noexcept
    cdef int refused(self, int32_t i, int method) noexcept nogil
    cdef int32_t find(self, int method) noexcept nogil
