"""Which pods are on which node of a snapshot, in order of arrival."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._bind cimport ClusterState
from pyscale.kernel._growth cimport ints_t

cdef enum:  # what a class's pods are
    DAEMON = 1
    MIRROR = 2
    TERMINATING = 4

cdef enum:  # what the pods of a node come to
    HAS_MOVED = 1        # a pod that would have to move, or forbids the removal
    HAS_WAITING = 2      # a pod that is to complete first
    HAS_TERMINATING = 4  # a pod whose outcome depends on the time

cdef struct facts_t:
    int32_t class_id     # of the state, -1 unknown
    int32_t priority
    int32_t controller   # -1 none
    int32_t alike        # pods of one controller that are alike share it; -1 none
    uint8_t is_a
    uint8_t bits         # what one pod makes of a node
    int64_t cpu
    int64_t memory

cdef struct pod_t:
    int64_t pod
    int64_t key
    int32_t index        # of its class

cdef struct pods_t:
    pod_t* at
    int64_t n
    int64_t capacity


@cython.final
cdef class Residents:
    cdef readonly ClusterState state
    cdef facts_t* facts
    cdef int64_t facts_capacity
    cdef readonly int32_t n_classes
    cdef pods_t* lists
    cdef int64_t n_lists
    cdef ints_t arrivals
    cdef ints_t marks

    cdef int check_pods(
        self, const int64_t[::1] pods, const int64_t[::1] keys, const int32_t[::1] classes
    ) except -1
    cdef int reach(self, int32_t node) except -1
    cdef int make_room(self, int32_t node, int64_t need) except -1
    cdef int append(self, int32_t node, int64_t pod, int64_t key, int32_t index) except -1
    cdef int exchange(
        self, int32_t node, int64_t first, int64_t last, const int64_t[::1] pods,
        const int64_t[::1] keys, const int32_t[::1] classes,
    ) except -1
    cdef int arrive(self, int32_t node, int64_t pod, int64_t key, int32_t index) except -1
