"""The list of nodes, and the structs of a cluster in integers."""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint64_t

from pyscale.kernel._growth cimport ints_t

cdef enum:
    DIRTY = -2        # a class's score on a node has to be computed again
    INFEASIBLE = -1
    MAX_PORTS = 64    # host ports of one pod class
    MAX_NOMINATED = 256

cdef enum:  # operations of a fork
    PUT = 0
    TAKE = 1
    INSERT = 2
    REMOVE = 3
    RELABEL = 4

cdef struct kind_t:
    ints_t columns            # label columns
    ints_t values
    int32_t taint_set
    uint8_t cordoned
    int64_t allowed_pods
    ints_t resources
    int64_t* amounts
    ints_t images
    int64_t* image_sizes
    int32_t zone

cdef struct nomination_t:
    int32_t class_id
    int64_t priority
    int64_t pod

cdef struct node_t:
    int32_t kind
    uint8_t active
    uint8_t listed            # in the flat list of the last refresh
    int32_t zone              # of the group it is in
    int64_t pods
    int64_t allowed_pods
    int64_t non_zero_cpu
    int64_t non_zero_memory
    int32_t balance           # of the default resources without the pod, -1 unknown
    ints_t classes            # pod classes on the node ...
    ints_t counts             # ... and how many pods of each
    ints_t images
    ints_t image_holders      # as known when the node last changed
    nomination_t* nominations  # pods that wait for room here
    int64_t nomination_room
    int32_t n_nominated

cdef struct image_t:
    int64_t size
    int32_t holders

cdef struct spread_t:
    int32_t counter
    int32_t column
    int32_t hostname          # score: counted per node
    int64_t max_skew
    int32_t min_domains
    int32_t itself            # 1 if the selector matches the pod's own labels

cdef struct domain_t:
    int32_t counter
    int32_t column

cdef struct subscription_t:
    int32_t counter
    int32_t weight            # what a pod of the class adds
    int32_t trial             # ... and what it adds or takes away in a trial
    int32_t entries

cdef struct class_t:
    int32_t static
    ints_t need               # resources that the filter checks
    int64_t* need_amount
    ints_t use                # resources that a placed pod uses
    int64_t* use_amount
    int64_t non_zero_cpu
    int64_t non_zero_memory
    int64_t* fit_amount       # per resource of the scoring strategy
    int64_t* balance_amount   # per resource of the balance
    ints_t rule_resources     # what users' rules see of the request
    int64_t* rule_amounts
    uint8_t balance_skipped
    uint8_t preference_invalid
    ints_t ports
    ints_t port_conflicts
    ints_t images
    int32_t n_containers
    ints_t volumes            # attachable volumes, each with a limit per driver
    int32_t disk_conflicts    # counter, -1 none
    int32_t claim_in_use      # counter, -1 none
    uint8_t has_volume_verdicts
    uint8_t* volume_binding   # per node: verdict codes
    uint8_t* volume_zone
    spread_t* spread
    int64_t spread_capacity
    int32_t n_spread
    spread_t* spread_score
    int64_t spread_score_capacity
    int32_t n_spread_score
    uint8_t spread_keys_required
    domain_t* affinity
    int64_t affinity_capacity
    int32_t n_affinity
    uint8_t may_be_first      # the pod matches all its own required affinity terms
    domain_t* anti_affinity
    int64_t anti_affinity_capacity
    int32_t n_anti_affinity
    domain_t* existing
    int64_t existing_capacity
    int32_t n_existing
    domain_t* preferred
    int64_t preferred_capacity
    int32_t n_preferred
    uint8_t preferred_skipped
    uint8_t has_names
    ints_t names              # values of the name column the scan is restricted to
    uint8_t refused           # PreFilter refuses the class outright
    subscription_t* subscriptions
    int64_t subscription_capacity
    int32_t n_subscriptions
    int32_t* score            # per position in the list: part of the total, INFEASIBLE, DIRTY
    int64_t score_capacity
    int64_t epoch
    int64_t cursor
    int64_t reshuffle
    int64_t image_nodes

cdef struct group_t:
    int32_t zone
    ints_t nodes

cdef struct operation_t:
    int32_t kind
    int32_t class_id
    int32_t node
    uint64_t before           # ports that were in use, or the node's place in the list

cdef struct volume_t:
    int32_t driver
    int16_t* uses             # per node

cdef struct driver_t:
    int32_t* limit            # per node, -1 none
    int32_t* attached         # per node: unique volumes


cdef class NodeList:
    cdef bint interleaved
    cdef node_t* nodes
    cdef int32_t* position                  # per node, in the flat list, -1 if it isn't in it
    cdef int64_t node_capacity
    cdef readonly int32_t n_nodes           # node ids in use, removed ones included
    cdef readonly int32_t n_active
    cdef image_t* images
    cdef int64_t image_capacity
    cdef readonly int32_t n_images
    cdef int32_t n_image_nodes
    cdef kind_t* kinds
    cdef int64_t kind_capacity
    cdef readonly int32_t n_kinds
    cdef group_t* groups
    cdef int64_t group_capacity
    cdef int32_t n_groups
    cdef ints_t order                       # the flat list of nodes
    cdef ints_t last_order
    cdef ints_t reshuffles                  # per change of the list: the first place that changed;
    #                                         ~place if just the node there went
    cdef bint listing_stale
    cdef int32_t n_unlisted                 # nodes whose being listed differs from being there
    cdef ints_t retired                     # node ids free after the next refresh
    cdef ints_t free_ids
    cdef ints_t changes                     # log of nodes whose pods or labels changed
    cdef int64_t refreshed                  # how far of the log the image states are refreshed
    cdef int64_t epoch
    cdef ints_t fork_marks

    cdef int touch(self, int32_t node) except -1 nogil
    cdef int enter_zone(self, int32_t node) except -1 nogil
    cdef uint64_t leave_zone(self, int32_t node) except? 0xFFFFFFFF nogil
    cdef int reenter_zone(self, int32_t node, uint64_t place) except -1 nogil
    cdef int relist(self) except -1 nogil
    cdef bint relist_one_zone(self) except -1 nogil
    cdef int free_retired(self) except -1 nogil
    cdef int refresh(self) except -1 nogil
