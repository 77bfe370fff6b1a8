"""kube-scheduler's compiled cluster as the event loop's placer."""

from ._bind cimport ClusterState
from ._placer cimport Placer
from ._typedefs cimport index_t


cdef class ClusterPlacer(Placer):
    cdef readonly ClusterState state
    cdef object cluster
    cdef index_t[::1] class_ids     # pod class -> class of the state
    cdef index_t* node_of_slot
    cdef index_t* slot_of_node
    cdef index_t room

    cdef int grow(self, index_t need) except -1
