"""The pods of a round, and the order in which they are tried."""

from libc.stdint cimport int8_t, int32_t, uint8_t

from ._provision_pods cimport ProvisionPods
from ._provision_queue cimport PodQueues


cdef class ProvisionBatch(ProvisionPods):
    cdef uint8_t *node_excluded         # whether it is among `excluded`
    cdef size_t n_batches               # how many were set
    cdef bint state_ready               # whether the state of rounds is laid out for the batch
    # what every round places: pending pods, then those that move anyway
    cdef int32_t n_pending, n_moving, n_base
    cdef int32_t *moving
    cdef int32_t *base_class
    cdef uint8_t *base_settles
    # by node: bound pods that move when the node goes
    cdef int32_t n_leavers
    cdef int32_t *leavers_off
    cdef int32_t *leavers
    cdef PodQueues queues               # of the leavers of each node, and of what is always placed
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

    cdef void exclude(self, int32_t n) noexcept nogil
    cdef void forget_batch(self) noexcept
    cdef int room_for_pods(self) except -1 nogil
    cdef int gather(self) except -1 nogil
    cdef int touch_all(self) except -1 nogil
    cdef int32_t next_pod(self) noexcept nogil
    cdef void push_back(self, int32_t pod) noexcept nogil
