"""The event loop: pods come and go, nodes join, the placer binds; integer nanoseconds.

Events are in the total order (time, priority, sequence).  Within one instant departures come
first, then nodes that join, then who decides on replicas, then arrivals, then the scheduler, then
what the driver asked for, and last the wish to wake the driver.  Between two calls of the driver
everything runs without the GIL, but for who decides on replicas.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, realloc

from ._heap cimport Event, EventHeap
from ._placer cimport Placer
from ._population cimport (
    BOOTING, DRAINING, GONE, READY, TERMINATING, later_t, node_t, pod_t, resident_t,
)
from ._scheduling cimport SchedulingEngine
from ._typedefs cimport index_t, time_ns_t

cdef enum:  # priorities within one instant, and kinds of events
    JOIN = 1
    SYNC = 2
    DRIVER = 3

cdef enum:  # as in pyscale.policies.decision.WakeOn
    NODE_READY = 4
    NODE_GONE = 8
    CHANGED = 32

cdef enum:
    SIGNAL_PERIOD = 16384   # pod events between two looks for Ctrl-C

cdef time_ns_t NO_TIME = 0x7FFFFFFFFFFFFFFF


cdef class Engine(SchedulingEngine):
    """One simulated cluster.

    Parameters
    ----------
    request, priority, restart, gated, row_class, row_arrival, row_duration
        As for :class:`Population`.
    row_count : ndarray of int64, shape (n_rows,)
        Pods of each row.
    row_node : ndarray of int32, shape (n_rows,)
        The node that a row's pods start on, if they fit; -1 for the scheduler's choice.
    daemons : ndarray of int32
        Classes of which every node that takes it runs one pod.
    placer : Placer
        Fresh: without nodes.

    Notes
    -----
    Assumes that all of this is valid.  A pod takes 32 bytes, and 32 more while it runs and will
    end; an event takes O(log n) and what the placer takes.
    """

    def __cinit__(
        self,
        const int64_t[:, :] request,
        const int32_t[::1] priority,
        const uint8_t[::1] restart,
        const uint8_t[::1] gated,
        const int32_t[::1] row_class,
        const int64_t[::1] row_arrival,
        const int64_t[::1] row_duration,
        const int64_t[::1] row_count,
        const int32_t[::1] row_node,
        const int32_t[::1] daemons,
        Placer placer not None,
        *_,
    ):
        cdef index_t i
        cdef int64_t n_pods = 0
        self.placer = placer
        self.set_queue(placer.backoff_ns, placer.flush_ns, placer.patience_ns)
        for i in range(self.n_classes):
            self.classes[i].watches = placer.watches(i)
        self.heap = EventHeap()
        self.free_slots = EventHeap()
        self.row_count = row_count
        self.row_node = row_node
        self.n_daemons = <index_t>daemons.shape[0]
        self.daemons = <index_t*>calloc(<size_t>(self.n_daemons + 1), sizeof(index_t))
        if self.daemons == NULL:
            raise MemoryError(f"no memory for {self.n_daemons} daemon classes")
        for i in range(self.n_daemons):
            self.daemons[i] = daemons[i]
        for i in range(<index_t>row_count.shape[0]):
            n_pods += row_count[i]
        self.reserve_pods(<index_t>n_pods)

    def __dealloc__(self):
        free(self.daemons)

    cdef int arrive(self, Py_ssize_t row) except -1 nogil:
        """The pods of a row are created."""
        cdef int64_t left = self.row_count[row]
        cdef index_t node = self.row_node[row]
        cdef index_t pod
        self.n_events += left
        self.note_pending(self.row_class[row])
        while left > 0:
            left -= 1
            pod = self.new_pod(<int32_t>row)
            if (
                node >= 0 and self.nodes[node].slot >= 0
                and self.placer.bind_to(self.row_class[row], self.nodes[node].slot)
            ):
                self.place(pod, node)
            else:
                self.enqueue(pod)
        return 0

    cdef int join(self, index_t node) except -1 nogil:
        """A machine that boots becomes a node."""
        cdef node_t* host = &self.nodes[node]
        cdef Event free_slot
        cdef index_t* slots
        cdef index_t i, room
        if host.state != BOOTING:
            return 0
        if self.free_slots.pop_event(&free_slot):
            host.slot = <index_t>free_slot.payload
        else:
            if self.n_slots == self.slot_room:
                room = 2 * self.slot_room if self.slot_room else 64
                slots = <index_t*>realloc(self.node_of_slot, <size_t>room * sizeof(index_t))
                if slots == NULL:
                    with gil:
                        raise MemoryError(f"no memory for {room} nodes")
                self.node_of_slot = slots
                self.slot_room = room
            host.slot = self.n_slots
            self.n_slots += 1
        self.node_of_slot[host.slot] = node
        host.state = READY
        host.ready = self.now
        host.version += 1
        self.node_version += 1
        self.placer.add_node(host.slot, host.kind)
        for i in range(self.n_daemons):
            if self.placer.bind_to(self.daemons[i], host.slot):
                self.attach(self.new_later(self.daemons[i], -1, -1), node)
        if host.cordoned:
            self.placer.cordon(host.slot, True)
        else:
            self.open_up(node)
        if host.watched:
            self.heap.push_event(self.now, DRIVER, 0, node)
        self.woken |= NODE_READY
        return 0

    cdef int leave(self, index_t node) except -1 nogil:
        """Take a node without pods out of the placer."""
        cdef node_t* host = &self.nodes[node]
        if host.slot >= 0:
            self.placer.remove_node(host.slot)
            self.free_slots.push_event(host.slot, 0, 0, host.slot)
            host.slot = -1
        host.version += 1
        self.node_version += 1
        return 0

    cdef int sync(self, int64_t payload) except -1 nogil:
        """Somebody decides on replicas; nobody does here."""
        return 0

    cdef int64_t changes(self) noexcept nogil:
        """A number that grows with every change of pods and nodes."""
        return self.pod_version + self.pending_version + self.node_version

    def run(self, time_ns_t until, int wake_on):
        """Go on until the driver is needed.

        Parameters
        ----------
        until : int
            Last instant to work off.
        wake_on : int
            Bits of what wakes the driver.

        Returns
        -------
        why : int
            0: ``until`` is reached, and the clock with it; 1: something of ``wake_on`` happened;
            2: an event of the driver is due.
        kind : int
        payload : int
            Of the driver's event; a node that was watched joins with kind 0.

        Raises
        ------
        KeyboardInterrupt
            Between two instants; the state is whole.
        """
        cdef Event event
        cdef const Event* first
        cdef time_ns_t time
        cdef Py_ssize_t n_rows = self.row_class.shape[0]
        cdef int64_t check = self.n_events + SIGNAL_PERIOD
        cdef int why = 0
        event.kind = 0
        event.payload = -1
        with nogil:
            while True:
                if self.n_events >= check:
                    check = self.n_events + SIGNAL_PERIOD
                    with gil:
                        PyErr_CheckSignals()
                if self.n_active or self.n_stirred:
                    self.schedule()
                first = self.heap.first()
                time = first.time if first != NULL else NO_TIME
                if self.next_row < n_rows and self.row_arrival[self.next_row] < time:
                    time = self.row_arrival[self.next_row]
                if self.changes() != self.changes_seen:
                    self.woken |= CHANGED
                if time > self.now and (self.woken & wake_on):
                    why = 1
                    break
                if time > until:
                    self.now = until
                    break
                self.now = time
                while (
                    first != NULL and first.time == time and first.priority < DRIVER
                ):
                    self.heap.pop_event(&event)
                    if event.priority == JOIN:
                        self.join(<index_t>event.payload)
                    elif event.priority == SYNC:
                        self.sync(event.payload)
                    elif self.pods[event.payload].ended < 0:
                        self.release(<index_t>event.payload)
                        self.n_events += 1
                    first = self.heap.first()
                if self.next_row < n_rows and self.row_arrival[self.next_row] == time:
                    while self.next_row < n_rows and self.row_arrival[self.next_row] == time:
                        self.arrive(self.next_row)
                        self.next_row += 1
                    continue
                if self.n_active or self.n_stirred:
                    continue
                if first != NULL and first.time == time:
                    self.heap.pop_event(&event)
                    why = 2
                    break
        return why, event.kind, event.payload

    @property
    def live_bytes(self):
        """Bytes held for pods and events."""
        cdef int64_t i, n_residents = 0
        for i in range(self.n_nodes):
            n_residents += self.nodes[i].room
        return (
            self.pod_room * sizeof(pod_t)
            + n_residents * sizeof(resident_t)
            + self.later_room * sizeof(later_t)
            + self.heap._room * sizeof(Event)
        )

    def take_woken(self):
        """Return the bits of what happened since the last call, and forget them."""
        cdef int woken = self.woken
        if self.changes() != self.changes_seen:
            woken |= CHANGED
        self.woken = 0
        self.changes_seen = self.changes()
        return woken

    def wake(self, int bits):
        """Add to what happened."""
        self.woken |= bits

    def push(self, time_ns_t time, int kind, int64_t payload):
        """Ask to be called back; ``kind`` is at least 1."""
        if time < self.now:
            raise ValueError(f"time must be >= {self.now}, found {time}")
        self.heap.push_event(time, DRIVER, kind, payload)

    def add_node(self, index_t kind, time_ns_t ready, int64_t token=-1, bint watched=False):
        """Buy a machine that joins at ``ready`` (-1: never) and return its node id."""
        cdef index_t node = self.new_node(kind, token)
        self.nodes[node].watched = watched
        if ready >= 0:
            if ready < self.now:
                raise ValueError(f"ready must be >= {self.now}, found {ready}")
            self.heap.push_event(ready, JOIN, JOIN, node)
        return node

    def announce_loss(self, node, time_ns_t time):
        """Note when the cloud takes a machine back."""
        self.nodes[self.check_node(node)].lost = time
        self.node_version += 1

    def cordon(self, node, bint closed):
        """Close a node to new pods, or open it again."""
        cdef node_t* host = &self.nodes[self.check_node(node)]
        if host.cordoned == closed:
            return
        host.cordoned = closed
        host.version += 1
        self.node_version += 1
        if host.slot >= 0:
            self.placer.cordon(host.slot, closed)
            if not closed:
                self.open_up(<index_t>node)

    def drain(self, node, bint on):
        """Mark a node as draining and cordon it, or call that off."""
        cdef node_t* host = &self.nodes[self.check_node(node)]
        if host.state != (READY if on else DRAINING):
            raise ValueError(f"node {node} can't change its draining in state {host.state}")
        host.state = DRAINING if on else READY
        host.version += 1
        self.node_version += 1
        self.cordon(node, on)

    def evict(self, list pods):
        """End running pods early; return how many of them nobody replaces."""
        cdef index_t old
        cdef int64_t n_lost = 0
        for pod in pods:
            old = self.check_pod(pod)
            if self.pods[old].node < 0 or self.pods[old].ended >= 0:
                raise ValueError(f"pod {pod} does not run")
            n_lost += self.end_early(old) < 0
        return n_lost

    def bind(self, pod, node):
        """Bind a pending pod to a ready node past the scheduler; return whether that was done."""
        cdef index_t waiting = self.check_pod(pod)
        cdef index_t host = self.check_node(node)
        cdef index_t pod_class = self.class_of(waiting)
        if self.pods[waiting].bound >= 0 or self.nodes[host].state != READY:
            return False
        if not self.placer.bind_to(pod_class, self.nodes[host].slot):
            return False
        self.leave_line(waiting)
        self.place(waiting, host)
        return True

    def terminate(self, node):
        """Take a node out of the cluster and end its daemon pods; other pods must be gone."""
        cdef index_t host = self.check_node(node)
        cdef index_t i, pod
        if self.nodes[host].state == TERMINATING:
            raise ValueError(f"node {node} is terminating already")
        for i in range(self.nodes[host].n_pods):
            pod = self.nodes[host].residents[i].pod
            if not self.is_of_node(pod):
                raise ValueError(f"node {node} still has pod {pod}")
        while self.nodes[host].n_pods:
            pod = self.nodes[host].residents[self.nodes[host].n_pods - 1].pod
            self.detach(pod)
            self.placer.release(self.class_of(pod), self.nodes[host].slot)
        free(self.nodes[host].residents)
        self.nodes[host].residents = NULL
        self.nodes[host].room = 0
        self.nodes[host].state = TERMINATING
        self.nodes[host].cordoned = True
        self.leave(host)

    def remove(self, node):
        """Give back the machine of a node that terminates."""
        cdef index_t host = self.check_node(node)
        if self.nodes[host].state != TERMINATING:
            raise ValueError(f"node {node} must be terminating before its machine goes")
        self.nodes[host].state = GONE
        self.nodes[host].gone = self.now
        self.node_version += 1
        self.woken |= NODE_GONE
