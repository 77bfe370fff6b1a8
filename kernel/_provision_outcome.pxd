"""What a round came to; see ``_provision_outcome.pyx``."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t


cdef class Outcome:
    cdef object data                    # one piece of memory for all arrays
    cdef uint8_t[::1] view
    cdef size_t filled
    cdef readonly int n_pods, n_pending, n_leaving, n_nodes, n_claims
    cdef readonly bint has_min_values
    cdef int n_templates, n_resources, n_words, n_reservation_words
    cdef int64_t *claim_requests
    cdef uint64_t *claim_types
    cdef uint64_t *claim_held
    cdef int32_t *pod_place
    cdef int32_t *pod_class
    cdef int32_t *bound_moved
    cdef int32_t *claim_template
    cdef int32_t *claim_set
    cdef int8_t *pod_reasons
    cdef uint8_t *relaxed

    cdef int make_room(self) except -1
    cdef void *piece(self, size_t size) noexcept
    cdef object array(self, const void *start, size_t n, object dtype)
