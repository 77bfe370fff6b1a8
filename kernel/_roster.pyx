"""The nodes of a run and their pods, brought up to date node by node, as Karpenter reads them.

A look at a cluster finds few nodes changed since the last one.  Only those are read and measured
again; what a kernel is told of the others is copied.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._provision_tables cimport (
    BOUND_COUNTS, BOUND_OWNS, BOUND_SETTLES, NODE_KNOWN, NODE_LIMITED, NODE_UNINITIALIZED, copied8,
    copied64, grown)
from ._roster_rows cimport (
    CLASS_IS_DAEMON, CLASS_IS_RESCHEDULABLE, CLASS_LEAVES, ClassFacts, Row)
from ._roster_standing cimport RosterStanding

cdef enum:
    DRAINING = 2                        # state of a node, as in a view


cdef class Roster(RosterStanding):
    """Follows the nodes of one run.

    Parameters
    ----------
    epoch_ns : int
        Unix time of the run's time zero.
    class_flags : ndarray of uint8, shape (n_classes,)
        Per class of the run's pods; 1: a pod that comes or goes is an event; 2: owned by a
        DaemonSet; 4: somebody misses it when its node goes; 8: a round has to find it another node.
    eviction_costs : ndarray of float64, shape (n_classes,)

    Notes
    -----
    Nodes are numbered in the order in which rounds try them: those with a Node by id, then those
    that boot by id.
    """

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_shapes):
            self.forget_shape(&self.shapes[i])
        free(self.shapes)

    # ---------------------------------------------------------------- what kinds and classes mean

    def begin(self, int n_resources):
        """Forget what kinds and classes mean to the last kernel, whose scale had other axes."""
        cdef int32_t i
        self.n_resources = n_resources
        for i in range(self.n_classes):
            self.classes[i].number = -1
        for i in range(self.n_shapes):
            self.forget_shape(&self.shapes[i])
        for i in range(self.n_rows):
            self.rows[i].is_measured = False

    cdef int room_for_shapes(self) except -1:
        """Make room for the shapes of all kinds."""
        cdef int32_t n = 2 * self.n_kinds
        if n > self.n_shapes:
            self.shapes = <ShapeFacts *>grown(self.shapes, n * sizeof(ShapeFacts))
            memset(&self.shapes[self.n_shapes], 0, (n - self.n_shapes) * sizeof(ShapeFacts))
            self.n_shapes = n
        return 0

    cdef void forget_shape(self, ShapeFacts *shape) noexcept:
        free(shape.allocatable)
        free(shape.capacity)
        free(shape.expected)
        free(shape.is_listed)
        free(shape.is_expected)
        memset(shape, 0, sizeof(ShapeFacts))

    def set_class(self, int class_id, int number, int ports, requests):
        """Set what a class of the run is to the kernel: its class, host ports (-1), requests."""
        cdef ClassFacts *facts = &self.classes[class_id]
        free(facts.requests)
        facts.requests = NULL
        facts.requests = copied64(requests)
        facts.number, facts.ports = number, ports

    def set_shape(self, int shape, int set_id, int taints, int template, allocatable, capacity,
                  expected, is_listed, is_expected):
        """Set what the nodes of a kind are to the kernel.

        Parameters
        ----------
        shape : int
            Twice the kind, and one more for those that boot.
        set_id, taints, template : int
            Requirement set, taint list, and the template that they count against (-1).
        allocatable, capacity, expected : ndarray of int64, shape (n_resources,)
            ``expected`` is what the daemons take that should run there.
        is_listed, is_expected : ndarray of uint8, shape (n_resources,)
            Which resources the node lists, and which daemons ask for.
        """
        self.room_for_kinds(shape // 2 + 1)
        self.room_for_shapes()
        cdef ShapeFacts *facts = &self.shapes[shape]
        self.forget_shape(facts)
        facts.allocatable, facts.capacity = copied64(allocatable), copied64(capacity)
        facts.expected = copied64(expected)
        facts.is_listed, facts.is_expected = copied8(is_listed), copied8(is_expected)
        facts.set_id, facts.taints, facts.template = set_id, taints, template
        facts.is_known = True

    cdef int32_t shape_of(self, const Row *row) noexcept nogil:
        return 2 * row.kind + (not self.has_node(row))

    def missing(self):
        """Return what nothing is known of yet: the classes, and per shape a row of the view."""
        cdef int32_t i, k
        cdef Row *row
        cdef set classes = set()
        cdef dict shapes = {}
        self.room_for_shapes()
        for i in range(self.n_rows):
            row = self.rows[i]
            if row.is_measured:
                continue
            if not self.shapes[self.shape_of(row)].is_known:
                shapes[self.shape_of(row)] = i
            for k in range(row.n_pods):
                if self.classes[row.classes[k]].number < 0:
                    classes.add(row.classes[k])
        return sorted(classes), shapes

    def numbers(self, const int32_t[::1] classes):
        """Return the kernel's class of each class of the run, -1 for one that it has not met."""
        import numpy as np

        cdef Py_ssize_t i
        found = np.empty(classes.shape[0], dtype=np.int32)
        cdef int32_t[::1] result = found
        for i in range(classes.shape[0]):
            result[i] = self.classes[classes[i]].number
        return found

    # ---------------------------------------------------------------- what a kernel is told

    cdef int measure(self, Row *row) except -1 nogil:
        """Compute what is left on a node, and what it costs to disrupt its pods."""
        cdef ShapeFacts *shape = &self.shapes[self.shape_of(row)]
        cdef ClassFacts *facts
        cdef int32_t k, r, n_resources = self.n_resources
        cdef int64_t outstanding
        cdef double costs = 0.0
        row.room = <int64_t *>grown(row.room, 2 * n_resources * sizeof(int64_t))
        # The second half counts what daemons take.
        cdef int64_t *room = row.room
        cdef int64_t *running = row.room + n_resources
        for r in range(n_resources):
            room[r] = shape.allocatable[r] if shape.is_listed[r] else 0
            running[r] = 0
        row.eviction_cost = 0.0
        row.n_to_move = 0
        for k in range(row.n_pods):
            facts = &self.classes[row.classes[k]]
            row.eviction_cost += facts.eviction_cost
            if facts.flags & CLASS_IS_RESCHEDULABLE:
                row.n_to_move += 1
                costs += max(0.0, facts.eviction_cost)
            if not self.has_node(row):
                continue
            for r in range(n_resources):
                if shape.is_listed[r]:
                    room[r] -= facts.requests[r]
                if facts.flags & CLASS_IS_DAEMON:
                    running[r] += facts.requests[r]
        row.reschedule_cost = 1.0 + costs
        row.is_within = True
        for r in range(n_resources):
            if shape.is_expected[r]:
                outstanding = shape.expected[r] - running[r]
                room[r] -= max(0, outstanding)
            if (shape.is_listed[r] or shape.is_expected[r]) and room[r] < 0:
                row.is_within = False
        row.is_measured = True
        return 0

    def nodes(self):
        """Return the nodes as :meth:`._provision_tables.ProvisionTables.set_nodes` takes them.

        Everything that :meth:`missing` names must have been set.
        """
        import numpy as np

        cdef int32_t n = self.n_rows, n_resources = self.n_resources, i, r, k, n_ports = 0
        cdef Row *row
        cdef ShapeFacts *shape
        cdef uint8_t marked
        cdef int32_t[::1] numbers
        cdef int64_t[:, ::1] amounts
        cdef uint8_t[::1] bytes_
        for i in range(n):
            row = self.order[i]
            if not row.is_measured:
                self.measure(row)
            for k in range(row.n_pods if i < self.n_first else 0):
                n_ports += self.classes[row.classes[k]].ports >= 0
        some = np.empty(6 * n + 1 + n_ports, dtype=np.int32)
        many = np.empty((2 * n, n_resources), dtype=np.int64)
        marks = np.empty(2 * n, dtype=np.uint8)
        numbers, amounts, bytes_ = some, many, marks
        k = 0
        for i in range(n):
            row = self.order[i]
            shape = &self.shapes[self.shape_of(row)]
            marked = row.state >= DRAINING or row.cordoned
            numbers[i], numbers[n + i], numbers[2 * n + i] = shape.set_id, i, shape.taints
            numbers[3 * n + i] = shape.template
            numbers[4 * n + i] = i if i < self.n_first else -1
            for r in range(n_resources):
                amounts[i, r], amounts[n + i, r] = row.room[r], shape.capacity[r]
            bytes_[i] = not marked and row.is_within
            bytes_[n + i] = (
                (0 if marked else NODE_LIMITED + NODE_KNOWN * (i < self.n_first))
                + NODE_UNINITIALIZED * (i >= self.n_first))
            numbers[5 * n + i] = k
            k = self.list_ports(row, numbers, 6 * n + 1, k) if n_ports else 0
        numbers[6 * n] = k
        return (
            some[:n], many[:n], some[n:2 * n], some[2 * n:3 * n], some[3 * n:4 * n], many[n:],
            marks[:n], marks[n:], some[4 * n:5 * n], some[5 * n:6 * n + 1], some[6 * n + 1:])

    cdef int32_t list_ports(
        self, const Row *row, int32_t[::1] into, int32_t at, int32_t n
    ) except -1:
        """List the host ports of a node's pods; return how many there are so far."""
        cdef int32_t k, ports
        if not self.has_node(row):
            return n
        for k in range(row.n_pods):
            ports = self.classes[row.classes[k]].ports
            if ports >= 0:
                into[at + n] = ports
                n += 1
        return n

    def bound(self):
        """Return the pods as the kernel's bound pods and batch take them.

        Returns
        -------
        classes, nodes : ndarray of int32
        flags : ndarray of uint8
        created, ids : ndarray of int64
        leavers_off, leavers, moving : ndarray of int32
        """
        import numpy as np

        cdef int32_t i, k, n = 0, n_leavers = 0, n_moving = 0, number
        cdef uint8_t flag
        cdef bint marked
        cdef Row *row
        for i in range(self.n_rows):
            n += self.rows[i].n_pods
        some = np.empty(4 * n + self.n_rows + 1, dtype=np.int32)
        marks = np.empty(n, dtype=np.uint8)
        many = np.empty(2 * n, dtype=np.int64)
        cdef int32_t[::1] numbers = some
        cdef int32_t *classes = &numbers[0]
        cdef int32_t *nodes = classes + n
        cdef int32_t *leavers = classes + 2 * n
        cdef int32_t *moving = classes + 3 * n
        cdef int32_t *leavers_off = classes + 4 * n
        cdef uint8_t[::1] flags = marks
        cdef int64_t[::1] times = many
        n = 0
        cdef int32_t m = <int32_t>marks.shape[0]
        for i in range(self.n_rows):
            row = self.order[i]
            marked = row.state >= DRAINING or row.cordoned
            flag = BOUND_COUNTS + BOUND_OWNS + BOUND_SETTLES * marked
            leavers_off[i] = n_leavers
            if row.n_pods:
                memcpy(&times[n], row.bound_ns, row.n_pods * sizeof(int64_t))
                memcpy(&times[m + n], row.pods, row.n_pods * sizeof(int64_t))
                memset(&flags[n], flag, row.n_pods)
            for k in range(row.n_pods):
                number = row.classes[k]
                classes[n] = self.classes[number].number
                nodes[n] = i if i < self.n_first else -1
                if i < self.n_first and self.classes[number].flags & CLASS_LEAVES:
                    leavers[n_leavers] = n
                    n_leavers += 1
                    if marked:
                        moving[n_moving] = n
                        n_moving += 1
                n += 1
        leavers_off[self.n_rows] = n_leavers
        return (
            some[:m], some[m:2 * m], marks, many[:m], many[m:], some[4 * m:],
            some[2 * m:2 * m + n_leavers], some[3 * m:3 * m + n_moving])

    def costs(self, int64_t node):
        """Return what it costs to disrupt the pods of a node that has been measured.

        Returns
        -------
        reschedule, eviction : float
        has_pods_to_move : bool
        """
        cdef Row *row = self.rows[self.row_of(node)]
        return row.reschedule_cost, row.eviction_cost, row.n_to_move > 0
