"""What a run shows of its pods and nodes: columns of NumPy, and answers about single ones.

Columns that are read at every look of a policy are parts of one block of bytes, hence read-only: to
make an array, to lock it and to take a memoryview of it costs more than to fill it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, qsort

from ._growth cimport reserve
from ._population cimport node_t
from ._typedefs cimport index_t
from ._waiting cimport WaitingLines

import numpy as np

_WIDE = np.dtype(np.int64)
_NARROW = np.dtype(np.int32)
_FLAG = np.dtype(np.uint8)
_BOOL = np.dtype(np.bool_)


cdef int by_creation(const void* one, const void* other) noexcept nogil:
    cdef const waiting_t* a = <const waiting_t*>one
    cdef const waiting_t* b = <const waiting_t*>other
    if a.since != b.since:
        return -1 if a.since < b.since else 1
    return (a.pod > b.pod) - (a.pod < b.pod)


cdef class Ledger(WaitingLines):
    """The memory of the event loop with its columns; it changes nothing by itself."""

    def __dealloc__(self):
        free(self.waiting)
        free(self.chosen)

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
        """Return ids, classes and creation times of the pending pods, by creation and id.

        Pods with scheduling gates are left out: nobody looks for a node for them.
        """
        cdef int64_t n = 0
        cdef index_t i, line, pod
        for i in range(self.n_classes):
            if self.classes[i].gated or not self.classes[i].n_pending:
                continue
            for line in range(i * self.n_lines, (i + 1) * self.n_lines):
                pod = self.lines[line].turn.pod
                while pod >= 0:
                    reserve(<void**>&self.waiting, &self.waiting_room, n + 1, sizeof(waiting_t))
                    self.waiting[n].since = self.created_of(pod)
                    self.waiting[n].pod = pod
                    self.waiting[n].pod_class = i
                    n += 1
                    pod = self.pods[pod].next
        qsort(self.waiting, <size_t>n, sizeof(waiting_t), by_creation)
        cdef bytes block = PyBytes_FromStringAndSize(NULL, n * 20)
        cdef int64_t* pods = <int64_t*>PyBytes_AS_STRING(block)
        cdef int64_t* since = pods + n
        cdef int32_t* classes = <int32_t*>(since + n)
        for i in range(<index_t>n):
            pods[i] = self.waiting[i].pod
            since[i] = self.waiting[i].since
            classes[i] = self.waiting[i].pod_class
        wide = np.frombuffer(block, _WIDE, 2 * n)
        return wide[:n], np.frombuffer(block, _NARROW, n, 16 * n), wide[n:]

    def pods_on(self, node):
        """Return ids, classes and binding times of the pods on a node, by id."""
        cdef index_t host = self.check_node(node)
        return self.listed(&host, 1)[1:]

    def tenants(self, node):
        """Return lists of ids and classes of the pods on a node that are no daemons, by id."""
        cdef const node_t* host = &self.nodes[self.check_node(node)]
        cdef index_t i
        pods = []
        classes = []
        for i in range(host.n_pods):
            if not self.is_of_node(host.residents[i].pod):
                pods.append(host.residents[i].pod)
                classes.append(host.residents[i].pod_class)
        return pods, classes

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
        cdef const node_t* it
        cdef bytes block = PyBytes_FromStringAndSize(NULL, n * 62)
        cdef int64_t* id = <int64_t*>PyBytes_AS_STRING(block)
        cdef int64_t* created = id + n
        cdef int64_t* ready = created + n
        cdef int64_t* gone = ready + n
        cdef int64_t* lost = gone + n
        cdef int64_t* token = lost + n
        cdef int64_t* version = token + n
        cdef int32_t* kind = <int32_t*>(version + n)
        cdef uint8_t* state = <uint8_t*>(kind + n)
        cdef uint8_t* cordoned = state + n
        for i in range(n):
            node = <index_t>i if all else self.live[i]
            it = &self.nodes[node]
            id[i] = node
            created[i] = it.created
            ready[i] = it.ready
            gone[i] = it.gone
            lost[i] = it.lost
            token[i] = it.token
            version[i] = it.version
            kind[i] = it.kind
            state[i] = it.state
            cordoned[i] = it.cordoned
        wide = np.frombuffer(block, _WIDE, 7 * n)
        return {
            "id": wide[:n],
            "created_ns": wide[n : 2 * n],
            "ready_ns": wide[2 * n : 3 * n],
            "gone_ns": wide[3 * n : 4 * n],
            "lost_ns": wide[4 * n : 5 * n],
            "token": wide[5 * n : 6 * n],
            "version": wide[6 * n :],
            "kind": np.frombuffer(block, _NARROW, n, 56 * n),
            "state": np.frombuffer(block, _FLAG, n, 60 * n),
            "cordoned": np.frombuffer(block, _BOOL, n, 61 * n),
        }

    def node_versions(self):
        """Return the versions of live nodes, shape (n_nodes,)."""
        self.compact()
        cdef Py_ssize_t i, n = self.n_live
        cdef bytes block = PyBytes_FromStringAndSize(NULL, n * 8)
        cdef int64_t* version = <int64_t*>PyBytes_AS_STRING(block)
        for i in range(n):
            version[i] = self.nodes[self.live[i]].version
        return np.frombuffer(block, _WIDE, n)

    def node_sums(self):
        """Return the requests of the pods on live nodes, shape (n_resources, n_nodes)."""
        self.compact()
        cdef Py_ssize_t i
        cdef index_t j, node
        sums_array = np.empty((self.n_resources, self.n_live), np.int64)
        cdef int64_t[:, ::1] sums = sums_array
        for i in range(self.n_live):
            node = self.live[i]
            for j in range(self.n_resources):
                sums[j, i] = self.requested[<Py_ssize_t>node * self.n_resources + j]
        sums_array.setflags(write=False)
        return sums_array

    def placements(self, rows=None):
        """Return start, pod, class and binding time of the pods on nodes, in rows by id.

        ``rows`` are places in the columns of the nodes that are there, in a sequence or an array;
        without them all.
        """
        self.compact()
        if rows is None:
            return self.listed(self.live, self.n_live)
        cdef list given = rows if isinstance(rows, list) else np.asarray(rows).tolist()
        cdef Py_ssize_t i, n = len(given)
        cdef int64_t row
        reserve(<void**>&self.chosen, &self.chosen_room, n, sizeof(index_t))
        for i in range(n):
            row = given[i]
            if not 0 <= row < self.n_live:
                raise IndexError(f"expected a row below {self.n_live}, found {row}")
            self.chosen[i] = self.live[row]
        return self.listed(self.chosen, n)

    cdef tuple listed(self, const index_t* nodes, Py_ssize_t n_nodes):
        """The columns of :meth:`placements` for nodes that are there."""
        cdef Py_ssize_t i, j, at = 0, n = 0
        cdef const node_t* host
        for i in range(n_nodes):
            n += self.nodes[nodes[i]].n_pods
        cdef bytes block = PyBytes_FromStringAndSize(NULL, (n_nodes + 1) * 8 + n * 20)
        cdef int64_t* start = <int64_t*>PyBytes_AS_STRING(block)
        cdef int64_t* pods = start + n_nodes + 1
        cdef int64_t* bound = pods + n
        cdef int32_t* classes = <int32_t*>(bound + n)
        for i in range(n_nodes):
            start[i] = at
            host = &self.nodes[nodes[i]]
            for j in range(host.n_pods):
                pods[at] = host.residents[j].pod
                bound[at] = host.residents[j].bound
                classes[at] = host.residents[j].pod_class
                at += 1
        start[n_nodes] = n
        wide = np.frombuffer(block, _WIDE, n_nodes + 1 + 2 * n)
        i = n_nodes + 1
        return (
            wide[:i],
            wide[i : i + n],
            np.frombuffer(block, _NARROW, n, (i + 2 * n) * 8),
            wide[i + n :],
        )

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
