"""Pods begin and end, and the scheduler's turn in between."""

from libc.stdint cimport int64_t

from ._heap cimport EventHeap
from ._ledger cimport Ledger
from ._placer cimport Placer
from ._typedefs cimport index_t
from ._waiting cimport turn_t

cdef enum:  # the first priority within one instant, and its kind of event
    DEPARTURE = 0

cdef enum:  # as in pyscale.policies.decision.WakeOn
    POD_PENDING = 1
    POD_GONE = 2


cdef struct nominee_t:     # a pod that waits for the room of those that left for it
    turn_t turn
    index_t slot
    index_t failures


cdef class SchedulingEngine(Ledger):
    cdef readonly Placer placer
    cdef EventHeap heap
    cdef readonly int64_t n_events     # arrivals, departures and evictions
    cdef int woken                     # what happened since the driver was woken
    cdef index_t* node_of_slot
    cdef index_t slot_room
    cdef index_t n_slots
    cdef nominee_t* nominees
    cdef int64_t nominee_room
    cdef index_t n_nominees
    cdef readonly int64_t n_preempted
    cdef readonly int64_t n_preempted_lost

    cdef int place(self, index_t pod, index_t node) except -1 nogil
    cdef int stir_watchers(self, index_t bound_class) except -1 nogil
    cdef int stir_blocked(self, index_t node, bint is_exit) except -1 nogil
    cdef int release(self, index_t pod) except -1 nogil
    cdef int note_pending(self, index_t pod_class) except -1 nogil
    cdef int open_up(self, index_t node) except -1 nogil
    cdef index_t end_early(self, index_t pod) except -2 nogil
    cdef int schedule(self) except -1 nogil
    cdef int no_node(self, index_t pod_class) except -1 nogil
    cdef bint has_victims(self, index_t pod_class) noexcept nogil
    cdef int preempt(self, index_t line) except -1 nogil
    cdef int make_room(self, nominee_t* nominee, index_t slot) except -1 nogil
    cdef int retry_nominee(self) except -1 nogil
