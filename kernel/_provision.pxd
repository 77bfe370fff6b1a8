"""Karpenter's Solve over interned tables; see ``_provision.pyx``."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t

from ._provision_pods cimport ProvisionPods
from ._provision_queue cimport QueueKey


cdef class Provisioner(ProvisionPods):
    cdef uint8_t *node_excluded
    cdef uint8_t *bound_moved
    cdef int64_t version                # one per placement
    cdef bint state_ready, limits_volumes
    cdef bint stops, stopped            # at the first leaving pod on a node that may never work
    cdef int32_t *moved_queue           # the moved pods in the order of the queue
    cdef int32_t *run_ends
    cdef int32_t *place_of              # of a moved pod, in the batch
    # the base batch
    cdef int32_t n_pending
    cdef int32_t *pending_class
    cdef QueueKey *pending_key
    cdef int32_t *pending_queue
    cdef QueueKey *bound_key
    cdef int32_t *leavers_off           # by node: bound pods that move when the node goes
    cdef int32_t *leavers
    cdef int32_t *leavers_queue         # the same, in the order of the queue once it was asked for
    cdef uint8_t *is_queued
    cdef int32_t n_moving
    cdef int32_t *moving                # bound pods of nodes that are going anyway
    cdef int32_t *moving_queue
    cdef int32_t *spare
    # the batch of the round: pending, leaving, moving
    cdef int32_t n_pods, pod_room
    cdef int32_t *pod_class
    cdef uint8_t *pod_settles
    cdef int32_t *pod_place
    cdef int32_t *pod_pushed
    cdef int32_t *ring
    cdef int8_t *pod_reasons

    cdef void forget_batch(self) noexcept
    cdef QueueKey *keys_of(
        self, const int32_t *classes, const int32_t[::1] sizes, const int64_t[::1] created,
        const int64_t[::1] ids) except NULL
    cdef int prepare(self) except -1 nogil
    cdef int room_for_pods(self, int32_t n) except -1 nogil
    cdef int begin(self, const int64_t *node_limits) except -1 nogil
    cdef void exclude(self, int32_t n) noexcept nogil
    cdef int gather(self) except -1 nogil
    cdef int run(self, const int64_t *node_limits) except -1 nogil
    cdef bint is_unsure(self, int32_t pod) noexcept nogil
    cdef void finish(self) noexcept nogil
