"""Decisions of the scheduler on a cluster in integers: check, score, choose, bind, preempt."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from pyscale.kernel._callbacks cimport rule_t
from pyscale.kernel._cluster cimport ClusterTable, class_t, domain_t, spread_t
from pyscale.kernel._growth cimport ints_t
from pyscale.kernel._score cimport strategy_t

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

cdef enum:  # score plugins
    S_TAINTS = 0
    S_NODE_AFFINITY = 1
    S_RESOURCES = 2
    S_SPREAD = 3
    S_POD_AFFINITY = 4
    S_BALANCE = 5
    S_IMAGES = 6
    N_SCORERS = 7

cdef enum:  # outcomes of a cycle
    BOUND = 0
    NO_NODES = 1
    REFUSED = 2          # by PreFilter
    NOTHING_FITS = 3
    SCORE_ERROR = 4      # an invalid preferred term

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

cdef struct cycle_t:
    int32_t outcome
    int32_t chosen
    int64_t total        # -1 if only one node was feasible
    int32_t n_feasible
    int32_t n_evaluated
    int32_t start        # of the next scan


cdef enum:
    BLOCK = 64               # nodes that are looked at together
    MAX_RULES = 16

cdef class ClusterState(ClusterTable):
    cdef readonly list rules
    cdef int32_t n_rules
    cdef rule_t[MAX_RULES] rule_functions
    cdef void* rule_users[MAX_RULES]
    cdef int64_t[MAX_RULES] rule_weights   # 0: a filter
    cdef int64_t* rule_table
    cdef int64_t rule_table_capacity
    cdef int64_t* rule_request
    cdef int64_t rule_request_capacity
    cdef uint8_t[N_PLUGINS] filters
    cdef int64_t[N_SCORERS] weights
    cdef uint8_t[N_SCORERS] scored       # in the last window
    cdef bint scoring
    cdef bint first_of_best
    cdef int32_t percentage
    cdef bint balance_is_delta
    cdef bint usual_strategies
    cdef bint balance_is_common          # the balanced resources are those of every class
    cdef strategy_t fit
    cdef strategy_t balanced
    cdef public int32_t next_start
    # While pods are added or removed in a trial: what PreFilter left out before.
    cdef bint in_trial
    cdef bint affinity_skipped
    cdef bint restrictions_skipped
    cdef uint64_t shortfall              # resources of the last RESOURCES verdict
    cdef int32_t* feasible
    cdef int32_t* totals
    cdef double* sums
    cdef int32_t* raw                    # four plugins that normalise, one after the other
    cdef int32_t* normalised
    cdef int64_t window_capacity
    cdef int32_t n_feasible
    cdef int32_t* heap_keys
    cdef int64_t heap_capacity
    cdef int32_t** stamps                # per column: the window that last met each value
    cdef int64_t* stamp_capacity
    cdef int64_t stamp_columns
    cdef int32_t window
    cdef ints_t candidates

    # What an event loop calls without the GIL.
    cdef int32_t bind(self, int32_t class_id) except -2 nogil
    cdef int release(self, int32_t class_id, int32_t node) except -1 nogil
    cdef int check(self, int32_t class_id, int32_t node) except -1 nogil
    cdef int32_t first_fit(
        self, int32_t class_id, int32_t start, const uint8_t* accepted
    ) except -2 nogil
    cdef int cycle(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t nominated, cycle_t* result
    ) except -1 nogil

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
    cdef int check_nominated(
        self, int32_t class_id, int32_t node, int64_t priority, int64_t pod
    ) except -1 nogil
    cdef int64_t fit_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t balance_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t balance_without(self, class_t* pods, int32_t node) noexcept nogil
    cdef int64_t image_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int32_t local_score(self, class_t* pods, int32_t node) except? -3 nogil
    cdef int64_t usual_score(self, class_t* pods, int32_t node) noexcept nogil
    cdef int ask_rule(
        self, class_t* pods, int32_t rule, const int32_t* nodes, int32_t n, double* out
    ) except -1 nogil
    cdef int rule_verdict(self, class_t* pods, int32_t node) except -1 nogil
    cdef int fill_block(self, class_t* pods, int64_t place, int64_t width) except -1 nogil
    cdef int64_t wanted_nodes(self, int64_t n) noexcept nogil
    cdef int prepare(self, class_t* pods, gate_t* gate) except -1 nogil
    cdef int raise_if_any(self, gate_t* gate, domain_t* domain) except -1 nogil
    cdef int raise_bar(
        self, gate_t* gate, int32_t counter, int32_t column, int64_t most, bint needs_label
    ) except -1 nogil
    cdef bint passes(self, gate_t* gate, int32_t node) noexcept nogil
    cdef int scan(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t refused, cycle_t* result
    ) except -1 nogil
    cdef bint is_plain(self, class_t* pods) noexcept nogil
    cdef int scan_plain(self, int32_t class_id, cycle_t* result) except -1 nogil
    cdef int score_window(self, class_t* pods) except -1 nogil
    cdef int score_taints(self, class_t* pods) except -1 nogil
    cdef int score_preference(self, class_t* pods) except -1 nogil
    cdef int64_t ignore_nodes(self, class_t* pods, int32_t* out) except -1 nogil
    cdef int64_t count_domains(
        self, spread_t* spread, int64_t n_ignored, int32_t* ignored
    ) except -1 nogil
    cdef int add_counts(self, spread_t* spread, double weight) except -1 nogil
    cdef int score_spread(self, class_t* pods) except -1 nogil
    cdef int score_spread_large(self, class_t* pods, int64_t n_ignored) except -1 nogil
    cdef int score_affinity(self, class_t* pods) except -1 nogil
    cdef int normalise_default(self, int32_t* raw, int32_t* out, bint reverse) except -1 nogil
    cdef int32_t root(self) noexcept nogil
    cdef int grow_windows(self) except -1 nogil
    cdef int restrict(self, class_t* pods) except -1 nogil
