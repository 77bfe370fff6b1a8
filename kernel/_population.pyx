"""Records of pods, nodes and classes."""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memmove

from ._growth cimport reserve
from ._typedefs cimport index_t, quantity_t, time_ns_t

cdef enum:
    DAEMON = -1       # origin of a pod that the world started with its node


cdef class Population:
    """The memory of the event loop; it changes nothing by itself.

    Parameters
    ----------
    request : ndarray of int64, shape (n_resources, n_classes)
    priority : ndarray of int32, shape (n_classes,)
        Larger comes first.
    restart : ndarray of uint8, shape (n_classes,)
        What an evicted pod does: 0 is lost, 1 comes back for the rest of its time, 2 for all of it.
    gated : ndarray of uint8, shape (n_classes,)
        Whether pods have scheduling gates: they pend, and nobody looks for a node.
    row_class : ndarray of int32, shape (n_rows,)
    row_arrival, row_duration : ndarray of int64, shape (n_rows,)
        Sorted by arrival; duration -1 for pods that stay.

    Notes
    -----
    A pod takes 32 bytes; one that came back after an eviction 24 more, and one that runs 16 to 32.
    To bind a pod or to end one takes O(pods on its node), but little for each.
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
        *_,
    ):
        cdef index_t i, j
        cdef int32_t lowest = 0x7FFFFFFF
        self.row_class = row_class
        self.row_arrival = row_arrival
        self.row_duration = row_duration
        self.n_resources = <index_t>request.shape[0]
        self.n_classes = <index_t>request.shape[1]
        self.request = <quantity_t*>calloc(
            <size_t>(self.n_classes * self.n_resources + 1), sizeof(quantity_t)
        )
        self.classes = <class_t*>calloc(<size_t>(self.n_classes + 1), sizeof(class_t))
        if self.request == NULL or self.classes == NULL:
            raise MemoryError(f"no memory for {self.n_classes} pod classes")
        for i in range(self.n_classes):
            for j in range(self.n_resources):
                self.request[i * self.n_resources + j] = request[j, i]
            self.classes[i].priority = priority[i]
            self.classes[i].restart = restart[i]
            self.classes[i].gated = gated[i]
            lowest = min(lowest, priority[i])
        for i in range(self.n_classes):
            self.classes[i].preempts = priority[i] > lowest

    def __dealloc__(self):
        cdef index_t i
        for i in range(self.n_nodes):
            free(self.nodes[i].residents)
        free(self.request)
        free(self.classes)
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

    cdef bint is_of_node(self, index_t pod) noexcept nogil:
        """Whether the world started a pod with its node: one of a DaemonSet."""
        cdef int32_t row = self.pods[pod].row
        return row < 0 and self.later[-1 - row].origin == DAEMON

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

    cdef int64_t place_of(self, index_t node, index_t pod) noexcept nogil:
        """Where a pod is among those of a node, or where it belongs."""
        cdef const node_t* host = &self.nodes[node]
        cdef int64_t low = 0, high = host.n_pods, middle
        while low < high:
            middle = (low + high) // 2
            if host.residents[middle].pod < pod:
                low = middle + 1
            else:
                high = middle
        return low

    cdef int attach(self, index_t pod, index_t node) except -1 nogil:
        """Let a pod that waits nowhere run on a node."""
        cdef index_t pod_class = self.class_of(pod)
        cdef pod_t* record = &self.pods[pod]
        cdef node_t* host = &self.nodes[node]
        cdef quantity_t* need = &self.request[<Py_ssize_t>pod_class * self.n_resources]
        cdef quantity_t* used = &self.requested[<Py_ssize_t>node * self.n_resources]
        cdef int64_t at = host.n_pods
        cdef index_t i
        reserve(<void**>&host.residents, &host.room, at + 1, sizeof(resident_t))
        if at and host.residents[at - 1].pod > pod:  # mostly the newest comes last
            at = self.place_of(node, pod)
            memmove(
                &host.residents[at + 1], &host.residents[at],
                <size_t>(host.n_pods - at) * sizeof(resident_t),
            )
        host.residents[at].bound = self.now
        host.residents[at].pod = pod
        host.residents[at].pod_class = pod_class
        record.bound = self.now
        record.node = node
        host.n_pods += 1
        host.version += 1
        self.pod_version += 1
        self.classes[pod_class].n_bound += 1
        for i in range(self.n_resources):
            used[i] += need[i]
        return 0

    cdef int detach(self, index_t pod) except -1 nogil:
        """End a running pod."""
        cdef pod_t* record = &self.pods[pod]
        cdef node_t* host = &self.nodes[record.node]
        cdef int64_t at = self.place_of(record.node, pod)
        cdef index_t pod_class = host.residents[at].pod_class
        cdef quantity_t* need = &self.request[<Py_ssize_t>pod_class * self.n_resources]
        cdef quantity_t* used = &self.requested[<Py_ssize_t>record.node * self.n_resources]
        cdef index_t i
        host.n_pods -= 1
        memmove(
            &host.residents[at], &host.residents[at + 1],
            <size_t>(host.n_pods - at) * sizeof(resident_t),
        )
        record.ended = self.now
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
        self.nodes[node].residents = NULL
        self.nodes[node].room = 0
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
