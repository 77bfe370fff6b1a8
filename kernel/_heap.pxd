"""The event heap, for the event loop to cimport."""

from libc.stdint cimport int32_t, int64_t


cdef struct Event:
    int64_t time       # ns
    int64_t sequence   # order of pushing; the last word among equals
    int64_t payload    # what the event is about
    int32_t priority   # smaller first among equal times
    int32_t kind


cdef class EventHeap:
    cdef Event* _events
    cdef Py_ssize_t _size
    cdef Py_ssize_t _room
    cdef int64_t _next_sequence

    cdef int reserve(self, Py_ssize_t n) except -1 nogil
    cdef int64_t push_event(
        self, int64_t time, int32_t priority, int32_t kind, int64_t payload
    ) except -1 nogil
    cdef bint pop_event(self, Event* event) noexcept nogil
    cdef const Event* first(self) noexcept nogil
