"""The event loop, for whoever wants to drive it without Python."""

from libc.stdint cimport int32_t, int64_t

from ._heap cimport EventHeap
from ._placer cimport Placer
from ._population cimport Population
from ._typedefs cimport index_t, time_ns_t

cdef class Engine(Population):
    cdef readonly Placer placer
    cdef EventHeap heap
    cdef readonly int64_t n_events     # arrivals, departures and evictions
    cdef int64_t changes_seen          # what the driver has seen of the changes
    cdef int woken                     # what happened since the driver was woken
    cdef const int64_t[::1] row_count
    cdef const int32_t[::1] row_node
    cdef Py_ssize_t next_row
    cdef index_t* daemons
    cdef index_t n_daemons
    cdef index_t* node_of_slot
    cdef index_t slot_room
    cdef index_t n_slots
    cdef EventHeap free_slots          # lowest first

    cdef int place(self, index_t pod, index_t node) except -1 nogil
    cdef int release(self, index_t pod) except -1 nogil
    cdef int arrive(self, Py_ssize_t row) except -1 nogil
    cdef int join(self, index_t node) except -1 nogil
    cdef int leave(self, index_t node) except -1 nogil
    cdef int sync(self, int64_t payload) except -1 nogil
    cdef int64_t changes(self) noexcept nogil
    cdef int schedule(self) except -1 nogil
