"""What must come of removing nodes, known without a round."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._provision_batch cimport ProvisionBatch
from ._provision_prices cimport ClaimPrices, ColumnBounds
from ._provision_tables cimport Template


cdef class ProvisionBounds(ProvisionBatch):
    cdef ClaimPrices claim_prices       # None while the price of claims is left open
    cdef double price                   # of the group; a claim must be below
    # the nodes that leavers may go to
    cdef size_t homes_of_batch          # the batch that they are of
    cdef uint8_t *is_home
    cdef int32_t *homes
    cdef int32_t n_homes
    # by class: slots among the kinds of a node, places on homes, number in the group
    cdef int32_t class_room
    cdef int32_t *slot_of
    cdef int64_t *places
    cdef int64_t *places_of             # the scan that the places were counted for
    cdef int64_t *leaving
    cdef double *inverse                # classes x resources: pods per unit, or HUGE
    cdef int32_t n_inverse
    cdef int32_t *asked                 # resources that a class of the group requests
    cdef int64_t n_scans
    cdef int32_t *group_classes
    cdef int32_t *certain               # classes of which some pods certainly go to claims
    cdef int32_t n_certain
    cdef ColumnBounds **limits          # what their sets leave of a template's columns
    cdef int64_t *lost                  # what certainly goes to claims
    cdef int64_t *beyond                # by class: what of it homes have no place for
    cdef double *ratio                  # resources x resources, of the classes of the group

    cdef int begin_bounds(self) except -1 nogil
    cdef int64_t places_on(self, int32_t n, int32_t class_id) noexcept nogil
    cdef int64_t places_for(self, int32_t class_id) noexcept nogil
    cdef void spread(self, int32_t m) noexcept nogil
    cdef bint is_fixed(self, int32_t class_id) except -1 nogil
    cdef bint is_hopeless(self) except -1 nogil
    cdef bint holds_lost(self, const Template *t, int32_t column) noexcept nogil
    cdef bint has_cheaper(self, int32_t template) except -1 nogil
