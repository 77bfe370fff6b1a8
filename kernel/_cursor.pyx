"""First fit for pods of many classes in any order of arrival and departure.

Every class has a cursor: no node before it has room for the class.  Rooms that shrink leave cursors
valid.  A release at node j pulls back all cursors behind j, lazily: it begins a new epoch and
leaves a mark (epoch, j); a class that is placed takes the smallest node marked since its own epoch.
A mark is dropped when a later one is at or before its node, so nodes ascend with epochs and that
smallest node is found by bisection.

Assumes valid input: see ``_fit``; fewer than 2^31 nodes; a release gives back what was placed.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memmove

from ._fit cimport next_fit_32, next_fit_64, width_t
from ._growth cimport enlarge


@cython.final
cdef class Cursors:
    """Nodes, pod classes, and for each class the place where its search begins.

    Parameters
    ----------
    n_resources : int
        Number of resources, at least 1.
    narrow : bool
        Keep rooms as int32 instead of int64.

    Notes
    -----
    A placement costs one fit check if the cursor's node has room, else a scan to the right. Not for
    use by two threads at once.
    """

    def __cinit__(self, int n_resources, bint narrow):
        if n_resources < 1:
            raise ValueError(f"n_resources must be >= 1, found {n_resources}")
        self.n_resources = n_resources
        self.narrow = narrow

    def __dealloc__(self):
        free(self.room)
        free(self.request)
        free(self.compare)
        free(self.capacity)
        free(self.cursor)
        free(self.seen)
        free(self.mark_epoch)
        free(self.mark_node)

    def load(
        self, const width_t[:, ::1] requests, const width_t[:, ::1] compares,
        const width_t[:, ::1] rooms, const width_t[::1] capacity, int64_t max_nodes,
    ):
        """Set classes and nodes and begin anew.

        Parameters
        ----------
        requests, compares : memoryview of int32 (narrow) or int64, shape (n_classes, n_resources)
            Requests in subtracting and in comparing form.
        rooms : memoryview, shape (n_resources, n_nodes)
            Room left on the nodes that exist.
        capacity : memoryview, shape (n_resources,)
            A new node.
        max_nodes : int
            As many nodes there may be; no new one if not above ``n_nodes``.
        """
        cdef width_t unit = 0
        cdef size_t width = sizeof(unit)
        cdef Py_ssize_t i
        cdef int r
        if (width == 4) != self.narrow or requests.shape[1] != self.n_resources:
            raise ValueError("requests do not match the width or the resources of the cursors")
        self.n_classes = requests.shape[0]
        self.n_nodes = 0
        self.n_marks = 0
        self.epoch = 0
        self.max_nodes = max_nodes
        enlarge(&self.request, <size_t>(self.n_classes * self.n_resources) * width)
        enlarge(&self.compare, <size_t>(self.n_classes * self.n_resources) * width)
        enlarge(&self.capacity, <size_t>self.n_resources * width)
        enlarge(<void**>&self.cursor, <size_t>self.n_classes * sizeof(int32_t))
        enlarge(<void**>&self.seen, <size_t>self.n_classes * sizeof(int64_t))
        memcpy(self.capacity, &capacity[0], <size_t>self.n_resources * width)
        for i in range(self.n_classes):
            self.cursor[i] = 0
            self.seen[i] = 0
        if self.n_classes:
            memcpy(self.request, &requests[0, 0],
                   <size_t>(self.n_classes * self.n_resources) * width)
            memcpy(self.compare, &compares[0, 0],
                   <size_t>(self.n_classes * self.n_resources) * width)
        self.reserve_nodes(rooms.shape[1] if rooms.shape[1] else 1)
        self.n_nodes = rooms.shape[1]
        for r in range(self.n_resources):
            if self.n_nodes:
                memcpy(<char*>self.room + <size_t>(r * self.stride) * width, &rooms[r, 0],
                       <size_t>self.n_nodes * width)

    cdef int reserve_nodes(self, Py_ssize_t n) except -1 nogil:
        """Make room for ``n`` nodes."""
        cdef size_t width = sizeof(int32_t) if self.narrow else sizeof(int64_t)
        cdef Py_ssize_t stride
        cdef int r
        if n <= self.stride:
            return 0
        stride = n if n > 2 * self.stride else 2 * self.stride
        enlarge(&self.room, <size_t>(stride * self.n_resources) * width)
        for r in range(self.n_resources - 1, 0, -1):
            memmove(
                <char*>self.room + <size_t>(r * stride) * width,
                <char*>self.room + <size_t>(r * self.stride) * width,
                <size_t>self.n_nodes * width,
            )
        self.stride = stride
        return 0

    cdef Py_ssize_t place(self, Py_ssize_t pod_class) except -2 nogil:
        """Put one pod on the first node that has room; the node, or -1."""
        if self.narrow:
            return place_one(self, pod_class, <int32_t*>self.room)
        return place_one(self, pod_class, <int64_t*>self.room)

    cdef int release(self, Py_ssize_t pod_class, Py_ssize_t node) except -1 nogil:
        """Give back what one pod of the class had on the node."""
        if self.narrow:
            give_back(self, pod_class, node, <int32_t*>self.room)
        else:
            give_back(self, pod_class, node, <int64_t*>self.room)
        self.epoch += 1
        while self.n_marks and self.mark_node[self.n_marks - 1] >= node:
            self.n_marks -= 1
        if self.n_marks == self.mark_room:
            self.mark_room = 2 * self.mark_room if self.mark_room else 64
            enlarge(<void**>&self.mark_epoch, <size_t>self.mark_room * sizeof(int64_t))
            enlarge(<void**>&self.mark_node, <size_t>self.mark_room * sizeof(int32_t))
        self.mark_epoch[self.n_marks] = self.epoch
        self.mark_node[self.n_marks] = <int32_t>node
        self.n_marks += 1
        return 0

    def run(self, const int64_t[::1] events, int32_t[::1] nodes):
        """Let pods come and go.

        Parameters
        ----------
        events : memoryview of int64, shape (n_events,)
            ``c >= 0``: a pod of class c arrives.  ``-1 - e``: the pod that arrived in event e, and
            has not left yet, leaves.
        nodes : memoryview of int32, shape (n_events,)
            The node the pod came to or left; -1 where there was no room.
        """
        cdef Py_ssize_t i, arrival
        with nogil:
            for i in range(events.shape[0]):
                if events[i] >= 0:
                    nodes[i] = <int32_t>self.place(events[i])
                    continue
                arrival = -1 - events[i]
                nodes[i] = nodes[arrival]
                if nodes[i] >= 0:
                    self.release(events[arrival], nodes[i])


cdef inline Py_ssize_t search_start(Cursors cursors, Py_ssize_t pod_class) noexcept nogil:
    cdef Py_ssize_t low, high, middle
    if cursors.seen[pod_class] != cursors.epoch:
        # Invariant: marks before `low` are of seen epochs, those from `high` on are not.
        low = 0
        high = cursors.n_marks
        while low < high:
            middle = (low + high) // 2
            if cursors.mark_epoch[middle] > cursors.seen[pod_class]:
                high = middle
            else:
                low = middle + 1
        if low < cursors.n_marks and cursors.mark_node[low] < cursors.cursor[pod_class]:
            cursors.cursor[pod_class] = cursors.mark_node[low]
        cursors.seen[pod_class] = cursors.epoch
    return cursors.cursor[pod_class]


cdef Py_ssize_t place_one(
    Cursors cursors, Py_ssize_t pod_class, width_t* room
) except -2 nogil:
    cdef int n_resources = cursors.n_resources
    cdef const width_t* request = <const width_t*>cursors.request + pod_class * n_resources
    cdef const width_t* compare = <const width_t*>cursors.compare + pod_class * n_resources
    cdef Py_ssize_t start = search_start(cursors, pod_class)
    cdef Py_ssize_t node
    cdef int r
    if width_t is int32_t:
        node = next_fit_32(room, cursors.stride, start, cursors.n_nodes, n_resources, compare)
    else:
        node = next_fit_64(room, cursors.stride, start, cursors.n_nodes, n_resources, compare)
    if node < 0:
        cursors.cursor[pod_class] = <int32_t>cursors.n_nodes
        node = open_node(cursors, compare)
        if node < 0:
            return -1
        room = <width_t*>cursors.room
    cursors.cursor[pod_class] = <int32_t>node
    for r in range(n_resources):
        room[r * cursors.stride + node] -= request[r]
    return node


cdef Py_ssize_t open_node(Cursors cursors, const width_t* compare) except -2 nogil:
    cdef const width_t* capacity = <const width_t*>cursors.capacity
    cdef width_t* room
    cdef int r
    if cursors.n_nodes >= cursors.max_nodes:
        return -1
    for r in range(cursors.n_resources):
        if compare[r] > 0 and compare[r] > capacity[r]:
            return -1
    cursors.reserve_nodes(cursors.n_nodes + 1)
    room = <width_t*>cursors.room
    for r in range(cursors.n_resources):
        room[r * cursors.stride + cursors.n_nodes] = capacity[r]
    cursors.n_nodes += 1
    return cursors.n_nodes - 1


cdef void give_back(
    Cursors cursors, Py_ssize_t pod_class, Py_ssize_t node, width_t* room
) noexcept nogil:
    cdef const width_t* request = (
        <const width_t*>cursors.request + pod_class * cursors.n_resources)
    cdef int r
    for r in range(cursors.n_resources):
        room[r * cursors.stride + node] += request[r]
