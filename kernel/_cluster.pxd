"""The state of a cluster in integers: nodes, pod classes, who is where; fork and revert."""

from libc.stdint cimport int32_t, int64_t, uint64_t

# The structs are also for those who cimport this module alone.
from pyscale.kernel._node_list cimport (
    DIRTY,
    INFEASIBLE,
    MAX_NOMINATED,
    MAX_PORTS,
    class_t,
    domain_t,
    node_t,
    nomination_t,
    spread_t,
)
from pyscale.kernel._nodes cimport NodeTable


cdef class ClusterTable(NodeTable):
    cdef readonly int32_t n_nominations

    cdef int place(self, int32_t class_id, int32_t node, int32_t sign, bint trial) except -1 nogil
    cdef uint64_t port_bits(self, class_t* pods, int32_t node) noexcept nogil
    cdef int set_port_bits(self, class_t* pods, int32_t node, uint64_t bits) except -1 nogil
    cdef int nominate_to(
        self, int32_t node, int32_t class_id, int64_t priority, int64_t pod
    ) except -1 nogil
    cdef int withdraw(self, int32_t node, int64_t pod) except -1 nogil
    cdef int put(self, int32_t class_id, int32_t node) except -1 nogil
    cdef int put_many(self, int32_t class_id, int32_t node, int64_t count) except -1 nogil
    cdef int take(self, int32_t class_id, int32_t node) except -1 nogil
    cdef int take_from_removed(self, int32_t class_id, int32_t node) except -1 nogil
    cdef int shift(self, class_t* pods, int64_t place) noexcept nogil
    cdef int sync(self, class_t* pods) except -1 nogil
