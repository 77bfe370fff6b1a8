"""The nodes of a run and their pods, brought up to date node by node.

A look at a cluster finds few nodes changed since the last one.  Only those are read again.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from ._provision_blocks cimport drop_block
from ._provision_tables cimport grown

cdef int64_t NEVER = -(<int64_t>1 << 62)
# A second pod event on a node within this time does not move its ``lastPodEventTime``.
cdef int64_t EVENT_DEDUPE_NS = 10_000_000_000


cdef class RosterRows:
    """The rows of a :class:`pyscale.kernel._roster.Roster`: what a view says of nodes."""

    def __cinit__(self, int64_t epoch_ns, const uint8_t[::1] class_flags,
                  const double[::1] eviction_costs):
        cdef int32_t i
        self.epoch_ns = epoch_ns
        self.n_classes = <int32_t>class_flags.shape[0]
        self.classes = <ClassFacts *>calloc(self.n_classes + 1, sizeof(ClassFacts))
        if self.classes == NULL:
            raise MemoryError
        for i in range(self.n_classes):
            self.classes[i].flags = class_flags[i]
            self.classes[i].eviction_cost = eviction_costs[i]
            self.classes[i].number = self.classes[i].ports = -1

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_rows):
            free_row(self.rows[i])
        for i in range(self.n_classes if self.classes != NULL else 0):
            free(self.classes[i].requests)
        free(self.rows)
        free(self.order)
        free(self.classes)
        free(self.is_pooled)

    def __len__(self):
        return self.n_rows

    def follow(self, const int64_t[::1] ids, const int64_t[::1] versions, const int32_t[::1] kinds,
               const uint8_t[::1] states, const uint8_t[::1] cordoned, const int64_t[::1] created,
               const int64_t[::1] ready):
        """Take over the nodes of a view, ascending by id.

        Returns
        -------
        list of int
            Rows of the view whose pods have to be told with :meth:`read`.
        """
        cdef int32_t n = <int32_t>ids.shape[0], i, j = 0, n_before = self.n_rows, n_kinds = 0
        cdef Row **before = self.rows
        cdef Row *row
        cdef bint is_new, is_reshaped
        cdef list stale = []
        self.rows = <Row **>grown(NULL, n * sizeof(void *))
        self.n_rows = 0
        try:
            for i in range(n):
                while j < n_before and before[j].id < ids[i]:
                    free_row(before[j])
                    j += 1
                is_new = j == n_before or before[j].id != ids[i]
                if is_new:
                    row = self.new_row(ids[i])
                else:
                    row = before[j]
                    j += 1
                self.rows[i] = row
                self.n_rows += 1
                is_reshaped = is_new or (
                    row.kind != kinds[i] or row.state != states[i] or row.cordoned != cordoned[i])
                if row.kind != kinds[i]:
                    row.sound_until_ns = NEVER
                if is_reshaped:
                    self.clock += 1
                    row.stamp = self.clock
                    row.kind, row.state, row.cordoned = kinds[i], states[i], cordoned[i]
                    row.created_ns, row.ready_ns = created[i], ready[i]
                    row.is_measured = False
                if is_reshaped or row.version != versions[i]:
                    row.version = versions[i]
                    stale.append(i)
        finally:
            while j < n_before:
                free_row(before[j])
                j += 1
            free(before)
        for i in range(n):
            n_kinds = max(n_kinds, kinds[i] + 1)
        self.room_for_kinds(n_kinds)
        self.order = <Row **>grown(self.order, n * sizeof(void *))
        self.arrange()
        return stale

    cdef Row *new_row(self, int64_t node) except NULL:
        cdef Row *row = <Row *>calloc(1, sizeof(Row))
        if row == NULL:
            raise MemoryError
        row.id, row.last_event_ns, row.version, row.kind = node, NEVER, -1, -1
        row.nominated_until_ns = row.sound_until_ns = NEVER
        return row

    def read(self, stale, const int64_t[::1] start, const int64_t[::1] pods,
             const int32_t[::1] classes, const int64_t[::1] bound_ns, int64_t now_ns):
        """Set the pods of some rows, each row's by id, and note when one came or left last.

        Parameters
        ----------
        stale : list of int
            What :meth:`follow` returned.
        start, pods, classes, bound_ns : ndarray
            Pods of row ``stale[i]`` are ``start[i]`` to ``start[i + 1]``.
        now_ns : int
            The time of the run; what left did so now at the latest.
        """
        cdef int32_t i, k, n
        cdef int64_t first
        cdef Row *row
        for i in range(len(stale)):
            row = self.rows[<int32_t>stale[i]]
            first, n = start[i], <int32_t>(start[i + 1] - start[i])
            self.clock += 1
            self.follow_events(
                row, n, &pods[first] if n else NULL,
                &classes[first] if n else NULL, &bound_ns[first] if n else NULL, now_ns)
            if row.pods == NULL or n > row.capacity:
                row.capacity = n + n // 2 + 8
                row.pods = <int64_t *>grown(row.pods, row.capacity * sizeof(int64_t))
                row.bound_ns = <int64_t *>grown(row.bound_ns, row.capacity * sizeof(int64_t))
                row.classes = <int32_t *>grown(row.classes, row.capacity * sizeof(int32_t))
            if n:
                memcpy(row.pods, &pods[first], n * sizeof(int64_t))
                memcpy(row.classes, &classes[first], n * sizeof(int32_t))
            for k in range(n):
                row.bound_ns[k] = bound_ns[first + k] + self.epoch_ns
            row.n_pods = n
            row.pods_stamp = self.clock
            row.is_measured = False

    cdef void follow_events(
        self, Row *row, int32_t n, const int64_t *pod, const int32_t *class_id,
        const int64_t *bound_ns, int64_t now
    ) noexcept nogil:
        """Move ``lastPodEventTime``: when a pod that is no daemon came or left last."""
        cdef int32_t i = 0, j = 0, n_now = 0, n_before = 0
        cdef int64_t event = NEVER
        cdef bint left = False
        for j in range(row.n_pods):
            if not self.classes[row.classes[j]].flags & CLASS_MOVES:
                continue
            n_before += 1
            while i < n and pod[i] < row.pods[j]:
                i += 1
            if i == n or pod[i] != row.pods[j]:
                left = True
        for i in range(n):
            if self.classes[class_id[i]].flags & CLASS_MOVES:
                n_now += 1
                event = max(event, bound_ns[i])
        if left:
            event = now
        elif n_now <= n_before:
            return
        event += self.epoch_ns
        if row.last_event_ns == NEVER or event - row.last_event_ns >= EVENT_DEDUPE_NS:
            row.last_event_ns = event

    cdef int room_for_kinds(self, int32_t n) except -1:
        cdef int32_t room
        if n > self.n_kinds:
            room = max(n, 2 * self.n_kinds)
            self.is_pooled = <uint8_t *>grown(self.is_pooled, room)
            memset(&self.is_pooled[self.n_kinds], 1, room - self.n_kinds)
            self.n_kinds = room
        return 0

    def set_pooled(self, int kind, bint is_pooled):
        """Say whether nodes of a kind are managed, before they are followed: only these boot."""
        self.room_for_kinds(kind + 1)
        self.is_pooled[kind] = is_pooled

    cdef bint has_node(self, const Row *row) noexcept nogil:
        return row.state != BOOTING or not self.is_pooled[row.kind]

    cdef void arrange(self) noexcept nogil:
        """Put the rows in the order of their numbers."""
        cdef int32_t i, n = 0
        for i in range(self.n_rows):
            if self.has_node(self.rows[i]):
                self.rows[i].number = n
                self.order[n] = self.rows[i]
                n += 1
        self.n_first = n
        for i in range(self.n_rows):
            if not self.has_node(self.rows[i]):
                self.rows[i].number = n
                self.order[n] = self.rows[i]
                n += 1

    def pods(self):
        """Return the pods of all nodes, node by node in the order of the numbers.

        Returns
        -------
        start : ndarray of int64, shape (n_nodes + 1,)
        ids : ndarray of int64
        classes : ndarray of int32
        bound_ns : ndarray of int64
            Unix times.
        """
        import numpy as np

        cdef int32_t i
        cdef int64_t n = 0
        cdef Row *row
        for i in range(self.n_rows):
            n += self.rows[i].n_pods
        start = np.empty(self.n_rows + 1, dtype=np.int64)
        ids = np.empty(n, dtype=np.int64)
        classes = np.empty(n, dtype=np.int32)
        bound = np.empty(n, dtype=np.int64)
        cdef int64_t[::1] first = start, pod = ids, time = bound
        cdef int32_t[::1] class_id = classes
        n = 0
        for i in range(self.n_rows):
            row = self.order[i]
            first[i] = n
            if row.n_pods:
                memcpy(&pod[n], row.pods, row.n_pods * sizeof(int64_t))
                memcpy(&class_id[n], row.classes, row.n_pods * sizeof(int32_t))
                memcpy(&time[n], row.bound_ns, row.n_pods * sizeof(int64_t))
                n += row.n_pods
        first[self.n_rows] = n
        return start, ids, classes, bound

    @property
    def n_initialized(self):
        """How many nodes have a Node; they have the first numbers."""
        return self.n_first

    def ids(self):
        """Return the ids of the nodes, by number."""
        return [self.order[i].id for i in range(self.n_rows)]

    def id_of(self, int32_t number):
        """Return the id of a node by its number."""
        if not 0 <= number < self.n_rows:
            raise IndexError(f"number must be from 0 to {self.n_rows - 1}, found {number}")
        return self.order[number].id

    def number_of(self, int64_t node):
        """Return the number of a node; a KeyError without it."""
        cdef int32_t i = self.row_of(node)
        return self.rows[i].number

    cdef int32_t row_of(self, int64_t node) except -1:
        """The place of a node among the rows, which are by id."""
        cdef int32_t low = 0, high = self.n_rows, middle
        while low < high:
            middle = (low + high) // 2
            if self.rows[middle].id < node:
                low = middle + 1
            else:
                high = middle
        if low == self.n_rows or self.rows[low].id != node:
            raise KeyError(node)
        return low

    def stamps(self, int number):
        """Return of a node id, row of the view, stamp, that of its pods, last event, nomination.

        The last event is when a pod that is no daemon came or left last, in Unix time or None; the
        node is nominated until the Unix time that comes last.
        """
        cdef Row *row = self.order[number]
        return (
            row.id, self.row_of(row.id), row.stamp, row.pods_stamp,
            None if row.last_event_ns == NEVER else row.last_event_ns, row.nominated_until_ns)


cdef void free_row(Row *row) noexcept:
    free(row.pods)
    free(row.bound_ns)
    free(row.classes)
    free(row.room)
    drop_block(row.block)
    free(row)
