"""What disruption reads of the nodes of a run; see ``_roster_standing.pyx``."""

from libc.stdint cimport int32_t, uint16_t

from ._roster_rows cimport RosterRows


cdef struct KindFacts:
    bint is_known
    uint16_t flags              # as in ``_candidacy.pxd``, those that the nodes of a kind share
    int32_t pool
    double price


cdef class RosterStanding(RosterRows):
    cdef int32_t n_known
    cdef KindFacts *kind_facts

    cdef int room_for_facts(self) except -1
