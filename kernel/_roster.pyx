"""The nodes of a run and their pods, brought up to date node by node, as Karpenter reads them.

A look at a cluster finds few nodes changed since the last one.  Only those are read and measured
again; what a kernel is told of the others is copied.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._provision_batch cimport ProvisionBatch
from ._provision_blocks cimport drop_block, new_block, set_pod, set_room
from ._provision_tables cimport (
    NODE_KNOWN, NODE_LIMITED, NODE_UNINITIALIZED, copied8, copied64, grown, set_bit)
from ._roster_rows cimport (
    CLASS_IS_DAEMON, CLASS_IS_RESCHEDULABLE, CLASS_LEAVES, ClassFacts, Row, is_marked)
from ._roster_standing cimport RosterStanding


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

    def missing(self, const int32_t[::1] pending):
        """Return what nothing is known of yet: the classes, and per shape a row of the view.

        ``pending`` are the classes of the pods that wait.
        """
        cdef int32_t i, k
        cdef Row *row
        cdef set classes = set()
        cdef dict shapes = {}
        self.room_for_shapes()
        for i in range(<int32_t>pending.shape[0]):
            if self.classes[pending[i]].number < 0:
                classes.add(pending[i])
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

    # ---------------------------------------------------------------- what a kernel is told

    cdef int measure(self, Row *row) except -1:
        """Compute what is left on a node, what it costs to disrupt its pods, and who leaves."""
        cdef ShapeFacts *shape = &self.shapes[self.shape_of(row)]
        cdef ClassFacts *facts
        cdef int32_t k, r, n_resources = self.n_resources
        cdef int64_t outstanding
        cdef double costs = 0.0
        row.room = <int64_t *>grown(row.room, 2 * n_resources * sizeof(int64_t))
        # The second half counts what daemons take.
        cdef int64_t *room = row.room
        cdef int64_t *running = row.room + n_resources
        cdef const int64_t *requests
        cdef bint has_node = self.has_node(row)
        for r in range(n_resources):
            room[r] = shape.allocatable[r]
            running[r] = 0
        row.eviction_cost = 0.0
        row.n_to_move = row.n_ports = 0
        for k in range(row.n_pods):
            facts = &self.classes[row.classes[k]]
            row.eviction_cost += facts.eviction_cost
            if facts.flags & CLASS_IS_RESCHEDULABLE:
                row.n_to_move += 1
                costs += max(0.0, facts.eviction_cost)
            if not has_node:
                continue
            row.n_ports += facts.ports >= 0
            requests = facts.requests
            for r in range(n_resources):
                room[r] -= requests[r]
            if facts.flags & CLASS_IS_DAEMON:
                for r in range(n_resources):
                    running[r] += requests[r]
        row.reschedule_cost = 1.0 + costs
        row.is_within = True
        for r in range(n_resources):
            if not shape.is_listed[r]:
                room[r] = 0
            if shape.is_expected[r]:
                outstanding = shape.expected[r] - running[r]
                room[r] -= max(0, outstanding)
            if (shape.is_listed[r] or shape.is_expected[r]) and room[r] < 0:
                row.is_within = False
        self.set_block(row)
        row.is_measured = True
        return 0

    cdef int set_block(self, Row *row) except -1:
        """Note who leaves with a node, and what is left on it."""
        cdef int32_t k, n = row.n_pods if self.has_node(row) else 0
        cdef const ClassFacts *facts
        drop_block(row.block)
        row.block = NULL
        row.block = new_block(n, self.n_resources)
        row.block.n = 0
        for k in range(n):
            facts = &self.classes[row.classes[k]]
            if facts.flags & CLASS_LEAVES:
                set_pod(row.block, row.block.n, k, facts.number, False, row.bound_ns[k],
                        row.pods[k])
                row.block.n += 1
        set_room(row.block, row.room, self.n_resources)
        return 0

    def tell(self, ProvisionBatch kernel, const int32_t[::1] classes, const int64_t[::1] created,
             const int64_t[::1] ids):
        """Tell a kernel of the nodes, the pods on them, and those that wait.

        Everything that :meth:`missing` names must have been set, and the kernel have no topology
        groups.

        Parameters
        ----------
        kernel : Provisioner
        classes : ndarray of int32, shape (n_pending,)
            Classes of the run.
        created, ids : ndarray of int64, shape (n_pending,)

        Notes
        -----
        What does not depend on a node's number is the row's, and handed on until the row changes.
        Pods are numbered as :meth:`pods` returns them.
        """
        cdef int32_t i, k, first = 0, n_moving = 0
        cdef Row *row
        for i in range(self.n_rows):
            row = self.order[i]
            if not row.is_measured:
                self.measure(row)
            n_moving += row.block.n if is_marked(row) else 0
        self.tell_nodes(kernel)
        kernel.begin_batch(<int32_t>classes.shape[0], n_moving)
        for k in range(kernel.n_pending):
            kernel.set_base(k, -1, self.classes[classes[k]].number, created[k], ids[k])
        n_moving = kernel.n_pending
        for i in range(self.n_rows):
            row = self.order[i]
            kernel.put_block(i, row.block, first)
            if is_marked(row):
                for k in range(row.block.n):
                    kernel.set_base(
                        n_moving, first + row.block.pods[k], row.block.classes[k],
                        row.block.keys[k].created, row.block.keys[k].id)
                    n_moving += 1
            first += row.n_pods
        kernel.end_batch()

    cdef int tell_nodes(self, ProvisionBatch kernel) except -1:
        cdef int32_t i, k, n_resources = self.n_resources, n_ports = 0
        cdef Row *row
        cdef ShapeFacts *shape
        for i in range(self.n_rows):
            n_ports += self.order[i].n_ports
        kernel.begin_nodes(self.n_rows, n_ports)
        n_ports = 0
        for i in range(self.n_rows):
            row = self.order[i]
            shape = &self.shapes[self.shape_of(row)]
            kernel.node_set_base[i], kernel.node_host[i] = shape.set_id, i
            kernel.node_taints[i], kernel.node_template[i] = shape.taints, shape.template
            memcpy(&kernel.node_room_base[i * n_resources], row.room,
                   n_resources * sizeof(int64_t))
            memcpy(&kernel.node_capacity[i * n_resources], shape.capacity,
                   n_resources * sizeof(int64_t))
            kernel.node_flags[i] = 0 if i < self.n_first else NODE_UNINITIALIZED
            if not is_marked(row):
                kernel.node_flags[i] |= NODE_LIMITED | (NODE_KNOWN if i < self.n_first else 0)
                if row.is_within:
                    set_bit(kernel.node_usable_base, i)
            kernel.node_ports_off[i] = n_ports
            if row.n_ports:
                for k in range(row.n_pods):
                    if self.classes[row.classes[k]].ports >= 0:
                        kernel.node_ports[n_ports] = self.classes[row.classes[k]].ports
                        n_ports += 1
        kernel.node_ports_off[self.n_rows] = n_ports
        return 0
