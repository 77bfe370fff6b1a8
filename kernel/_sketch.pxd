"""What a round of removals does to plain pods, beside a state that is left as it is."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from pyscale.kernel._bind cimport ClusterState
from pyscale.kernel._growth cimport ints_t


@cython.final
cdef class Sketch:
    cdef ClusterState state
    cdef bint is_on
    cdef int32_t first            # number of the move that the next call's first pod makes
    cdef int64_t width
    cdef int64_t* room            # per node: pods, then resources that are free
    cdef int64_t room_capacity
    cdef ints_t alive             # places in the state's list of the nodes still there, ascending
    cdef ints_t gone              # nodes that went, in order
    cdef int64_t n_words
    cdef uint64_t* open           # places that the scan may use
    cdef int64_t open_capacity
    cdef uint64_t* there          # places whose nodes did not go
    cdef int64_t there_capacity
    cdef int32_t* slots           # class -> row of maybe, -1 none yet
    cdef int64_t slot_capacity
    cdef int64_t n_slots
    cdef uint64_t* maybe          # per slot: places that are not known to refuse the class
    cdef int64_t maybe_capacity
    cdef int32_t* last            # per node: the last move to it
    cdef int64_t last_capacity
    cdef int32_t* arrivals        # per node: how many moves to it
    cdef int64_t arrival_capacity
    cdef ints_t before            # per move: the move before it to the same node
    cdef ints_t moves             # of the node gathered last, in order

    cdef int begin(self, ClusterState state, const uint8_t* accepted) except -1
    cdef int32_t place_of(self, int32_t node) except -1
    cdef bint fits(self, int32_t class_id, int32_t node) except -1 nogil
    cdef bint has_chance(self, int32_t class_id, int32_t apart) noexcept
    cdef int32_t first_fit(self, int32_t class_id, int64_t start) except -2
    cdef uint64_t* candidates(self, int32_t class_id) except NULL
    cdef int shift(self, int32_t class_id, int32_t node, int32_t sign) noexcept
    cdef int arrive(self, int32_t class_id, int32_t node, int64_t i) except -1
    cdef int take_back(self, int32_t class_id, int32_t node) noexcept
    cdef int ask_again(self, int32_t class_id, int32_t node) noexcept
    cdef bint close(self, int32_t node) except -1
    cdef int reopen(self, int32_t node) noexcept
    cdef int remove(self, int32_t node) except -1
    cdef int gather(self, int32_t node) except -1
