"""Which node a pod class may run on: the filters in profile order."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from pyscale.kernel._callbacks cimport rule_t
from pyscale.kernel._classes cimport ClassTable
from pyscale.kernel._cluster cimport class_t, domain_t

cdef enum:  # verdicts, in the order of the filters
    FITS = 0
    NODE_UNSCHEDULABLE = 1
    NODE_NAME = 2
    TAINTS = 3
    ENFORCED_AFFINITY = 4
    NODE_AFFINITY = 5
    PORTS = 6
    RESOURCES = 7
    RESOURCES_BEYOND_NODE = 8
    DISK_CONFLICT = 9
    CLAIM_IN_USE = 10
    VOLUME_LIMIT = 11
    NO_VOLUME_TO_BIND = 12
    VOLUME_AFFINITY = 13
    NO_VOLUME_AND_AFFINITY = 14
    VOLUME_ZONE = 15
    SPREAD_LABEL = 16
    SPREAD = 17
    POD_AFFINITY = 18
    POD_ANTI_AFFINITY = 19
    EXISTING_ANTI_AFFINITY = 20
    N_VERDICTS = 21

cdef enum:  # filter plugins, in profile order
    P_UNSCHEDULABLE = 0
    P_NAME = 1
    P_TAINTS = 2
    P_NODE_AFFINITY = 3
    P_PORTS = 4
    P_RESOURCES = 5
    P_VOLUME_RESTRICTIONS = 6
    P_VOLUME_LIMITS = 7
    P_VOLUME_BINDING = 8
    P_VOLUME_ZONE = 9
    P_SPREAD = 10
    P_POD_AFFINITY = 11
    N_PLUGINS = 12

cdef enum:
    MAX_BARS = 16

cdef struct bar_t:       # a domain count that a node's may not exceed
    int32_t* value
    int32_t* count
    int64_t n_domains
    int64_t most
    uint8_t needs_label

cdef struct gate_t:      # the distant filters of one cycle
    int32_t n
    uint8_t general      # more than bars: ask distant_verdict
    bar_t[MAX_BARS] bars

cdef enum:
    BLOCK = 64               # nodes that are looked at together
    MAX_RULES = 16


cdef class FilterTable(ClassTable):
    cdef uint8_t[N_PLUGINS] filters
    # While pods are added or removed in a trial: what PreFilter left out before.
    cdef bint in_trial
    cdef bint affinity_skipped
    cdef bint restrictions_skipped
    cdef uint64_t shortfall              # resources of the last RESOURCES verdict
    cdef readonly list rules
    cdef int32_t n_rules
    cdef rule_t[MAX_RULES] rule_functions
    cdef void* rule_users[MAX_RULES]
    cdef int64_t[MAX_RULES] rule_weights   # 0: a filter
    cdef int64_t* rule_table
    cdef int64_t rule_table_capacity
    cdef int64_t* rule_request
    cdef int64_t rule_request_capacity

    cdef int check(self, int32_t class_id, int32_t node) except -1 nogil
    cdef bint begin_trial(self, class_t* pods) noexcept nogil
    cdef int end_trial(self, bint begun) noexcept nogil
    cdef bint skips_affinity(self, class_t* pods) noexcept nogil
    cdef bint skips_restrictions(self, class_t* pods) noexcept nogil
    cdef int static_verdict(self, class_t* pods, int32_t node) except -1 nogil
    cdef int port_verdict(self, class_t* pods, int32_t node) noexcept nogil
    cdef int resource_verdict(self, class_t* pods, int32_t node) noexcept nogil
    cdef int disk_verdict(self, class_t* pods, int32_t node, bint alone) except -1 nogil
    cdef bint claim_is_in_use(self, class_t* pods) noexcept nogil
    cdef int limit_verdict(self, class_t* pods, int32_t node) noexcept nogil
    cdef int spread_verdict(self, class_t* pods, int32_t node) except -1 nogil
    cdef int affinity_verdict(self, class_t* pods, int32_t node) noexcept nogil
    cdef bint affinity_holds(self, class_t* pods, int32_t node) noexcept nogil
    cdef int local_verdict(self, class_t* pods, int32_t node, bint alone) except -1 nogil
    cdef int distant_verdict(self, class_t* pods, int32_t node) except -1 nogil
    cdef int ask_rule(
        self, class_t* pods, int32_t rule, const int32_t* nodes, int32_t n, double* out
    ) except -1 nogil
    cdef int rule_verdict(self, class_t* pods, int32_t node) except -1 nogil
    cdef int prepare(self, class_t* pods, gate_t* gate) except -1 nogil
    cdef int raise_if_any(self, gate_t* gate, domain_t* domain) except -1 nogil
    cdef int raise_bar(
        self, gate_t* gate, int32_t counter, int32_t column, int64_t most, bint needs_label
    ) except -1 nogil
    cdef bint passes(self, gate_t* gate, int32_t node) noexcept nogil
