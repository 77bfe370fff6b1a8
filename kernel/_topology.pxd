"""Counts of pods per topology domain, kept as pods and nodes come and go."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._growth cimport ints_t
from pyscale.kernel._match cimport MatchTable

cdef enum:
    NODE_DOMAIN = -1     # every node is a domain of its own
    CLUSTER_DOMAIN = -2  # one domain

cdef struct counter_t:
    int32_t column           # topology key, or one of the two above
    int32_t affinity_static  # nodes must satisfy this static's affinity to count, -1 all do
    int32_t taints_static    # ... and its tolerations, -1 all do
    ints_t keys              # columns that a node must have to count
    uint8_t limited          # whether any of the three above restricts
    uint8_t tracked          # domains and their minimum are kept
    uint8_t* counts_node     # per node, if limited: 1 the node counts
    int64_t domain_capacity
    int32_t* count           # per domain
    int32_t* nodes           # per domain, if tracked: nodes that count
    int32_t n_domains        # domains with such a node
    int32_t minimum          # over those domains
    int32_t n_minimum
    int64_t total
    int64_t entries          # pods' terms that made an entry, for "is there any"


@cython.final
cdef class TopologyCounts:
    cdef MatchTable match
    cdef counter_t* counters
    cdef int64_t capacity
    cdef int64_t node_capacity
    cdef readonly int32_t n_counters

    cdef int grow_nodes(self, int64_t capacity) except -1 nogil
    cdef int32_t domain(self, counter_t* counter, int32_t node) except? -1 nogil
    cdef int find_minimum(self, counter_t* counter) except -1 nogil
    cdef int add(self, int32_t counter, int32_t node, int32_t amount) except -1 nogil
    cdef int add_entries(self, int32_t counter, int32_t node, int32_t entries) except -1 nogil
    cdef int join(self, int32_t counter, int32_t node) except -1 nogil
    cdef int leave(self, int32_t counter, int32_t node) except -1 nogil
    cdef int32_t minimum(self, int32_t counter, int32_t min_domains) except? -1 nogil
