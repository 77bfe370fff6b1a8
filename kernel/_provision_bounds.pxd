"""What must come of removing nodes, known without a round."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from ._provision_blocks cimport PodBlock
from ._provision_homes cimport ProvisionHomes
from ._provision_prices cimport ClaimPrices


cdef class ProvisionBounds(ProvisionHomes):
    cdef ClaimPrices claim_prices       # None while the price of claims is left open
    cdef double price                   # of the group; a claim must be below
    # by class: slots among the kinds of a node, how many leave in the group
    cdef int32_t bounds_room
    cdef int32_t *slot_of
    cdef int64_t *leaving
    # of the group
    cdef int32_t *group_classes
    cdef int64_t *group_requests
    cdef double *group_ratio            # resources x resources, the greatest of any class
    cdef int32_t *asked                 # resources that a class requests
    cdef int32_t n_asked
    cdef int32_t *certain               # classes of which some pods certainly go to claims
    cdef int32_t n_certain
    cdef int64_t *lost                  # what certainly goes to claims
    # by template: columns that a claim below the price may be of
    cdef int64_t n_losses               # how often `lost` was set anew
    cdef int64_t *possible_of           # for which of these they were found
    cdef uint64_t **possible            # x words
    cdef int32_t n_possible

    cdef int begin_bounds(self) except -1 nogil
    cdef int sum_up(self, PodBlock *block) except -1 nogil
    cdef int sum_up_group(self) except -1 nogil
    cdef void lose(self, int32_t class_id, int64_t left) noexcept nogil
    cdef bint is_fixed(self, int32_t class_id) except -1 nogil
    cdef bint is_hopeless(self) except -1 nogil
    cdef bint is_too_dear(self) except -1 nogil
    cdef const uint64_t *possible_columns(self, int32_t template) except? NULL nogil
    cdef bint hold_lost(self, int32_t template, uint64_t *columns) noexcept nogil
