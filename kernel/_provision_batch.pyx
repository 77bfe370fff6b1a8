"""The pods of a round, and the order in which they are tried.

What every round places and what leaves with the nodes of a round are merged while the round goes
on, so that a round that ends early has not paid for the rest.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._provision_blocks cimport (
    PodBlock, drop_block, new_block, rank_block, set_pod, set_room)
from ._provision_pods cimport ProvisionPods
from ._provision_queue cimport PodQueues
from ._provision_tables cimport BOUND_SETTLES, NODE_LIMITED, copied32, grown


cdef class ProvisionBatch(ProvisionPods):
    """The batch of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, *_):
        self.queues = PodQueues()

    def __dealloc__(self):
        free(self.size_of)
        free(self.first_bound)
        free(self.moved)
        free(self.excluded)
        free(self.node_excluded)
        free(self.pod_class)
        free(self.pod_settles)
        free(self.pod_pushed)
        free(self.pod_place)
        free(self.pod_reasons)
        free(self.ring)

    def set_sizes(self, sizes):
        """Set the place of each class in the queue by size, the largest first.

        May be called again when there are more classes, before the next batch is set.
        """
        free(self.size_of)
        self.size_of = NULL
        self.size_of = copied32(sizes)
        self.n_sizes = len(sizes)

    def set_batch(self, const int32_t[::1] classes, const int64_t[::1] created,
                  const int64_t[::1] ids, const int64_t[::1] bound_created,
                  const int64_t[::1] bound_ids, const int32_t[::1] leavers_off,
                  const int32_t[::1] leavers, const int32_t[::1] moving):
        """Set the pods that rounds place; may be called again.

        Parameters
        ----------
        classes : ndarray of int32, shape (n_pending,)
            Classes of the pending pods, in the order of upstream's list; their sizes are known.
        created, ids : ndarray of int64, shape (n_pending,)
            Pods of one size are queued by age, then by id.
        bound_created, bound_ids : ndarray of int64, shape (n_bound,)
            The same of the bound pods.
        leavers_off, leavers : ndarray of int32
            Node by node the bound pods that move when the node is taken away, in order.
        moving : ndarray of int32
            Bound pods that move anyway, since their node is going.
        """
        cdef int32_t i, n, first, pod
        cdef PodBlock *block
        self.begin_batch(<int32_t>classes.shape[0], <int32_t>moving.shape[0])
        for n in range(self.n_nodes):
            first = leavers_off[n]
            block = new_block(leavers_off[n + 1] - first, self.n_resources)
            self.put_block(n, block, 0)
            set_room(block, &self.node_room_base[n * self.n_resources], self.n_resources)
            for i in range(block.n):
                pod = leavers[first + i]
                set_pod(block, i, pod, self.bound_class[pod],
                        self.bound_flags[pod] & BOUND_SETTLES != 0,
                        bound_created[pod], bound_ids[pod])
            drop_block(block)
        for i in range(self.n_pending):
            self.set_base(i, -1, classes[i], created[i], ids[i])
        for i in range(self.n_moving):
            pod = moving[i]
            self.set_base(
                self.n_pending + i, pod, self.bound_class[pod], bound_created[pod], bound_ids[pod])
        self.end_batch()

    cdef int begin_batch(self, int32_t n_pending, int32_t n_moving) except -1:
        """Make room for a batch: the block of each node and the base are about to be set."""
        cdef PodBlock *base
        self.state_ready = False
        self.n_batches += 1
        self.n_pending, self.n_moving = n_pending, n_moving
        self.n_base = n_pending + n_moving
        self.n_excluded = self.n_moved = 0
        self.excluded = <int32_t *>grown(self.excluded, self.n_nodes * sizeof(int32_t))
        self.node_excluded = <uint8_t *>grown(self.node_excluded, self.n_nodes)
        memset(self.node_excluded, 0, self.n_nodes)
        self.first_bound = <int32_t *>grown(self.first_bound, self.n_nodes * sizeof(int32_t))
        self.queues.make(self.n_nodes + 1)
        base = new_block(self.n_base, 0)
        self.queues.put(self.n_nodes, base)
        drop_block(base)
        return 0

    cdef void put_block(self, int32_t n, PodBlock *block, int32_t first) noexcept:
        """Set what leaves with a node; its pods are numbered from ``first`` on."""
        self.first_bound[n] = first
        self.queues.put(n, block)

    cdef void set_base(
        self, int32_t i, int32_t pod, int32_t class_id, int64_t created, int64_t id
    ) noexcept:
        """Set a pod that every round places: a pending one, or the bound pod of that number."""
        set_pod(self.queues.lists[self.n_nodes], i, pod, class_id, True, created, id)

    cdef void end_batch(self) noexcept:
        """Rank the pods of the batch, which has been set."""
        cdef int32_t l
        for l in range(self.n_nodes + 1):
            rank_block(self.queues.lists[l], self.size_of, self.n_sizes)

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
        """Count the batch (pending, leaving, moving), and start its queue."""
        cdef int32_t i
        self.n_leaving = 0
        for i in range(self.n_excluded):
            self.n_leaving += self.queues.lists[self.excluded[i]].n
        self.n_moved = self.n_leaving + self.n_moving
        self.n_pods = self.n_base + self.n_leaving
        self.queues.begin(self.excluded, self.n_excluded, self.n_nodes)
        self.n_waiting = self.n_pods
        self.ring_head = self.n_ring = 0
        return self.room_for_pods()

    cdef int list_moved(self) except -1 nogil:
        """List the bound pods of the batch."""
        cdef int32_t i, k, n, total = 0
        cdef const PodBlock *block
        if self.n_moved > self.moved_room:
            self.moved_room = 2 * self.n_moved
            self.moved = <int32_t *>grown(self.moved, self.moved_room * sizeof(int32_t))
        for i in range(self.n_excluded):
            n = self.excluded[i]
            block = self.queues.lists[n]
            for k in range(block.n):
                self.moved[total + k] = self.first_bound[n] + block.pods[k]
            total += block.n
        memcpy(&self.moved[total], &self.queues.lists[self.n_nodes].pods[self.n_pending],
               self.n_moving * sizeof(int32_t))
        return 0

    cdef void list_classes(self, int32_t *into) noexcept nogil:
        """Write the classes of all pods in the order of the batch."""
        cdef int32_t i
        cdef const PodBlock *base = self.queues.lists[self.n_nodes]
        cdef const PodBlock *block
        memcpy(into, base.classes, self.n_pending * sizeof(int32_t))
        into += self.n_pending
        for i in range(self.n_excluded):
            block = self.queues.lists[self.excluded[i]]
            memcpy(into, block.classes, block.n * sizeof(int32_t))
            into += block.n
        memcpy(into, &base.classes[self.n_pending], self.n_moving * sizeof(int32_t))

    cdef int touch_all(self) except -1 nogil:
        """Use the classes of all pods in the order of the batch: the first owner makes a group."""
        cdef int32_t i
        self.list_classes(self.pod_class)
        for i in range(self.n_pods):
            self.touch(self.pod_class[i])
        return 0

    cdef int32_t next_pod(self) noexcept nogil:
        """The pod to try next, by its place in the batch, or -1.

        It is taken from the queue; those that were pushed back come after all others.  Where a pod
        that was pushed back comes again and all that are left have been tried in vain meanwhile,
        nothing is left to try.
        """
        cdef int32_t i = self.queues.take(), pod
        cdef const PodBlock *block
        if i >= 0:
            self.n_waiting -= 1
            block = self.queues.block
            if block != self.queues.lists[self.n_nodes]:
                pod = self.n_pending + self.queues.place
            else:
                pod = i if i < self.n_pending else i + self.n_leaving
            self.pod_class[pod], self.pod_settles[pod] = block.classes[i], block.settles[i]
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
