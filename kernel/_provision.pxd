"""Karpenter's Solve over interned tables; see ``_provision.pyx``."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._provision_outcome cimport Outcome
from ._provision_prices cimport ClaimPrices
from ._provision_round cimport ProvisionRound


cdef class Provisioner(ProvisionRound):
    cdef const int64_t *node_limits     # of a scan
    cdef bint is_bounded

    cdef Outcome outcome(self)
    cdef int begin_scan(self, const uint8_t *under, const int64_t *node_limits,
                        bint relax_min_values, ClaimPrices claim_prices) except -1
    cdef int try_group(self, const int32_t *nodes, int32_t n, double price, bint is_spot,
                       bint spot_to_spot) except -1 nogil
    cdef void end_scan(self) noexcept
