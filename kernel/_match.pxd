"""Requirements, selectors and taints on interned ids: which node satisfies which pod class."""

cimport cython
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t

from pyscale.kernel._growth cimport ints_t

cdef enum:
    AFFINITY_OK = 1      # nodeSelector and required node affinity
    ENFORCED_OK = 2      # the profile's own node affinity
    TAINTS_OK = 4        # no untolerated NoSchedule or NoExecute taint
    SCHEDULABLE_OK = 8   # not cordoned, or the cordon is tolerated
    NAME_OK = 16         # no other node is asked for by name
    ALL_OK = 31
    KNOWN = 32

cdef enum:
    NAME_COLUMN = 0
    HOSTNAME_COLUMN = 1

cdef struct requirement_t:
    int32_t column
    uint8_t absent       # the verdict where the node lacks the key
    uint8_t other        # the verdict for values that have no bit
    int32_t n_values
    int64_t capacity
    uint64_t* bits

cdef struct static_t:
    ints_t selector      # requirements that must all hold
    int32_t has_required
    ints_t required      # terms, one of which must match
    int32_t has_enforced
    ints_t enforced
    ints_t preferred     # terms
    ints_t weights       # one per preferred term
    int32_t tolerations
    int32_t node_name    # value in the name column, -1 any
    uint8_t tolerates_cordon
    int32_t most_prefer_taints   # the largest count seen on any node
    uint8_t* bits                # per node: the verdicts above, once KNOWN
    int16_t* prefer_taints       # per node: untolerated PreferNoSchedule taints
    int32_t* preference          # per node: weights of matching preferred terms

cdef struct column_t:
    int32_t n_values
    int32_t n_present    # nodes of the cluster that have the key
    int32_t* value       # per node, -1 absent

cdef struct term_t:
    ints_t requirements


cdef int fill(ints_t* ints, object values) except -1


@cython.final
cdef class MatchTable:
    cdef readonly int32_t n_nodes
    cdef int64_t node_capacity
    cdef column_t* columns
    cdef int64_t column_capacity
    cdef readonly int32_t n_columns
    cdef requirement_t* requirements
    cdef int64_t requirement_capacity
    cdef readonly int32_t n_requirements
    cdef term_t* terms
    cdef int64_t term_capacity
    cdef readonly int32_t n_terms
    cdef static_t* statics
    cdef int64_t static_capacity
    cdef readonly int32_t n_statics
    cdef int32_t* taint_set
    cdef uint8_t* cordoned
    cdef uint8_t** tolerated
    cdef int16_t** not_preferred
    cdef int64_t toleration_capacity
    cdef readonly int32_t n_tolerations
    cdef int64_t taint_set_capacity
    cdef readonly int32_t n_taint_sets

    cdef int grow_nodes(self, int64_t capacity) except -1 nogil
    cdef int forget_node(self, int32_t node) except -1 nogil
    cdef bint holds(self, int32_t requirement, int32_t node) noexcept nogil
    cdef bint all_hold(self, ints_t* requirements, int32_t node) noexcept nogil
    cdef bint any_term(self, ints_t* terms, int32_t node) noexcept nogil
    cdef int static_bits(self, int32_t static, int32_t node) except -1 nogil
