"""Candidates of a round: existing nodes, open claims and new ones."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t

from ._provision_order cimport ProvisionOrder
from ._provision_tables cimport PodClass, Template

cdef enum:
    ACCEPTED = 0
    TAINTS = 1
    REQUIREMENTS = 2
    VOLUME = 3
    TOPOLOGY = 4
    TYPES = 5
    MIN_VALUES = 6
    LIMITS = 7
    NODE_LIMITS = 8
    RESERVED = 9


cdef class ProvisionClaims(ProvisionOrder):
    # nodes in the round
    cdef int32_t *node_set
    cdef int64_t *node_room
    cdef int32_t *node_port_head
    cdef uint8_t *node_dirty
    cdef int32_t *dirty_nodes
    cdef int32_t n_dirty
    # claims, by number
    cdef int32_t claim_room
    cdef int32_t *claim_set
    cdef int32_t *claim_template
    cdef int32_t *claim_port_head
    cdef uint64_t *claim_types
    cdef int64_t *claim_requests
    cdef int64_t *claim_most            # what the columns left can hold, or more
    cdef uint8_t *claim_stale           # whether `claim_most` may be too large
    cdef uint64_t *claim_held
    # lists of the port sets in use on a candidate
    cdef int32_t *port_set
    cdef int32_t *port_next
    cdef int32_t n_port_links, port_link_room
    cdef int64_t *remaining             # templates x resources
    cdef int64_t *remaining_nodes
    cdef int64_t *reservation_left
    cdef uint8_t *relaxed_min_values    # per template: the claim opened last
    cdef bint strict_reservations, relax_min_values
    # what an accepted attempt found
    cdef int32_t found_set
    cdef uint64_t *found_types
    cdef uint64_t *group_types          # what one group of columns adds to these
    cdef uint64_t *found_held
    cdef int64_t *need

    cdef bint ports_taken(self, int32_t head, int32_t ports) noexcept nogil
    cdef int32_t link_ports(self, int32_t head, int32_t ports) except -1000 nogil
    cdef int try_node(self, int32_t n, int32_t class_id) except -1 nogil
    cdef int settle(self, int32_t n, int32_t class_id) except -1 nogil
    cdef int filter_types(
        self, Template *t, const uint64_t *held, const uint64_t *allowed, PodClass *k, int32_t head
    ) noexcept nogil
    cdef int reserve(self, int32_t template, int32_t s, const uint64_t *held) except -1 nogil
    cdef int try_claim(self, int32_t c, int32_t class_id, bint opening) except -1 nogil
    cdef void measure(self, int32_t c) noexcept nogil
    cdef int join(self, int32_t c, int32_t class_id) except -1 nogil
    cdef int room_for_claim(self) except -1 nogil
    cdef int open_claim(self, int32_t class_id, int8_t *reasons) except -1 nogil
