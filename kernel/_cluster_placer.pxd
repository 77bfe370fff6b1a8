"""kube-scheduler's compiled cluster as the event loop's placer."""

from libc.stdint cimport int32_t

from ._bind cimport ClusterState
from ._placer cimport Placer
from ._preemption cimport Preemption
from ._typedefs cimport index_t


cdef class ClusterPlacer(Placer):
    cdef readonly ClusterState state
    cdef object cluster
    cdef const index_t[::1] class_ids     # pod class -> class of the state
    cdef const int32_t[::1] priority      # per pod class
    cdef readonly Preemption preemption
    cdef index_t* node_of_slot
    cdef index_t* slot_of_node
    cdef index_t room

    cdef int grow(self, index_t need) except -1
