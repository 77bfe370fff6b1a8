"""The rotating scan: every search begins behind the node that took the last pod.

Candidates are L+1, L+2, ..., around to L, and the accepting node becomes L.  For m identical pods
that is a round robin: with F copies of the class on a node, everybody gets min(k, F) for the
largest k that m allows, and the first nodes in cyclic order with F > k share what is left.  A class
costs O(runs x log copies), and breaks two runs at most: where the circle begins and where the pods
end.

Assumes valid input: see ``_fit``.  Nodes are never added.
"""

cimport cython
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

from ._fit cimport copies_of
from ._runs cimport Runs


@cython.final
cdef class Rotation:
    """A circle of nodes, kept as runs of equal ones, and the node that took the last pod.

    Parameters
    ----------
    rooms : memoryview of int64, shape (n_runs, n_resources)
        Room left on each node of a run; may be negative.
    sizes : memoryview of int64, shape (n_runs,)
        Number of nodes, at least 1.
    last_node : int
        The node that took the last pod; the search begins behind it. -1 for the first node.
    max_breaks : int
        Upper limit of the classes to come, two runs each.
    """

    cdef int n_resources
    cdef readonly Py_ssize_t n_runs
    cdef readonly int64_t n_nodes
    cdef readonly int64_t last_node
    cdef Py_ssize_t run_room
    cdef int64_t* room      # [run][resource]
    cdef int64_t* first     # [run]
    cdef int64_t* size      # [run]
    cdef int64_t* copies    # [run], of the class at hand

    def __cinit__(
        self, const int64_t[:, ::1] rooms, const int64_t[::1] sizes, int64_t last_node,
        Py_ssize_t max_breaks,
    ):
        cdef Py_ssize_t i
        self.n_resources = <int>rooms.shape[1]
        self.n_runs = rooms.shape[0]
        self.last_node = last_node
        self.run_room = self.n_runs + 2 * max_breaks + 1
        self.room = <int64_t*>malloc(
            <size_t>(self.run_room * self.n_resources) * sizeof(int64_t))
        self.first = <int64_t*>malloc(<size_t>self.run_room * sizeof(int64_t))
        self.size = <int64_t*>malloc(<size_t>self.run_room * sizeof(int64_t))
        self.copies = <int64_t*>malloc(<size_t>self.run_room * sizeof(int64_t))
        if not (self.room and self.first and self.size and self.copies):
            raise MemoryError(f"no memory for {self.run_room} runs")
        if self.n_runs:
            memcpy(self.room, &rooms[0, 0],
                   <size_t>(self.n_runs * self.n_resources) * sizeof(int64_t))
        for i in range(self.n_runs):
            self.first[i] = self.n_nodes
            self.size[i] = sizes[i]
            self.n_nodes += sizes[i]

    def __dealloc__(self):
        free(self.room)
        free(self.first)
        free(self.size)
        free(self.copies)

    def place_classes(
        self, Runs records not None, const int64_t[:, ::1] requests, const int64_t[::1] counts,
        int64_t[::1] unplaced,
    ):
        """Place the pods of every class, class after class.

        Parameters
        ----------
        records : Runs
            Takes the records, of each class in the cyclic order of its first node.
        requests : memoryview of int64, shape (n_classes, n_resources)
            Subtracting form.
        counts : memoryview of int64, shape (n_classes,)
            Pods of each class.
        unplaced : memoryview of int64, shape (n_classes,)
            Pods that found no place.
        """
        cdef Py_ssize_t i
        if self.n_runs + 2 * requests.shape[0] > self.run_room:
            raise ValueError(f"more than {(self.run_room - self.n_runs) // 2} classes")
        with nogil:
            for i in range(requests.shape[0]):
                unplaced[i] = self.place(records, i, &requests[i, 0], counts[i])

    cdef int64_t place(
        self, Runs records, int64_t pod_class, const int64_t* request, int64_t n_pods
    ) except -1 nogil:
        """Place one class; return the pods left over."""
        cdef int64_t start, total, rounds, high, middle, extra, more, copies
        cdef bint has_extra
        cdef Py_ssize_t begin = 0
        cdef Py_ssize_t i, _run
        if n_pods == 0 or self.n_runs == 0:
            return n_pods
        start = self.last_node + 1 if self.last_node + 1 < self.n_nodes else 0
        while self.first[begin] + self.size[begin] <= start:
            begin += 1
        if self.first[begin] < start:
            self.break_run(begin, start - self.first[begin])
            begin += 1
        high = 0
        for i in range(self.n_runs):
            self.copies[i] = self.copies_on(i, request, n_pods)
            if self.copies[i] > high:
                high = self.copies[i]
        total = self.pods_in(high, n_pods)
        if total == 0:
            return n_pods
        # Invariant: `rounds` rounds need no more than all pods; more than `high` need more, or are
        # more than any node takes.
        rounds = 0 if total == n_pods else high
        while rounds < high:
            middle = high - (high - rounds) // 2
            if self.pods_in(middle, n_pods + 1) <= n_pods:
                rounds = middle
            else:
                high = middle - 1
        extra = total - self.pods_in(rounds, total)
        has_extra = extra > 0
        i = begin
        for _run in range(self.n_runs):
            copies = self.copies[i] if self.copies[i] < rounds else rounds
            more = 0
            if self.copies[i] > rounds:
                more = extra if extra < self.size[i] else self.size[i]
                extra -= more
            if more or (not has_extra and self.copies[i] >= rounds):
                self.last_node = self.first[i] + (more if more else self.size[i]) - 1
            if more and more < self.size[i]:
                self.break_run(i, more)
                self.serve(records, pod_class, request, i, copies + 1)
                i += 1
                more = 0
            self.serve(records, pod_class, request, i, copies + (more > 0))
            i += 1
            if i == self.n_runs:
                i = 0
        return n_pods - total

    cdef int64_t copies_on(
        self, Py_ssize_t run, const int64_t* request, int64_t most
    ) noexcept nogil:
        """How many copies one node of the run takes."""
        cdef const int64_t* room = self.room + run * self.n_resources
        cdef int r
        for r in range(self.n_resources):
            if request[r] > 0 and request[r] > room[r]:
                return 0
        return copies_of(room, 1, self.n_resources, request, most)

    cdef int64_t pods_in(self, int64_t rounds, int64_t enough) noexcept nogil:
        """How many pods so many rounds place; stops counting at enough."""
        cdef Py_ssize_t i
        cdef int64_t here
        cdef int64_t n = 0
        for i in range(self.n_runs):
            here = self.copies[i] if self.copies[i] < rounds else rounds
            if here == 0:
                continue
            if self.size[i] > (enough - n) // here:
                return enough
            n += here * self.size[i]
        return n

    cdef void break_run(self, Py_ssize_t run, int64_t n_left) noexcept nogil:
        """Part a run: ``n_left`` nodes stay, the others become the next run."""
        cdef Py_ssize_t behind = self.n_runs - run
        cdef Py_ssize_t size = self.n_resources
        memmove(self.room + (run + 1) * size, self.room + run * size,
                <size_t>(behind * size) * sizeof(int64_t))
        memmove(&self.first[run + 1], &self.first[run], <size_t>behind * sizeof(int64_t))
        memmove(&self.size[run + 1], &self.size[run], <size_t>behind * sizeof(int64_t))
        memmove(&self.copies[run + 1], &self.copies[run], <size_t>behind * sizeof(int64_t))
        self.size[run] = n_left
        self.first[run + 1] += n_left
        self.size[run + 1] -= n_left
        self.n_runs += 1

    cdef int serve(
        self, Runs records, int64_t pod_class, const int64_t* request, Py_ssize_t run,
        int64_t copies,
    ) except -1 nogil:
        """Place copies on every node of a run."""
        cdef int r
        if copies:
            for r in range(self.n_resources):
                self.room[run * self.n_resources + r] -= request[r] * copies
            records.emit(pod_class, self.first[run], self.size[run], copies)
        return 0
