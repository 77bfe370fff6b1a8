"""The pods of a round, and the order in which they are tried."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t

from ._provision_blocks cimport PodBlock
from ._provision_pods cimport ProvisionPods
from ._provision_queue cimport PodQueues


cdef class ProvisionBatch(ProvisionPods):
    cdef uint8_t *node_excluded         # whether it is among `excluded`
    cdef bint state_ready               # whether the state of rounds is laid out for the batch
    cdef int32_t *size_of               # per class its place in the queue by size
    cdef int32_t n_sizes
    # what every round places: pending pods, then those that move anyway
    cdef int32_t n_pending, n_moving, n_base
    # a block per node (bound pods that move when it goes), and one of what is always placed
    cdef PodQueues queues
    cdef int32_t *first_bound           # by node: from the pods of its block to bound pods
    # the batch of the round: pending, leaving, moving
    cdef int32_t n_pods, n_leaving, pod_room
    cdef int32_t moved_room
    cdef int32_t n_waiting              # pods that were not tried yet
    cdef int32_t *pod_class             # of pods that were tried, as is what follows
    cdef uint8_t *pod_settles
    cdef int32_t *pod_pushed
    cdef int32_t *pod_place             # of all pods, -1 for those that were not placed
    cdef int8_t *pod_reasons            # pods x templates
    cdef int32_t *ring                  # pods that wait for another attempt
    cdef int32_t ring_head, n_ring

    cdef int begin_batch(self, int32_t n_pending, int32_t n_moving) except -1
    cdef void put_block(self, int32_t n, PodBlock *block, int32_t first) noexcept
    cdef void set_base(
        self, int32_t i, int32_t pod, int32_t class_id, int64_t created, int64_t id) noexcept
    cdef void end_batch(self) noexcept
    cdef void exclude(self, int32_t n) noexcept nogil
    cdef int room_for_pods(self) except -1 nogil
    cdef int gather(self) except -1 nogil
    cdef int list_moved(self) except -1 nogil
    cdef void list_classes(self, int32_t *into) noexcept nogil
    cdef int touch_all(self) except -1 nogil
    cdef int32_t next_pod(self) noexcept nogil
    cdef void push_back(self, int32_t pod) noexcept nogil
