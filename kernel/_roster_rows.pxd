"""The nodes of a run and their pods; see ``_roster_rows.pyx``."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._provision_blocks cimport PodBlock


cdef struct Row:
    int64_t id
    int64_t version
    int64_t created_ns                  # of the run
    int64_t ready_ns                    # of the run, -1 while it boots
    int64_t last_event_ns               # Unix time, NEVER without one
    int64_t stamp                       # when the node itself changed
    int64_t pods_stamp                  # when its pods did
    int32_t number                      # in the order of rounds
    int32_t kind
    uint8_t state
    uint8_t cordoned
    int64_t nominated_until_ns          # Unix time, as is what follows
    int64_t sound_until_ns              # it is known not to drift until then
    bint is_measured
    # the pods, by id
    int32_t n_pods
    int32_t capacity
    int64_t *pods
    int64_t *bound_ns                   # Unix times
    int32_t *classes
    # measured
    int64_t *room
    bint is_within
    double reschedule_cost
    double eviction_cost
    int32_t n_to_move
    int32_t n_ports                     # pods with host ports
    PodBlock *block                     # of the pods that leave with the node


cdef enum:                              # states of a node, as in a view
    BOOTING = 0
    DRAINING = 2
    GOING = 3

cdef int64_t NEVER


cdef inline bint is_marked(const Row *row) noexcept nogil:
    """Whether the node is on its way out."""
    return row.state >= DRAINING or row.cordoned


cdef struct ClassFacts:
    uint8_t flags                       # CLASS_*
    double eviction_cost
    int32_t number                      # the kernel's class, -1 as long as it is not known
    int32_t ports                       # set of host ports, -1 for none
    int64_t *requests


cdef enum:
    CLASS_MOVES = 1                     # no daemon of the run: coming and going is an event
    CLASS_IS_DAEMON = 2                 # owned by a DaemonSet
    CLASS_IS_RESCHEDULABLE = 4          # somebody misses the pod when its node goes
    CLASS_LEAVES = 8                    # a round has to find it another node


cdef class RosterRows:
    cdef int64_t epoch_ns, clock
    cdef int32_t n_rows, n_first
    cdef Row **rows                     # by id
    cdef Row **order                    # those with a Node first
    cdef int32_t n_classes, n_kinds
    cdef ClassFacts *classes
    cdef uint8_t *is_pooled             # by kind

    cdef Row *new_row(self, int64_t node) except NULL
    cdef bint has_node(self, const Row *row) noexcept nogil
    cdef int room_for_kinds(self, int32_t n) except -1
    cdef void follow_events(
        self, Row *row, int32_t n, const int64_t *pod, const int32_t *class_id,
        const int64_t *bound_ns, int64_t now) noexcept nogil
    cdef void arrange(self) noexcept nogil
    cdef int32_t row_of(self, int64_t node) except -1
