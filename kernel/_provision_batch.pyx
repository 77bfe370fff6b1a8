"""The pods of a round, and the order in which they are tried.

What every round places is sorted once, what leaves with a node when the node is first taken away;
the two are merged while the round goes on, so that a round that ends early has not paid for the
rest.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._provision_pods cimport ProvisionPods
from ._provision_queue cimport QueueKey, goes_first, merge_runs, sort_queue
from ._provision_tables cimport BOUND_SETTLES, copied32, grown, release


cdef class ProvisionBatch(ProvisionPods):
    """The batch of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __dealloc__(self):
        self.forget_batch()
        free(self.moved)
        free(self.run_ends)
        free(self.leaving_queue)
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
        cdef int32_t i, pod, n_leavers = len(leavers)
        cdef const int32_t[::1] pending = classes, size = sizes
        cdef const int64_t[::1] since = created, number = ids
        cdef const int64_t[::1] bound_since = bound_created, bound_number = bound_ids
        cdef QueueKey *key
        self.forget_batch()
        self.state_ready = False
        self.n_pending, self.n_moving = len(classes), len(moving)
        self.n_base = self.n_pending + self.n_moving
        self.moving = copied32(moving)
        self.base_class = <int32_t *>grown(NULL, self.n_base * sizeof(int32_t))
        self.base_settles = <uint8_t *>grown(NULL, self.n_base)
        self.base_key = <QueueKey *>grown(NULL, self.n_base * sizeof(QueueKey))
        self.base_queue = <int32_t *>grown(NULL, self.n_base * sizeof(int32_t))
        self.spare = <int32_t *>grown(NULL, max(self.n_base, n_leavers) * sizeof(int32_t))
        for i in range(self.n_base):
            key = &self.base_key[i]
            self.base_queue[i] = i
            if i < self.n_pending:
                self.base_class[i] = pending[i]
                self.base_settles[i] = 1
                key.created, key.id = since[i], number[i]
            else:
                pod = self.moving[i - self.n_pending]
                self.base_class[i] = self.bound_class[pod]
                self.base_settles[i] = self.bound_flags[pod] & BOUND_SETTLES != 0
                key.created, key.id = bound_since[pod], bound_number[pod]
            key.size = size[self.base_class[i]]
        sort_queue(self.base_queue, self.n_base, self.base_key, self.spare)
        self.leavers_off, self.leavers = copied32(leavers_off), copied32(leavers)
        self.leaver_key = <QueueKey *>grown(NULL, n_leavers * sizeof(QueueKey))
        self.leavers_queue = <int32_t *>grown(NULL, n_leavers * sizeof(int32_t))
        self.place_of = <int32_t *>grown(NULL, n_leavers * sizeof(int32_t))
        for i in range(n_leavers):
            pod = self.leavers[i]
            key = &self.leaver_key[i]
            key.created, key.id = bound_since[pod], bound_number[pod]
            key.size = size[self.bound_class[pod]]
            self.leavers_queue[i] = i
        self.is_queued = <uint8_t *>grown(NULL, self.n_nodes)
        memset(self.is_queued, 0, self.n_nodes)

    cdef void forget_batch(self) noexcept:
        release(<void **>&self.moving)
        release(<void **>&self.base_class)
        release(<void **>&self.base_settles)
        release(<void **>&self.base_key)
        release(<void **>&self.base_queue)
        release(<void **>&self.leavers_off)
        release(<void **>&self.leavers)
        release(<void **>&self.leaver_key)
        release(<void **>&self.leavers_queue)
        release(<void **>&self.is_queued)
        release(<void **>&self.place_of)
        release(<void **>&self.spare)

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

    cdef int gather(self) except -1 nogil:
        """Collect the batch (pending, leaving, moving), and start its queue."""
        cdef int32_t i, n, first, count, place, total = 0
        for i in range(self.n_excluded):
            n = self.excluded[i]
            total += self.leavers_off[n + 1] - self.leavers_off[n]
        if total + self.n_moving > self.leaving_room:
            self.leaving_room = 2 * (total + self.n_moving)
            self.leaving_queue = <int32_t *>grown(
                self.leaving_queue, self.leaving_room * sizeof(int32_t))
            self.moved = <int32_t *>grown(self.moved, self.leaving_room * sizeof(int32_t))
        total = 0
        for i in range(self.n_excluded):
            n = self.excluded[i]
            first = self.leavers_off[n]
            count = self.leavers_off[n + 1] - first
            if not self.is_queued[n]:
                self.is_queued[n] = 1
                sort_queue(&self.leavers_queue[first], count, self.leaver_key, self.spare)
            memcpy(&self.moved[total], &self.leavers[first], count * sizeof(int32_t))
            memcpy(&self.leaving_queue[total], &self.leavers_queue[first],
                   count * sizeof(int32_t))
            for place in range(count):
                self.place_of[first + place] = self.n_pending + total + place
            total += count
            self.run_ends[i] = total
        merge_runs(
            self.leaving_queue, self.run_ends, self.n_excluded, self.leaver_key, self.spare)
        memcpy(&self.moved[total], self.moving, self.n_moving * sizeof(int32_t))
        self.n_leaving = total
        self.n_moved = total + self.n_moving
        self.n_pods = self.n_base + total
        self.next_base = self.next_leaving = self.ring_head = self.n_ring = 0
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
        cdef int32_t b, pod, l
        if self.next_leaving < self.n_leaving:
            l = self.leaving_queue[self.next_leaving]
            if self.next_base == self.n_base or goes_first(
                &self.leaver_key[l], &self.base_key[self.base_queue[self.next_base]]
            ):
                self.next_leaving += 1
                pod = self.place_of[l]
                b = self.leavers[l]
                self.pod_class[pod] = self.bound_class[b]
                self.pod_settles[pod] = self.bound_flags[b] & BOUND_SETTLES != 0
                return pod
        if self.next_base < self.n_base:
            b = self.base_queue[self.next_base]
            self.next_base += 1
            pod = b if b < self.n_pending else b + self.n_leaving
            self.pod_class[pod] = self.base_class[b]
            self.pod_settles[pod] = self.base_settles[b]
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
        self.pod_pushed[pod] = (
            self.n_base - self.next_base + self.n_leaving - self.next_leaving + self.n_ring)
