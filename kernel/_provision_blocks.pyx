"""What rounds know of the pods of one node, made once and handed on while these stay as they are.

A block says nothing of its node's number nor of its pods' numbers: it may serve one cluster after
the other, as long as they have the same classes.
"""

from libc.stdint cimport int32_t, uint8_t
from libc.stdlib cimport free

from ._provision_tables cimport grown


cdef PodBlock *new_block(int32_t n, int32_t n_resources) except NULL:
    """A block of one user, whose pods and room are about to be set."""
    cdef size_t k = n_resources
    cdef size_t size = n * (sizeof(QueueKey) + 6 * sizeof(int32_t) + sizeof(uint8_t)) + (
        k * (sizeof(int64_t) + sizeof(double)) + k * k * sizeof(double))
    cdef PodBlock *block = <PodBlock *>grown(NULL, sizeof(PodBlock) + size)
    block.n_users, block.n, block.mark = 1, n, 0
    block.n_sizes = block.left = block.n_kinds = -1
    # One piece of memory, the widest first.
    block.keys = <QueueKey *>(block + 1)
    block.requests = <int64_t *>(block.keys + n)
    block.room = <double *>(block.requests + k)
    block.ratio = block.room + k
    block.pods = <int32_t *>(block.ratio + k * k)
    block.classes = block.pods + n
    block.order = block.classes + n
    block.kind_class = block.order + n
    block.kind_count = block.kind_class + n
    block.kind_places = block.kind_count + n
    block.settles = <uint8_t *>(block.kind_places + n)
    return block


cdef void drop_block(PodBlock *block) noexcept nogil:
    """Do without a block, unless it is NULL; the last user frees it."""
    if block == NULL:
        return
    block.n_users -= 1
    if block.n_users == 0:
        free(block)


cdef void rank_block(PodBlock *block, const int32_t *size_of, int32_t n_sizes) noexcept nogil:
    """Let the keys follow the places of classes by size; a new class changes nobody's order."""
    cdef int32_t i
    if block.n_sizes != n_sizes:
        for i in range(block.n):
            block.keys[i].size = size_of[block.classes[i]]
        block.n_sizes = n_sizes


cdef int32_t count_kinds(PodBlock *block, int32_t *slot_of) noexcept nogil:
    """Count the pods by class, without those that may settle anywhere; how many classes it is.

    ``slot_of`` has room for every class; what it says does not matter.
    """
    cdef int32_t i, class_id, slot, kinds = 0
    for i in range(block.n):
        if block.settles[i]:
            continue
        class_id = block.classes[i]
        slot = slot_of[class_id]
        if slot >= kinds or block.kind_class[slot] != class_id:
            slot_of[class_id] = slot = kinds
            block.kind_class[slot] = class_id
            block.kind_count[slot] = 0
            kinds += 1
        block.kind_count[slot] += 1
    block.n_kinds = kinds
    return kinds
