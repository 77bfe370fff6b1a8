"""Next fit: a pod goes to the first node with room from the last one used to the right.

Nodes at the left of the last one used are never looked at again.  Identical pods fill nodes from
left to right, so a class costs O(runs to the right of the last node used) and O(1) once all nodes
are new ones.

Assumes valid input: see ``_fit``.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from ._fit cimport copies_of
from ._runs cimport Runs


cdef inline bint fits(
    const int64_t* room, Py_ssize_t stride, int n_resources, const int64_t* compare
) noexcept nogil:
    cdef int r
    for r in range(n_resources):
        if compare[r] > room[r * stride]:
            return False
    return True


cdef struct Place:
    int64_t* room       # room left on the last node used
    int64_t node        # that node, -1 if none was used yet
    Py_ssize_t run      # the run it is in ...
    int64_t passed      # ... and how many nodes of that run are used or passed
    int64_t first       # first node of that run


cdef inline void move(
    Place* at, const int64_t* room, Py_ssize_t stride, int n_resources, const int64_t* request,
    int64_t copies, int64_t node,
) noexcept nogil:
    cdef int r
    for r in range(n_resources):
        at.room[r] = room[r * stride] - request[r] * copies
    at.node = node


cdef int64_t place_on(
    Runs records, int64_t pod_class, Place* at, const int64_t* room, Py_ssize_t stride,
    const int64_t* request, int64_t n_pods, int64_t first_node, int64_t n_nodes, int64_t* n_used,
) except -1 nogil:
    """Fill untouched nodes of one shape, left to right; return the pods left over."""
    cdef int n_resources = records.n_resources
    cdef int64_t copies = copies_of(room, stride, n_resources, request, n_pods)
    cdef int64_t n_full = n_pods // copies
    cdef int64_t rest = n_pods - n_full * copies
    if n_full >= n_nodes:
        n_full = n_nodes
        rest = 0
    if n_full:
        records.emit(pod_class, first_node, n_full, copies)
        move(at, room, stride, n_resources, request, copies, first_node + n_full - 1)
    if rest:
        records.emit(pod_class, first_node + n_full, 1, rest)
        move(at, room, stride, n_resources, request, rest, first_node + n_full)
    n_used[0] = n_full + (rest > 0)
    return n_pods - n_full * copies - rest


def place_classes(
    Runs records not None, const int64_t[:, ::1] rooms, const int64_t[::1] sizes,
    const int64_t[:, ::1] requests, const int64_t[:, ::1] compares, const int64_t[::1] counts,
    const int32_t[::1] order, const int64_t[::1] capacity, int64_t max_new_nodes,
    int64_t[::1] unplaced,
):
    """Place the pods of every class, class after class, opening nodes when none has room.

    Parameters
    ----------
    records : Runs
        Takes the records.
    rooms : memoryview of int64, shape (n_resources, n_runs)
        Room left on the nodes that exist.
    sizes : memoryview of int64, shape (n_runs,)
        Number of nodes.
    requests, compares : memoryview of int64, shape (n_classes, n_resources)
        Requests in subtracting and in comparing form.
    counts : memoryview of int64, shape (n_classes,)
        Pods of each class.
    order : memoryview of int32, shape (n_classes,)
        The classes in the order they are placed.
    capacity : memoryview of int64, shape (n_resources,)
        A new node.
    max_new_nodes : int
        How many nodes may be opened.
    unplaced : memoryview of int64, shape (n_classes,)
        Pods that found no place.

    Returns
    -------
    int
        How many nodes were opened.
    """
    cdef int n_resources = <int>requests.shape[1]
    cdef Py_ssize_t n_runs = rooms.shape[1]
    cdef Py_ssize_t i, run
    cdef int32_t c
    cdef int64_t left, copies, first, used, n_used, n_existing = 0
    cdef int64_t n_new = 0
    cdef const int64_t* request
    cdef Place at
    for i in range(n_runs):
        n_existing += sizes[i]
    at.room = <int64_t*>malloc(<size_t>n_resources * sizeof(int64_t))
    if at.room == NULL:
        raise MemoryError("no memory for one node")
    at.node = -1
    at.run = 0
    at.passed = 0
    at.first = 0
    try:
        with nogil:
            for i in range(order.shape[0]):
                c = order[i]
                left = counts[c]
                request = &requests[c, 0]
                if left and at.node >= 0 and fits(at.room, 1, n_resources, &compares[c, 0]):
                    copies = copies_of(at.room, 1, n_resources, request, left)
                    records.emit(c, at.node, 1, copies)
                    move(&at, at.room, 1, n_resources, request, copies, at.node)
                    left -= copies
                run = at.run
                first = at.first
                # Invariant: `first` is the first node of `run`; runs before it are passed.
                while left and run < n_runs:
                    used = at.passed if run == at.run else 0
                    if used < sizes[run] and fits(
                        &rooms[0, run], n_runs, n_resources, &compares[c, 0]
                    ):
                        left = place_on(
                            records, c, &at, &rooms[0, run], n_runs, request, left, first + used,
                            sizes[run] - used, &n_used)
                        at.run = run
                        at.first = first
                        at.passed = used + n_used
                    first += sizes[run]
                    run += 1
                if left and max_new_nodes and fits(
                    &capacity[0], 1, n_resources, &compares[c, 0]
                ):
                    left = place_on(
                        records, c, &at, &capacity[0], 1, request, left, n_existing + n_new,
                        max_new_nodes, &n_used)
                    max_new_nodes -= n_used
                    n_new += n_used
                    at.run = n_runs
                unplaced[c] = left
    finally:
        free(at.room)
    return n_new
