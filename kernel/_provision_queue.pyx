"""The order in which the pods of a round are tried: some of many lists, merged.

A round that ends early has not asked for the rest.  So a list is a heap from which pods are taken
as they are wanted; what was taken keeps its order from round to round.  No two pods have one key:
the order is total.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from ._provision_blocks cimport PodBlock, QueueKey, drop_block, new_block, set_pod, shared
from ._provision_tables cimport grown

cdef enum:
    SHORT = 8                   # runs that insertion sorts
    LONG = 512                  # lists that are sorted at once: a heap of them leaves the cache


cdef void merge(
    int32_t *pods, int32_t middle, int32_t n, const QueueKey *keys, int32_t *spare
) noexcept nogil:
    """Merge two neighbours, sorted with the last first; ``spare`` has room for the first."""
    cdef int32_t i = 0, j = middle, k = 0
    if middle == 0 or j == n or goes_first(&keys[pods[middle]], &keys[pods[middle - 1]]):
        return
    memcpy(spare, pods, middle * sizeof(int32_t))
    while i < middle and j < n:
        if goes_first(&keys[spare[i]], &keys[pods[j]]):
            pods[k] = pods[j]
            j += 1
        else:
            pods[k] = spare[i]
            i += 1
        k += 1
    memcpy(&pods[k], &spare[i], (middle - i) * sizeof(int32_t))


cdef void sort_last_first(
    int32_t *pods, int32_t n, const QueueKey *keys, int32_t *spare
) noexcept nogil:
    """Sort pods by their keys, the last first; ``spare`` has room for as many."""
    cdef int32_t start = 0, i, j, pod, width = SHORT
    while start < n:
        for i in range(start + 1, min(start + width, n)):
            pod = pods[i]
            j = i
            while j > start and goes_first(&keys[pods[j - 1]], &keys[pod]):
                pods[j] = pods[j - 1]
                j -= 1
            pods[j] = pod
        start += width
    while width < n:
        start = 0
        while start + width < n:
            merge(&pods[start], width, min(2 * width, n - start), keys, spare)
            start += 2 * width
        width *= 2


cdef inline void sift(int32_t *heap, int32_t i, int32_t n, const QueueKey *keys) noexcept nogil:
    """Let the pod at place i sink to where it belongs."""
    cdef int32_t pod = heap[i], child = 2 * i + 1
    while child < n:
        if child + 1 < n and goes_first(&keys[heap[child + 1]], &keys[heap[child]]):
            child += 1
        if goes_first(&keys[pod], &keys[heap[child]]):
            break
        heap[i] = heap[child]
        i = child
        child = 2 * i + 1
    heap[i] = pod


cdef class PodQueues:
    """Lists of pods, and the queue of all pods of some of them."""

    def __dealloc__(self):
        self.make(0)
        free(self.lists)
        free(self.spare)
        free(self.merged)
        free(self.taken)
        free(self.shift)
        free(self.head)
        free(self.open)

    def set(self, const int32_t[::1] offsets, const int32_t[::1] sizes,
            const int64_t[::1] created, const int64_t[::1] ids):
        """Set the lists; may be called again.

        Parameters
        ----------
        offsets : ndarray of int32, shape (n_lists + 1,)
            List ``l`` has the pods from ``offsets[l]`` to ``offsets[l + 1]``.
        sizes : ndarray of int32, shape (n_pods,)
        created, ids : ndarray of int64, shape (n_pods,)
            Pods go by size, then by age, then by id; no two are alike.
        """
        cdef int32_t l, i, pod
        cdef PodBlock *block
        self.make(<int32_t>offsets.shape[0] - 1)
        for l in range(self.n_lists):
            block = new_block(offsets[l + 1] - offsets[l], 0)
            self.put(l, block)
            for i in range(block.n):
                pod = offsets[l] + i
                set_pod(block, i, pod, 0, False, created[pod], ids[pod])
                block.keys[i].size = sizes[pod]
            drop_block(block)

    cdef int make(self, int32_t n_lists) except -1:
        """Forget all lists; others are about to be put in their places."""
        cdef int32_t l
        for l in range(self.n_lists):
            drop_block(self.lists[l])
        self.n_lists = 0
        if n_lists > self.list_room:
            self.list_room = n_lists + n_lists // 2
            self.lists = <PodBlock **>grown(self.lists, self.list_room * sizeof(void *))
        for l in range(n_lists):
            self.lists[l] = NULL
        self.n_lists = n_lists
        return 0

    cdef void put(self, int32_t l, PodBlock *block) noexcept:
        self.lists[l] = shared(block)

    def first(self, const int32_t[::1] lists, int n):
        """Return the first pods of the queue of some lists, each with its place in these lists."""
        cdef int32_t m = <int32_t>lists.shape[0], pod
        found = []
        self.begin(&lists[0] if m else NULL, m, -1)
        while len(found) < n:
            pod = self.take()
            if pod < 0:
                break
            found.append((self.block.pods[pod], self.place))
        return found

    cdef int lay_out(self, PodBlock *block) except -1 nogil:
        """Make a list's heap, unless there is one."""
        cdef int32_t n = block.n, i
        if block.left >= 0:
            return 0
        for i in range(n):
            block.order[i] = i
        if n > LONG:
            if n > self.spare_room:
                self.spare = <int32_t *>grown(self.spare, n * sizeof(int32_t))
                self.spare_room = n
            sort_last_first(block.order, n, block.keys, self.spare)
            block.left = 0
            return 0
        for i in range(n // 2 - 1, -1, -1):
            sift(block.order, i, n, block.keys)
        block.left = n
        return 0

    cdef int begin(self, const int32_t *lists, int32_t n, int32_t last) except -1 nogil:
        """Start the queue of some lists and, unless it is -1, one more."""
        cdef int32_t i, total = 0, m = n + (last >= 0)
        cdef PodBlock *block
        if m > self.room:
            self.room = max(16, 2 * m)
            self.merged = <PodBlock **>grown(self.merged, self.room * sizeof(void *))
            self.taken = <int32_t *>grown(self.taken, self.room * sizeof(int32_t))
            self.shift = <int32_t *>grown(self.shift, self.room * sizeof(int32_t))
            self.head = <int32_t *>grown(self.head, self.room * sizeof(int32_t))
            self.open = <int32_t *>grown(self.open, self.room * sizeof(int32_t))
        self.n_open = 0
        for i in range(m):
            block = self.lists[lists[i] if i < n else last]
            self.merged[i], self.taken[i], self.shift[i] = block, 0, total
            total += block.n
            if block.n:
                self.lay_out(block)
                self.open[self.n_open] = i
                self.n_open += 1
                self.head[i] = block.order[block.n - 1 if block.left < block.n else 0]
        for i in range(self.n_open // 2 - 1, -1, -1):
            self.settle(i)
        return 0

    cdef int32_t take(self) noexcept nogil:
        """The next pod of the queue by its number in ``block``, or -1.

        ``place`` is its place among the pods of the lists.
        """
        cdef int32_t r, n, pod, k
        cdef int32_t *order
        cdef PodBlock *block
        if self.n_open == 0:
            return -1
        r = self.open[0]
        self.block = block = self.merged[r]
        pod = self.head[r]
        n, order = block.n, block.order
        self.place = pod + self.shift[r]
        if self.taken[r] == n - block.left:
            # It was on top of the heap: the heap's last pod takes its place, and it that one's.
            block.left = k = block.left - 1
            order[0], order[k] = order[k], pod
            if k:
                sift(order, 0, k, block.keys)
        self.taken[r] += 1
        if self.taken[r] == n:
            self.n_open -= 1
            self.open[0] = self.open[self.n_open]
        elif self.taken[r] < n - block.left:
            self.head[r] = order[n - 1 - self.taken[r]]
        else:
            self.head[r] = order[0]
        if self.n_open > 1:
            self.settle(0)
        return pod

    cdef void settle(self, int32_t i) noexcept nogil:
        """Let an open list sink to where its next pod belongs."""
        cdef int32_t n = self.n_open, r = self.open[i], child = 2 * i + 1
        cdef const QueueKey *key = &self.merged[r].keys[self.head[r]]
        while child < n:
            if child + 1 < n and goes_first(self.next_of(child + 1), self.next_of(child)):
                child += 1
            if goes_first(key, self.next_of(child)):
                break
            self.open[i] = self.open[child]
            i = child
            child = 2 * i + 1
        self.open[i] = r

    cdef inline const QueueKey *next_of(self, int32_t i) noexcept nogil:
        """The key of an open list's next pod."""
        cdef int32_t r = self.open[i]
        return &self.merged[r].keys[self.head[r]]
