"""Tables of a cluster for Karpenter's Solve: structs, owned arrays, and a map of integers."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free


cdef enum:
    STRICT = 0
    LOOSE = 1
    HOSTNAME = 0
    SPREAD = 0
    AFFINITY = 1
    ANTI_AFFINITY = 2
    CONFLICT = -1       # of a meet: for good
    UNDEFINED = -2      # of a meet: the holder may come to define the key
    UNKNOWN = -2        # of a relaxed class: not asked yet


cdef struct Domains:
    int32_t single      # the one value of a set of one, else -1
    int32_t n_raw       # values as written, exclusions of a complement included
    int32_t *raw
    uint64_t *has       # which domains are allowed


cdef struct Template:
    int32_t set_id
    int32_t taints
    int32_t n_columns
    int32_t n_groups            # daemon-overhead groups
    bint limited
    bint limited_nodes
    uint64_t *all_types
    uint64_t *group_types       # n_groups x words
    int64_t *overhead           # n_groups x resources
    int64_t *least_overhead     # per resource, of any group
    uint8_t *group_conflict     # n_groups x port sets
    int32_t n_port_sets
    int64_t *allocatable        # n_columns x resources
    int64_t *capacity           # n_columns x resources
    int32_t *by_capacity        # resources x n_columns, largest first
    int32_t *n_steps            # per resource
    int64_t *steps              # resources x n_columns: distinct allocatables, ascending
    uint64_t *suffix            # resources x (n_columns + 1) x words: columns with at least a step
    int64_t *most               # per resource: largest allocatable
    int64_t *limit              # per resource, what the limits leave in the base state
    uint8_t *is_limited         # per resource


cdef struct PodClass:
    int32_t set_id
    int32_t strict_id
    int32_t host                # requirement on the hostname, -1 for none
    int32_t strict_host
    int32_t ports               # -1 for none
    int32_t volumes             # -1 for none
    bint any_claim_host         # a claim's placeholder satisfies `host`
    int32_t n_alternatives
    int32_t *alternatives       # pairs (set id or -1, hostname requirement or -1)
    int32_t n_own
    int32_t *own                # triples (group, variant, 1 if the group selects this class)
    int32_t n_inverse
    int32_t *inverse            # groups that keep this class away
    int32_t n_records
    int32_t *records            # groups that count this class
    int32_t n_owned_inverse
    int32_t *owned_inverse      # pairs (inverse group, variant)
    int32_t relaxed             # class after one relaxation, -1 none, -2 not asked yet
    bint in_round
    int32_t n_dead_claims
    bint has_zonal              # owns or meets a group over another key than the hostname
    int64_t *requests
    uint8_t *tolerates          # per taint list
    int64_t[2] failed_at        # state version of the last failure, -1; by whether it settles
    int32_t[2] failed_pod
    uint64_t *dead              # bit per node, then per claim: refusals of this round
    size_t dead_words
    uint64_t *dead_base         # bit per node: refusals of the base state
    size_t dead_base_words
    int64_t dead_base_of        # the batch that they are of


cdef struct Group:
    int32_t kind                # 0 spread, 1 affinity, 2 anti-affinity
    int32_t key                 # 0 is the hostname
    int32_t max_skew
    bint inverse
    bint active
    int32_t variant
    int32_t nonempty
    int32_t *count
    size_t capacity
    uint64_t *known
    uint8_t *counted            # per class: its bound pods count
    size_t counted_size
    int32_t n_bound_owners
    int32_t *bound_owners       # pairs (bound pod, variant), in list order


cdef struct Variant:
    int32_t min_domains         # -1 for none
    int32_t filter              # -1 passes everything
    int32_t *base_count         # per domain
    int32_t n_base
    int32_t base_nonempty
    uint64_t *universe          # domains known whatever nodes there are
    int32_t *node_known         # per domain: nodes that make it known
    uint8_t *passes             # per node


cdef class TemplateTable:
    cdef Template t                     # all but set, taints, conflicts and limits


cdef class ProvisionTables:
    cdef object oracle
    cdef list template_tables           # keeps what `templates` points into
    cdef int32_t n_resources, n_words, n_keys, domain_words, n_hosts, n_reservations
    cdef int32_t reservation_words, n_ports, n_taints
    cdef int32_t *n_domains
    cdef int32_t **domain_rank
    cdef bint count_nodes       # claims of a round use up limits on nodes
    cdef bint stable_order      # open claims of equally many pods keep their order
    cdef uint8_t *port_conflict
    cdef Template **templates
    cdef int32_t n_templates
    cdef PodClass **classes
    cdef int32_t n_classes
    cdef Group **groups
    cdef int32_t n_groups
    cdef Variant **variants
    cdef int32_t n_variants
    cdef int64_t *reservation_base
    cdef int64_t n_batches              # how often nodes and pods were set
    cdef int32_t n_nodes
    cdef int32_t *node_set_base
    cdef int64_t *node_room_base
    cdef int32_t *node_host
    cdef int32_t *node_taints
    cdef int32_t *node_template
    cdef int64_t *node_capacity
    cdef uint8_t *node_flags            # NODE_* below
    cdef uint64_t *node_usable_base
    cdef int32_t *node_domain           # keys x nodes, -1 without the label
    cdef int32_t *node_ports_off
    cdef int32_t *node_ports
    cdef int32_t n_bound
    cdef int32_t *bound_class
    cdef int32_t *bound_node
    cdef uint8_t *bound_flags           # BOUND_* below

    cdef int begin_nodes(self, int32_t n, int32_t n_ports) except -1


cdef enum:
    NODE_KNOWN = 1              # a Node object that is not going away: its labels are domains
    NODE_LIMITED = 2            # counts against its pool's limits
    NODE_LIMITS_VOLUMES = 4
    NODE_UNINITIALIZED = 8      # managed and not initialized: nobody knows whether it will work
    BOUND_COUNTS = 1
    BOUND_OWNS = 2              # keeps others away by its required anti-affinity
    BOUND_SETTLES = 4           # may go to nodes under consolidateAfter


cdef void *grown(void *data, size_t size) except NULL nogil
cdef int32_t *copied32(object values) except NULL
cdef int64_t *copied64(object values) except NULL
cdef uint8_t *copied8(object values) except NULL
cdef uint64_t *copied_words(object words, size_t n) except NULL

cdef extern from *:
    """
    #if defined(_MSC_VER)
      #include <intrin.h>
      static int pyscale_ctz(unsigned long long x) {
          unsigned long i; _BitScanForward64(&i, x); return (int)i;
      }
    #else
      #define pyscale_ctz(x) __builtin_ctzll(x)
    #endif
    """
    int pyscale_ctz(unsigned long long x) noexcept nogil


cdef inline void release(void **data) noexcept nogil:
    """Free what a field points to, so that it may be set again."""
    free(data[0])
    data[0] = NULL


cdef inline int32_t lower_bound(const int64_t *values, int32_t n, int64_t x) noexcept nogil:
    """First position whose value is at least x."""
    cdef int32_t low = 0, high = n, middle
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline bint bit(const uint64_t *words, int32_t i) noexcept nogil:
    return (words[i >> 6] >> (i & 63)) & 1


cdef inline void set_bit(uint64_t *words, int32_t i) noexcept nogil:
    words[i >> 6] |= (<uint64_t>1) << (i & 63)
