"""Karpenter's Solve over interned tables; see ``_provision.pyx``."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t


cdef struct IdMap:
    uint64_t *keys
    int32_t *values
    size_t size
    size_t used


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
    int32_t rank                # place in the queue's order of classes
    bint has_zonal              # owns or meets a group over another key than the hostname
    int64_t *requests
    uint8_t *tolerates          # per taint list
    int64_t *failed_at          # state version of the last failure, -1
    uint64_t *dead              # bit per node, then per claim
    size_t dead_words


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
