"""The pods of a round, and the order in which they are tried.

What every round places and what leaves with the nodes of a round are merged while the round goes
on, so that a round that ends early has not paid for the rest.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._provision_pods cimport ProvisionPods
from ._provision_queue cimport PodQueues, QueueKey
from ._provision_tables cimport BOUND_SETTLES, NODE_LIMITED, copied32, grown, release


cdef class ProvisionBatch(ProvisionPods):
    """The batch of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, *_):
        self.queues = PodQueues()

    def __dealloc__(self):
        self.forget_batch()
        free(self.moved)
        free(self.excluded)
        free(self.node_excluded)
        free(self.pod_class)
        free(self.pod_settles)
        free(self.pod_pushed)
        free(self.pod_place)
        free(self.pod_reasons)
        free(self.ring)

    def set_batch(self, classes, sizes, created, ids, bound_created, bound_ids, leavers_off,
                  leavers, moving):
        """Set the pods that rounds place; may be called again.

        Parameters
        ----------
        classes : ndarray of int32, shape (n_pending,)
            Classes of the pending pods, in the order of upstream's list.
        sizes : ndarray of int32, shape (n_classes,)
            Place in the queue by size, the largest first.
        created, ids : ndarray of int64, shape (n_pending,)
            Pods of one size are queued by age, then by id.
        bound_created, bound_ids : ndarray of int64, shape (n_bound,)
            The same of the bound pods.
        leavers_off, leavers : ndarray of int32
            Node by node the bound pods that move when the node is taken away, in order.
        moving : ndarray of int32
            Bound pods that move anyway, since their node is going.
        """
        import numpy as np

        cdef int32_t i, pod, n
        cdef const int32_t[::1] pending = classes, size = sizes
        cdef const int64_t[::1] since = created, number = ids
        cdef const int64_t[::1] bound_since = bound_created, bound_number = bound_ids
        cdef QueueKey *key
        self.forget_batch()
        self.state_ready = False
        self.n_batches += 1
        self.n_pending, self.n_moving, self.n_leavers = len(classes), len(moving), len(leavers)
        self.n_base = self.n_pending + self.n_moving
        self.moving, self.leavers = copied32(moving), copied32(leavers)
        self.leavers_off = copied32(leavers_off)
        self.n_excluded = self.n_moved = 0
        self.excluded = <int32_t *>grown(self.excluded, self.n_nodes * sizeof(int32_t))
        self.node_excluded = <uint8_t *>grown(self.node_excluded, self.n_nodes)
        memset(self.node_excluded, 0, self.n_nodes)
        self.base_class = <int32_t *>grown(NULL, self.n_base * sizeof(int32_t))
        self.base_settles = <uint8_t *>grown(NULL, self.n_base)
        n = self.n_leavers
        self.queues.make(
            self.n_nodes + 1, np.append(leavers_off, np.int32(n + self.n_base)))
        for i in range(n + self.n_base):
            key = &self.queues.keys[i]
            if n <= i < n + self.n_pending:
                self.base_class[i - n] = pending[i - n]
                self.base_settles[i - n] = 1
                key.created, key.id = since[i - n], number[i - n]
                key.size = size[pending[i - n]]
                continue
            pod = self.leavers[i] if i < n else self.moving[i - n - self.n_pending]
            if i >= n:
                self.base_class[i - n] = self.bound_class[pod]
                self.base_settles[i - n] = self.bound_flags[pod] & BOUND_SETTLES != 0
            key.created, key.id = bound_since[pod], bound_number[pod]
            key.size = size[self.bound_class[pod]]

    cdef void forget_batch(self) noexcept:
        release(<void **>&self.moving)
        release(<void **>&self.base_class)
        release(<void **>&self.base_settles)
        release(<void **>&self.leavers_off)
        release(<void **>&self.leavers)

    cdef int room_for_pods(self) except -1 nogil:
        cdef int32_t n = self.n_pods
        if n <= self.pod_room:
            return 0
        self.pod_room = n = max(n, 2 * self.pod_room)
        self.pod_class = <int32_t *>grown(self.pod_class, n * sizeof(int32_t))
        self.pod_settles = <uint8_t *>grown(self.pod_settles, n)
        self.pod_place = <int32_t *>grown(self.pod_place, n * sizeof(int32_t))
        self.pod_pushed = <int32_t *>grown(self.pod_pushed, n * sizeof(int32_t))
        self.ring = <int32_t *>grown(self.ring, n * sizeof(int32_t))
        self.pod_reasons = <int8_t *>grown(self.pod_reasons, <size_t>n * self.n_templates)
        return 0

    cdef void exclude(self, int32_t n) noexcept nogil:
        """Take a node away, once; one that is going anyway takes no part as it is."""
        if not self.node_excluded[n] and self.node_flags[n] & NODE_LIMITED:
            self.node_excluded[n] = 1
            self.excluded[self.n_excluded] = n
            self.n_excluded += 1

    cdef int gather(self) except -1 nogil:
        """Collect the batch (pending, leaving, moving), and start its queue."""
        cdef int32_t i, n, first, count, total = 0
        for i in range(self.n_excluded):
            n = self.excluded[i]
            total += self.leavers_off[n + 1] - self.leavers_off[n]
        if total + self.n_moving > self.moved_room:
            self.moved_room = 2 * (total + self.n_moving)
            self.moved = <int32_t *>grown(self.moved, self.moved_room * sizeof(int32_t))
        self.n_leaving = total
        total = 0
        for i in range(self.n_excluded):
            n = self.excluded[i]
            first = self.leavers_off[n]
            count = self.leavers_off[n + 1] - first
            memcpy(&self.moved[total], &self.leavers[first], count * sizeof(int32_t))
            total += count
        memcpy(&self.moved[total], self.moving, self.n_moving * sizeof(int32_t))
        self.n_moved = total + self.n_moving
        self.n_pods = self.n_base + total
        self.queues.begin(self.excluded, self.n_excluded, self.n_nodes)
        self.n_waiting = self.n_pods
        self.ring_head = self.n_ring = 0
        return self.room_for_pods()

    cdef int touch_all(self) except -1 nogil:
        """Use the classes of all pods in the order of the batch: the first owner makes a group."""
        cdef int32_t i
        for i in range(self.n_pending):
            self.touch(self.base_class[i])
        for i in range(self.n_leaving):
            self.touch(self.bound_class[self.moved[i]])
        for i in range(self.n_pending, self.n_base):
            self.touch(self.base_class[i])
        return 0

    cdef int32_t next_pod(self) noexcept nogil:
        """The pod to try next, by its place in the batch, or -1.

        It is taken from the queue; those that were pushed back come after all others.  Where a pod
        that was pushed back comes again and all that are left have been tried in vain meanwhile,
        nothing is left to try.
        """
        cdef int32_t i = self.queues.take(), pod
        if i >= self.n_leavers:
            self.n_waiting -= 1
            i -= self.n_leavers
            pod = i if i < self.n_pending else i + self.n_leaving
            self.pod_class[pod] = self.base_class[i]
            self.pod_settles[pod] = self.base_settles[i]
            return pod
        if i >= 0:
            self.n_waiting -= 1
            pod = self.n_pending + self.queues.place
            i = self.leavers[i]
            self.pod_class[pod] = self.bound_class[i]
            self.pod_settles[pod] = self.bound_flags[i] & BOUND_SETTLES != 0
            return pod
        if not self.n_ring:
            return -1
        pod = self.ring[self.ring_head]
        if self.pod_pushed[pod] == self.n_ring:
            return -1
        self.ring_head += 1
        if self.ring_head == self.n_pods:
            self.ring_head = 0
        self.n_ring -= 1
        return pod

    cdef void push_back(self, int32_t pod) noexcept nogil:
        """Try the pod again after all others."""
        cdef int32_t end = self.ring_head + self.n_ring
        if end >= self.n_pods:
            end -= self.n_pods
        self.ring[end] = pod
        self.n_ring += 1
        self.pod_pushed[pod] = self.n_waiting + self.n_ring
