"""Topology groups in a round: created, asked for domains, counted."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from ._provision_memo cimport ProvisionMemo
from ._provision_tables cimport Domains, Group, PodClass


cdef class ProvisionTopology(ProvisionMemo):
    cdef int64_t epoch              # one per attempt
    cdef int32_t n_claims
    cdef int32_t n_moved
    cdef int32_t *moved             # bound pods of the batch
    cdef int32_t n_excluded
    cdef int32_t *excluded          # nodes taken away
    cdef bint permanent             # whether the last refusal holds for the rest of the round
    cdef uint64_t *masks            # keys x domain words
    cdef int32_t *mask_keys
    cdef uint64_t *key_seen
    cdef uint64_t *answer
    cdef int32_t *dropped

    cdef int room_for_host(self, Group *g, int32_t host) except -1 nogil
    cdef int activate_group(self, int32_t group, int32_t variant) except -1 nogil
    cdef int activate_class(self, PodClass *k) except -1 nogil
    cdef int host_allows(self, PodClass *k, int32_t host) except -1 nogil
    cdef bint ask_group(
        self, Group *g, bint selects, const Domains *pod, const Domains *node, uint64_t *out
    ) noexcept nogil
    cdef int32_t narrowed(self, int mode, PodClass *k, int32_t s) except? -9 nogil
    cdef int count_domain(self, Group *g, int32_t d) except -1 nogil
    cdef int record(self, PodClass *k, int32_t taints, int32_t s, int32_t host) except -1 nogil
