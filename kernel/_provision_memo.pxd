"""What the oracle has answered, remembered."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from ._provision_map cimport IdMap
from ._provision_tables cimport Domains, ProvisionTables


cdef class ProvisionMemo(ProvisionTables):
    cdef IdMap[2] meets
    cdef IdMap pins
    cdef IdMap hosts
    cdef IdMap passed
    # by set id
    cdef int32_t set_room
    cdef uint64_t **types_of_set
    cdef int32_t **reserved_of_set
    cdef Domains **domains_of_set
    cdef int64_t **topology_epoch      # by mode
    cdef int32_t **topology_result
    cdef int64_t *refused_epoch

    cdef int room_for_set(self, int32_t s) except -1 nogil
    cdef int32_t meet(self, int mode, int32_t a, int32_t b) except? -9 nogil
    cdef Domains *domains(self, int32_t s, int32_t key) except NULL nogil
    cdef uint64_t *types(self, int32_t s, int32_t template) except NULL nogil
    cdef int32_t *reserved(self, int32_t s, int32_t template) except NULL nogil
    cdef int32_t pin(
        self, int mode, int32_t s, int32_t key, const uint64_t *mask) except? -9 nogil
    cdef int host_ok(self, int32_t requirement, int32_t host) except -1 nogil
    cdef int passes(
        self, int32_t filter_id, int32_t taints, int32_t s, int32_t host) except -1 nogil

    cdef int32_t ask_meet(self, int mode, int32_t a, int32_t b) except? -9 with gil
    cdef Domains *ask_domains(self, int32_t s, int32_t key) except NULL with gil
    cdef uint64_t *ask_types(self, int32_t s, int32_t template) except NULL with gil
    cdef int32_t ask_mask(self, int32_t key, const uint64_t *mask) except? -9 with gil
    cdef int32_t ask_pin(
        self, int mode, int32_t s, int32_t key, int32_t values) except? -9 with gil
    cdef int ask_host(self, int32_t requirement, int32_t host) except -1 with gil
    cdef int ask_passes(
        self, int32_t filter_id, int32_t taints, int32_t s, int32_t host) except -1 with gil
    cdef int32_t *ask_reserved(self, int32_t s, int32_t template) except NULL with gil
    cdef int32_t ask_min_values(
        self, int32_t template, int32_t s, const uint64_t *types, bint relax) except? -9 with gil
    cdef int ask_fixed(self, int32_t class_id) except -1 with gil
    cdef int32_t ask_relax(self, int32_t class_id) except? -9 with gil
    cdef int ask_volumes_fit(self, int32_t node, int32_t class_id) except -1 with gil
    cdef int tell_volumes(self, int32_t node, int32_t class_id) except -1 with gil
    cdef int tell_begin(self) except -1 with gil
