"""What a run shows of its pods and nodes."""

from libc.stdint cimport int64_t

from ._typedefs cimport index_t, time_ns_t
from ._waiting cimport WaitingLines


cdef struct waiting_t:
    time_ns_t since
    index_t pod
    index_t pod_class


cdef class Ledger(WaitingLines):
    cdef waiting_t* waiting       # memory of pending()
    cdef int64_t waiting_room
    cdef index_t* chosen          # memory of placements()
    cdef int64_t chosen_room

    cdef tuple listed(self, const index_t* nodes, Py_ssize_t n_nodes)
