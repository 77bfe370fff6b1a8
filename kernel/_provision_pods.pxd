"""One pod of a round."""

from libc.stdint cimport int8_t, int32_t, uint8_t, uint64_t

from ._provision_claims cimport ProvisionClaims
from ._provision_tables cimport PodClass


cdef class ProvisionPods(ProvisionClaims):
    cdef uint64_t *node_usable
    cdef const uint8_t *node_under      # nodes under consolidateAfter
    cdef int32_t *touched               # classes used in the round
    cdef int32_t n_touched, touched_room
    cdef int8_t *reasons                # per template, of the pod's last attempt

    cdef int is_dead(self, PodClass *k, int32_t i) noexcept nogil
    cdef int bury(self, PodClass *k, int32_t i) except -1 nogil
    cdef int begin_dead(self, PodClass *k) except -1 nogil
    cdef int32_t place_on_node(self, int32_t class_id, bint settles) except -1000 nogil
    cdef int32_t place_on_claim(self, int32_t class_id) except -1000 nogil
    cdef int32_t place_on_living(self, int32_t class_id) except -1000 nogil
    cdef int32_t add_pod(self, int32_t class_id, bint settles) except -1000 nogil
    cdef int32_t schedule(self, int32_t class_id, bint settles) except -1000 nogil
    cdef int touch(self, int32_t class_id) except -1 nogil
