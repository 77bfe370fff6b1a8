"""The event loop, for whoever wants to drive it without Python."""

from libc.stdint cimport int32_t, int64_t

from ._heap cimport EventHeap
from ._scheduling cimport SchedulingEngine
from ._typedefs cimport index_t


cdef class Engine(SchedulingEngine):
    cdef int64_t changes_seen          # what the driver has seen of the changes
    cdef const int64_t[::1] row_count
    cdef const int32_t[::1] row_node
    cdef Py_ssize_t next_row
    cdef index_t* daemons
    cdef index_t n_daemons
    cdef EventHeap free_slots          # lowest first

    cdef int arrive(self, Py_ssize_t row) except -1 nogil
    cdef int join(self, index_t node) except -1 nogil
    cdef int leave(self, index_t node) except -1 nogil
    cdef int sync(self, int64_t payload) except -1 nogil
    cdef int64_t changes(self) noexcept nogil
