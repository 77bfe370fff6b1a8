"""Records of pods, nodes and classes, and the waiting lines of the classes.

Pending pods wait per class, oldest first.  Classes with waiting pods are *active* (in a heap, the
class whose oldest pod has its turn first on top) or *blocked* (no node was found and nothing has
changed since, however many pods wait).
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, realloc

from ._typedefs cimport index_t, quantity_t, time_ns_t

import numpy as np


cdef class Population:
    """The memory of the event loop; it changes nothing by itself.

    Parameters
    ----------
    request : ndarray of int64, shape (n_resources, n_classes)
    priority : ndarray of int32, shape (n_classes,)
        Larger comes first.
    restart : ndarray of uint8, shape (n_classes,)
        What an evicted pod does: 0 is lost, 1 comes back for the rest of its time, 2 for all of it.
    row_class : ndarray of int32, shape (n_rows,)
    row_arrival, row_duration : ndarray of int64, shape (n_rows,)
        Sorted by arrival; duration -1 for pods that stay.

    Notes
    -----
    A pod takes 32 bytes; one that came back after an eviction 24 more.
    """

    def __cinit__(
        self,
        const int64_t[:, :] request,
        const int32_t[::1] priority,
        const uint8_t[::1] restart,
        const int32_t[::1] row_class,
        const int64_t[::1] row_arrival,
        const int64_t[::1] row_duration,
        *_,
    ):
        cdef index_t i, j
        self.row_class = row_class
        self.row_arrival = row_arrival
        self.row_duration = row_duration
        self.n_resources = <index_t>request.shape[0]
        self.n_classes = <index_t>request.shape[1]
        self.request = <quantity_t*>calloc(
            <size_t>(self.n_classes * self.n_resources + 1), sizeof(quantity_t)
        )
        self.classes = <class_t*>calloc(<size_t>(self.n_classes + 1), sizeof(class_t))
        self.active = <index_t*>calloc(<size_t>(self.n_classes + 1), sizeof(index_t))
        self.blocked = <index_t*>calloc(<size_t>(self.n_classes + 1), sizeof(index_t))
        if (
            self.request == NULL or self.classes == NULL
            or self.active == NULL or self.blocked == NULL
        ):
            raise MemoryError(f"no memory for {self.n_classes} pod classes")
        for i in range(self.n_classes):
            for j in range(self.n_resources):
                self.request[i * self.n_resources + j] = request[j, i]
            self.classes[i].priority = priority[i]
            self.classes[i].restart = restart[i]
            self.classes[i].head = -1
            self.classes[i].tail = -1
            self.classes[i].place = -1

    def __dealloc__(self):
        free(self.request)
        free(self.classes)
        free(self.active)
        free(self.blocked)
        free(self.pods)
        free(self.later)
        free(self.nodes)
        free(self.requested)
        free(self.live)

    cdef index_t class_of(self, index_t pod) except -1 nogil:
        cdef int32_t row = self.pods[pod].row
        return self.row_class[row] if row >= 0 else self.later[-1 - row].pod_class

    cdef time_ns_t created_of(self, index_t pod) except -1 nogil:
        cdef int32_t row = self.pods[pod].row
        return self.row_arrival[row] if row >= 0 else self.later[-1 - row].created

    cdef time_ns_t duration_of(self, index_t pod) except -2 nogil:
        cdef int32_t row = self.pods[pod].row
        return self.row_duration[row] if row >= 0 else self.later[-1 - row].duration

    cdef int comes_before(self, index_t a, index_t b) except -1 nogil:
        """Whether pod a has its turn before pod b."""
        cdef int32_t first = self.classes[self.class_of(a)].priority
        cdef int32_t second = self.classes[self.class_of(b)].priority
        cdef time_ns_t first_time, second_time
        if first != second:
            return first > second
        first_time = self.created_of(a)
        second_time = self.created_of(b)
        if first_time != second_time:
            return first_time < second_time
        return a < b

    cdef int sift_up(self, index_t place) except -1 nogil:
        cdef index_t moving = self.active[place]
        cdef index_t head = self.classes[moving].head
        cdef index_t parent
        while place > 0:
            parent = (place - 1) >> 1
            if not self.comes_before(head, self.classes[self.active[parent]].head):
                break
            self.active[place] = self.active[parent]
            self.classes[self.active[place]].place = place
            place = parent
        self.active[place] = moving
        self.classes[moving].place = place
        return 0

    cdef int sift_down(self, index_t place) except -1 nogil:
        cdef index_t moving = self.active[place]
        cdef index_t head = self.classes[moving].head
        cdef index_t child
        while True:
            child = 2 * place + 1
            if child >= self.n_active:
                break
            if child + 1 < self.n_active and self.comes_before(
                self.classes[self.active[child + 1]].head, self.classes[self.active[child]].head
            ):
                child += 1
            if not self.comes_before(self.classes[self.active[child]].head, head):
                break
            self.active[place] = self.active[child]
            self.classes[self.active[place]].place = place
            place = child
        self.active[place] = moving
        self.classes[moving].place = place
        return 0

    cdef int activate(self, index_t pod_class) except -1 nogil:
        self.active[self.n_active] = pod_class
        self.n_active += 1
        return self.sift_up(self.n_active - 1)

    cdef int deactivate(self, index_t pod_class) except -1 nogil:
        cdef index_t place = self.classes[pod_class].place
        cdef index_t last = self.active[self.n_active - 1]
        self.n_active -= 1
        self.classes[pod_class].place = -1
        if last != pod_class:
            self.active[place] = last
            self.classes[last].place = place
            self.sift_down(place)
            self.sift_up(self.classes[last].place)
        return 0

    cdef int block(self, index_t pod_class) except -1 nogil:
        self.deactivate(pod_class)
        self.classes[pod_class].blocked = True
        self.classes[pod_class].place = self.n_blocked
        self.blocked[self.n_blocked] = pod_class
        self.n_blocked += 1
        return 0

    cdef int unblock(self, index_t pod_class) except -1 nogil:
        """Take a class out of the blocked ones; it is active if pods wait in it."""
        cdef index_t place = self.classes[pod_class].place
        cdef index_t last = self.blocked[self.n_blocked - 1]
        self.n_blocked -= 1
        self.blocked[place] = last
        self.classes[last].place = place
        self.classes[pod_class].blocked = False
        self.classes[pod_class].place = -1
        if self.classes[pod_class].n_pending:
            self.activate(pod_class)
        return 0

    cdef int unblock_all(self) except -1 nogil:
        while self.n_blocked:
            self.unblock(self.blocked[self.n_blocked - 1])
        return 0

    cdef int enqueue(self, index_t pod) except -1 nogil:
        """Let a pod wait behind the others of its class."""
        cdef index_t pod_class = self.class_of(pod)
        cdef class_t* its = &self.classes[pod_class]
        self.pods[pod].next = -1
        self.pods[pod].previous = its.tail
        if its.tail >= 0:
            self.pods[its.tail].next = pod
        else:
            its.head = pod
        its.tail = pod
        its.n_pending += 1
        self.pending_version += 1
        if its.place < 0:
            self.activate(pod_class)
        return 0

    cdef int dequeue(self, index_t pod) except -1 nogil:
        """Take a pod out of the waiting; the class's place in the heap is the caller's."""
        cdef class_t* its = &self.classes[self.class_of(pod)]
        cdef pod_t* record = &self.pods[pod]
        if record.previous >= 0:
            self.pods[record.previous].next = record.next
        else:
            its.head = record.next
        if record.next >= 0:
            self.pods[record.next].previous = record.previous
        else:
            its.tail = record.previous
        its.n_pending -= 1
        self.pending_version += 1
        return 0

    cdef index_t turn_of(self, index_t pod_class, index_t most) except -1 nogil:
        """How many pods of the class on top, at most ``most``, come before every other class."""
        cdef index_t rival = -1
        cdef index_t pod = self.classes[pod_class].head
        cdef index_t count = 0
        if most > self.classes[pod_class].n_pending:
            most = self.classes[pod_class].n_pending
        if self.n_active == 1:
            return most
        rival = self.classes[self.active[1]].head
        if self.n_active > 2:
            if self.comes_before(self.classes[self.active[2]].head, rival):
                rival = self.classes[self.active[2]].head
        while count < most and self.comes_before(pod, rival):
            pod = self.pods[pod].next
            count += 1
        return count

    cdef int reserve_pods(self, index_t room) except -1 nogil:
        """Make room for so many pods in all."""
        cdef pod_t* pods
        if room <= self.pod_room:
            return 0
        pods = <pod_t*>realloc(self.pods, <size_t>room * sizeof(pod_t))
        if pods == NULL:
            with gil:
                raise MemoryError(f"no memory for {room} pods")
        self.pods = pods
        self.pod_room = room
        return 0

    cdef index_t new_pod(self, int32_t row) except -1 nogil:
        if self.n_pods == self.pod_room:
            self.reserve_pods(self.pod_room + self.pod_room // 4 + 1024)
        self.pods[self.n_pods].bound = -1
        self.pods[self.n_pods].ended = -1
        self.pods[self.n_pods].row = row
        self.pods[self.n_pods].node = -1
        self.pods[self.n_pods].next = -1
        self.pods[self.n_pods].previous = -1
        self.n_pods += 1
        return self.n_pods - 1

    cdef index_t new_later(
        self, index_t pod_class, time_ns_t duration, index_t origin
    ) except -1 nogil:
        cdef later_t* later
        cdef index_t room
        if self.n_later == self.later_room:
            room = 2 * self.later_room if self.later_room else 256
            later = <later_t*>realloc(self.later, <size_t>room * sizeof(later_t))
            if later == NULL:
                with gil:
                    raise MemoryError(f"no memory for {room} pods that come back")
            self.later = later
            self.later_room = room
        self.later[self.n_later].created = self.now
        self.later[self.n_later].duration = duration
        self.later[self.n_later].origin = origin
        self.later[self.n_later].pod_class = pod_class
        self.n_later += 1
        return self.new_pod(-self.n_later)

    cdef int attach(self, index_t pod, index_t node) except -1 nogil:
        """Let a pod that waits nowhere run on a node."""
        cdef index_t pod_class = self.class_of(pod)
        cdef pod_t* record = &self.pods[pod]
        cdef node_t* host = &self.nodes[node]
        cdef quantity_t* need = &self.request[<Py_ssize_t>pod_class * self.n_resources]
        cdef quantity_t* used = &self.requested[<Py_ssize_t>node * self.n_resources]
        cdef index_t i
        record.bound = self.now
        record.node = node
        record.previous = -1
        record.next = host.first_pod
        if host.first_pod >= 0:
            self.pods[host.first_pod].previous = pod
        host.first_pod = pod
        host.n_pods += 1
        host.version += 1
        self.pod_version += 1
        self.classes[pod_class].n_bound += 1
        for i in range(self.n_resources):
            used[i] += need[i]
        return 0

    cdef int detach(self, index_t pod) except -1 nogil:
        """End a running pod."""
        cdef index_t pod_class = self.class_of(pod)
        cdef pod_t* record = &self.pods[pod]
        cdef node_t* host = &self.nodes[record.node]
        cdef quantity_t* need = &self.request[<Py_ssize_t>pod_class * self.n_resources]
        cdef quantity_t* used = &self.requested[<Py_ssize_t>record.node * self.n_resources]
        cdef index_t i
        if record.previous >= 0:
            self.pods[record.previous].next = record.next
        else:
            host.first_pod = record.next
        if record.next >= 0:
            self.pods[record.next].previous = record.previous
        record.ended = self.now
        host.n_pods -= 1
        host.version += 1
        self.pod_version += 1
        self.classes[pod_class].n_bound -= 1
        for i in range(self.n_resources):
            used[i] -= need[i]
        return 0

    cdef index_t new_node(self, index_t kind, int64_t token) except -1:
        """A machine is bought."""
        cdef index_t room, i, node
        cdef void* memory
        if self.n_nodes == self.node_room:
            room = 2 * self.node_room if self.node_room else 64
            memory = realloc(self.nodes, <size_t>room * sizeof(node_t))
            if memory != NULL:
                self.nodes = <node_t*>memory
                memory = realloc(
                    self.requested, <size_t>room * self.n_resources * sizeof(quantity_t)
                )
            if memory != NULL:
                self.requested = <quantity_t*>memory
                memory = realloc(self.live, <size_t>room * sizeof(index_t))
            if memory == NULL:
                raise MemoryError(f"no memory for {room} nodes")
            self.live = <index_t*>memory
            self.node_room = room
        node = self.n_nodes
        self.nodes[node].created = self.now
        self.nodes[node].ready = -1
        self.nodes[node].gone = -1
        self.nodes[node].lost = -1
        self.nodes[node].token = token
        self.nodes[node].version = 0
        self.nodes[node].kind = kind
        self.nodes[node].slot = -1
        self.nodes[node].first_pod = -1
        self.nodes[node].n_pods = 0
        self.nodes[node].state = BOOTING
        self.nodes[node].cordoned = False
        self.nodes[node].watched = False
        for i in range(self.n_resources):
            self.requested[<Py_ssize_t>node * self.n_resources + i] = 0
        self.live[self.n_live] = node
        self.n_live += 1
        self.n_nodes += 1
        self.node_version += 1
        return node

    cdef index_t check_node(self, object node) except -1:
        if not 0 <= node < self.n_nodes or self.nodes[<index_t>node].state == GONE:
            raise IndexError(f"expected the id of a node that is there, found {node}")
        return <index_t>node

    cdef index_t check_pod(self, object pod) except -1:
        if not 0 <= pod < self.n_pods:
            raise IndexError(f"expected a pod id below {self.n_pods}, found {pod}")
        return <index_t>pod

    cdef int compact(self) except -1 nogil:
        """Close the gaps that nodes left behind in the list of the living."""
        cdef index_t i, kept = 0
        for i in range(self.n_live):
            if self.nodes[self.live[i]].state != GONE:
                self.live[kept] = self.live[i]
                kept += 1
        self.n_live = kept
        return 0

    def class_counts(self):
        """Return two arrays of int64, shape (n_classes,): pods that pend, and that run."""
        pending_array = np.empty(self.n_classes, np.int64)
        bound_array = np.empty(self.n_classes, np.int64)
        cdef int64_t[::1] pending = pending_array
        cdef int64_t[::1] bound = bound_array
        cdef index_t i
        for i in range(self.n_classes):
            pending[i] = self.classes[i].n_pending
            bound[i] = self.classes[i].n_bound
        return pending_array, bound_array

    def pending(self):
        """Return ids, classes and creation times of the pending pods, by creation and id."""
        cdef Py_ssize_t n = 0, at = 0
        cdef index_t i, pod
        for i in range(self.n_classes):
            n += self.classes[i].n_pending
        pod_array = np.empty(n, np.int64)
        class_array = np.empty(n, np.int32)
        since_array = np.empty(n, np.int64)
        cdef int64_t[::1] pods = pod_array
        cdef int32_t[::1] classes = class_array
        cdef int64_t[::1] since = since_array
        for i in range(self.n_classes):
            pod = self.classes[i].head
            while pod >= 0:
                pods[at] = pod
                classes[at] = i
                since[at] = self.created_of(pod)
                at += 1
                pod = self.pods[pod].next
        order = np.lexsort((pod_array, since_array))
        return pod_array[order], class_array[order], since_array[order]

    def pods_on(self, node):
        """Return ids, classes and binding times of the pods on a node, by id."""
        cdef index_t host = self.check_node(node)
        cdef Py_ssize_t n = self.nodes[host].n_pods, at = 0
        cdef index_t pod = self.nodes[host].first_pod
        pod_array = np.empty(n, np.int64)
        cdef int64_t[::1] pods = pod_array
        while pod >= 0:
            pods[at] = pod
            at += 1
            pod = self.pods[pod].next
        pod_array.sort()
        class_array = np.empty(n, np.int32)
        bound_array = np.empty(n, np.int64)
        cdef int32_t[::1] classes = class_array
        cdef int64_t[::1] bound = bound_array
        for at in range(n):
            classes[at] = self.class_of(<index_t>pods[at])
            bound[at] = self.pods[pods[at]].bound
        return pod_array, class_array, bound_array

    def is_daemon(self, pod):
        """Return whether the world started the pod with its node."""
        cdef int32_t row = self.pods[self.check_pod(pod)].row
        return row < 0 and self.later[-1 - row].origin == -1

    def node_state(self, node):
        """Return the state of a node, GONE (4) if its machine is given back."""
        if not 0 <= node < self.n_nodes:
            raise IndexError(f"expected a node id below {self.n_nodes}, found {node}")
        return self.nodes[<index_t>node].state

    def node_kind(self, node):
        """Return the kind of a node."""
        return self.nodes[self.check_node(node)].kind

    def node_columns(self, bint all=False):
        """Return the nodes as columns, by id: those that are there, or all that ever were.

        Returns
        -------
        dict of str to ndarray
            id, kind, state, cordoned, created_ns, ready_ns, gone_ns, lost_ns, token, version.
        """
        self.compact()
        cdef Py_ssize_t n = self.n_nodes if all else self.n_live
        cdef Py_ssize_t i
        cdef index_t node
        columns = {"id": np.empty(n, np.int64), "kind": np.empty(n, np.int32)}
        columns["state"] = np.empty(n, np.uint8)
        columns["cordoned"] = np.empty(n, np.bool_)
        for name in ("created_ns", "ready_ns", "gone_ns", "lost_ns", "token", "version"):
            columns[name] = np.empty(n, np.int64)
        cdef int64_t[::1] ids = columns["id"]
        cdef int32_t[::1] kind = columns["kind"]
        cdef uint8_t[::1] state = columns["state"]
        cdef uint8_t[::1] cordoned = columns["cordoned"].view(np.uint8)
        cdef int64_t[::1] created = columns["created_ns"]
        cdef int64_t[::1] ready = columns["ready_ns"]
        cdef int64_t[::1] gone = columns["gone_ns"]
        cdef int64_t[::1] lost = columns["lost_ns"]
        cdef int64_t[::1] token = columns["token"]
        cdef int64_t[::1] version = columns["version"]
        for i in range(n):
            node = <index_t>i if all else self.live[i]
            ids[i] = node
            kind[i] = self.nodes[node].kind
            state[i] = self.nodes[node].state
            cordoned[i] = self.nodes[node].cordoned
            created[i] = self.nodes[node].created
            ready[i] = self.nodes[node].ready
            gone[i] = self.nodes[node].gone
            lost[i] = self.nodes[node].lost
            token[i] = self.nodes[node].token
            version[i] = self.nodes[node].version
        return columns

    def node_sums(self):
        """Return version, shape (n_nodes,), and requests, (n_resources, n_nodes), of live nodes."""
        self.compact()
        cdef Py_ssize_t i
        cdef index_t j, node
        version_array = np.empty(self.n_live, np.int64)
        sums_array = np.empty((self.n_resources, self.n_live), np.int64)
        cdef int64_t[::1] version = version_array
        cdef int64_t[:, ::1] sums = sums_array
        for i in range(self.n_live):
            node = self.live[i]
            version[i] = self.nodes[node].version
            for j in range(self.n_resources):
                sums[j, i] = self.requested[<Py_ssize_t>node * self.n_resources + j]
        return version_array, sums_array

    def placements(self):
        """Return start, pod, class and binding time of the pods on live nodes, in rows by id."""
        self.compact()
        cdef Py_ssize_t i, at = 0
        cdef index_t pod
        start_array = np.zeros(self.n_live + 1, np.int64)
        cdef int64_t[::1] start = start_array
        for i in range(self.n_live):
            start[i + 1] = start[i] + self.nodes[self.live[i]].n_pods
        pod_array = np.empty(start[self.n_live], np.int64)
        cdef int64_t[::1] pods = pod_array
        for i in range(self.n_live):
            pod = self.nodes[self.live[i]].first_pod
            while pod >= 0:
                pods[at] = pod
                at += 1
                pod = self.pods[pod].next
        rows = np.repeat(np.arange(self.n_live), np.diff(start_array))
        pod_array = pod_array[np.lexsort((pod_array, rows))]
        class_array = np.empty(at, np.int32)
        bound_array = np.empty(at, np.int64)
        pods = pod_array
        cdef int32_t[::1] classes = class_array
        cdef int64_t[::1] bound = bound_array
        for i in range(at):
            classes[i] = self.class_of(<index_t>pods[i])
            bound[i] = self.pods[pods[i]].bound
        return start_array, pod_array, class_array, bound_array

    def pod_columns(self):
        """Return all pods as columns, by id.

        Returns
        -------
        dict of str to ndarray
            class_id (int32), created_ns, bound_ns, ended_ns (int64, -1 for never), node (int32, -1
            for none), row (int32, of the trace; -1 for pods that the trace does not have),
            origin (int32: the pod that was evicted; -1 for none; -2 for daemons; -3 for replicas of
            a workload).
        """
        cdef Py_ssize_t i, n = self.n_pods
        cdef int32_t of_row
        columns = {}
        for name in ("class_id", "node", "row", "origin"):
            columns[name] = np.empty(n, np.int32)
        for name in ("created_ns", "bound_ns", "ended_ns"):
            columns[name] = np.empty(n, np.int64)
        cdef int32_t[::1] classes = columns["class_id"]
        cdef int32_t[::1] node = columns["node"]
        cdef int32_t[::1] row = columns["row"]
        cdef int32_t[::1] origin = columns["origin"]
        cdef int64_t[::1] created = columns["created_ns"]
        cdef int64_t[::1] bound = columns["bound_ns"]
        cdef int64_t[::1] ended = columns["ended_ns"]
        for i in range(n):
            of_row = self.pods[i].row
            classes[i] = self.class_of(<index_t>i)
            node[i] = self.pods[i].node
            row[i] = of_row if of_row >= 0 else -1
            origin[i] = -1
            if of_row < 0:
                origin[i] = self.later[-1 - of_row].origin
                if origin[i] == -1:
                    origin[i] = -2
            created[i] = self.created_of(<index_t>i)
            bound[i] = self.pods[i].bound
            ended[i] = self.pods[i].ended
        return columns
