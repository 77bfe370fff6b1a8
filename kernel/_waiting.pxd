"""The waiting lines of the event loop: whose turn it is, and who waits for something to happen."""

from libc.stdint cimport int32_t, int64_t

from ._population cimport Population
from ._typedefs cimport index_t, time_ns_t


cdef struct turn_t:        # the smaller comes first, field by field; priority the other way round
    time_ns_t expiry       # second in which the backoff ends, -1 for those that don't back off
    int32_t priority
    time_ns_t timestamp    # when it was created, or failed last
    index_t pod


cdef struct line_t:        # pods of a class that failed equally often
    turn_t turn            # of its oldest pod
    index_t tail
    index_t place          # in the heap, -1 outside


cdef bint comes_before(const turn_t* a, const turn_t* b) noexcept nogil


cdef class WaitingLines(Population):
    cdef readonly int64_t pending_version   # grows with every change of the waiting lines
    cdef index_t n_lines                    # per class, by failures; the last is for all beyond
    cdef time_ns_t* backoff                 # per line
    cdef time_ns_t flush_every
    cdef time_ns_t patience
    cdef line_t* lines                      # class-major
    cdef index_t* active                    # binary heap of lines, the one whose turn it is on top
    cdef index_t n_active
    cdef index_t* blocked                   # classes
    cdef index_t n_blocked
    cdef index_t n_watching                 # of them, those that pods elsewhere may let in
    cdef index_t n_stirred                  # of them, those for which something happened
    cdef index_t n_helped                   # ... that may help

    cdef int set_queue(self, object backoff, time_ns_t flush_every, time_ns_t patience) except -1
    cdef int give_turn(self, index_t line, index_t pod, turn_t* turn) except -1 nogil
    cdef int set_head(self, index_t line, index_t pod) except -1 nogil
    cdef int sift_up(self, index_t place) except -1 nogil
    cdef int sift_down(self, index_t place) except -1 nogil
    cdef int activate(self, index_t line) except -1 nogil
    cdef int deactivate(self, index_t line) except -1 nogil
    cdef int renew(self, index_t line) except -1 nogil
    cdef int block(self, index_t pod_class) except -1 nogil
    cdef int unblock(self, index_t pod_class) except -1 nogil
    cdef int stir(self, index_t pod_class, bint helps) except -1 nogil
    cdef int settle(self) except -1 nogil
    cdef int give_up(self) except -1 nogil
    cdef int fail(self, index_t pod_class, time_ns_t time) except -1 nogil
    cdef int flush(self, index_t pod_class, time_ns_t until) except -1 nogil
    cdef int enqueue(self, index_t pod) except -1 nogil
    cdef int insert(self, index_t line, index_t pod) except -1 nogil
    cdef index_t line_of(self, index_t pod) except -1 nogil
    cdef int unlink(self, index_t line, index_t pod) except -1 nogil
    cdef int leave_line(self, index_t pod) except -1 nogil
    cdef index_t turn_of(self, index_t line, index_t most) except -1 nogil
