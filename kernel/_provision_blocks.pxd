"""What rounds know of the pods of one node; see ``_provision_blocks.pyx``."""

from libc.stdint cimport int32_t, int64_t, uint8_t


cdef struct QueueKey:
    int64_t created
    int64_t id
    int32_t size                # the largest pods first


cdef struct PodBlock:
    int32_t n_users
    int32_t n                   # pods, in the order of the batch
    int32_t *pods               # numbers among bound pods, counted from the first that users give
    int32_t *classes
    uint8_t *settles            # whether it may go to nodes under consolidateAfter
    QueueKey *keys
    int32_t n_sizes             # classes that had been ranked by size for the keys
    int32_t *order              # a heap, then what was taken from it, the last first
    int32_t left                # how long the heap is, -1 before it is made
    double *room                # what is left on the node, by resource; never quite nothing
    int64_t mark                # of the homes that it was met among last
    # those that do not settle anywhere, by class
    int32_t n_kinds             # -1 before they are counted
    int32_t *kind_class
    int32_t *kind_count
    int32_t *kind_places        # how many of a kind the node itself has room for
    int64_t *requests           # of all these, by resource
    double *ratio               # resources x resources, the greatest of any kind


cdef PodBlock *new_block(int32_t n, int32_t n_resources) except NULL
cdef void drop_block(PodBlock *block) noexcept nogil
cdef void rank_block(PodBlock *block, const int32_t *size_of, int32_t n_sizes) noexcept nogil
cdef int32_t count_kinds(PodBlock *block, int32_t *slot_of) noexcept nogil


cdef inline void set_room(PodBlock *block, const int64_t *room, int32_t n) noexcept nogil:
    """Set what is left on the node; a little more, so that what nobody asks for limits nobody."""
    cdef int32_t r
    for r in range(n):
        block.room[r] = <double>max(0, room[r]) + 1e-6


cdef inline PodBlock *shared(PodBlock *block) noexcept nogil:
    """The block, for one more user."""
    block.n_users += 1
    return block


cdef inline void set_pod(
    PodBlock *block, int32_t i, int32_t pod, int32_t class_id, bint settles, int64_t created,
    int64_t id
) noexcept nogil:
    """Set a pod of a block that has not been ranked."""
    block.pods[i], block.classes[i], block.settles[i] = pod, class_id, settles
    block.keys[i].created, block.keys[i].id = created, id
