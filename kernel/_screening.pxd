"""Candidates whose removal is ruled out; see ``_screening.pyx``."""

from libc.stdint cimport int32_t, int64_t

from ._candidacy cimport Candidacy
from ._provision cimport Provisioner
from ._provision_prices cimport ClaimPrices


cdef class Screen:
    cdef Provisioner kernel
    cdef Candidacy candidacy
    cdef ClaimPrices claim_prices
    cdef const int64_t[::1] node_limits
    cdef bint relax_min_values, spot_to_spot

    cdef int begin(self) except -1
