"""What the event loop asks of a scheduler; one object holds the nodes of one run."""

from ._growth cimport ints_t
from ._population cimport Population
from ._typedefs cimport index_t, time_ns_t


cdef class Placer:
    cdef public object backoff_ns      # by the number of failures, the last for all beyond
    cdef public time_ns_t flush_ns     # how often pods are looked for that wait too long
    cdef public time_ns_t patience_ns  # how long that is; -1 for ever
    cdef public bint preempts
    cdef ints_t victims                # pods, of the last preempt

    cdef index_t bind(self, index_t pod_class) except -2 nogil
    cdef index_t bind_run(self, index_t pod_class, index_t count, index_t* nodes) except -1 nogil
    cdef int bind_to(self, index_t pod_class, index_t node) except -1 nogil
    cdef int release(self, index_t pod_class, index_t node) except -1 nogil
    cdef int may_help(self, index_t pod_class, index_t node) except -1 nogil
    cdef int awaits_room(self, index_t pod_class) except -1 nogil
    cdef int watches(self, index_t pod_class) except -1 nogil
    cdef int lets_in(self, index_t pod_class, index_t bound_class) except -1 nogil
    cdef int may_preempt(self, Population who, index_t pod_class, index_t host) except -1 nogil
    cdef index_t preempt(self, Population who, const index_t* hosts, index_t pod) except -2 nogil
    cdef int nominate(self, index_t pod_class, index_t pod, index_t node) except -1 nogil
    cdef int withdraw(self, index_t pod, index_t node) except -1 nogil
    cdef index_t retry(self, index_t pod_class, index_t pod, index_t node) except -2 nogil
    cdef int add_node(self, index_t node, index_t kind) except -1 nogil
    cdef int remove_node(self, index_t node) except -1 nogil
    cdef int cordon(self, index_t node, bint closed) except -1 nogil


cdef class ObjectPlacer(Placer):
    cdef object scheduler
