"""What a run shows of its pods and nodes: columns of NumPy, and answers about single ones."""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport qsort

from ._typedefs cimport index_t
from ._waiting cimport WaitingLines

import numpy as np


cdef int by_id(const void* one, const void* other) noexcept nogil:
    cdef int64_t a = (<const int64_t*>one)[0], b = (<const int64_t*>other)[0]
    return (a > b) - (a < b)


cdef class Ledger(WaitingLines):
    """The memory of the event loop with its columns; it changes nothing by itself."""

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
        cdef Py_ssize_t n = 0, at = 0
        cdef index_t i, pod
        for i in range(self.n_classes):
            if not self.classes[i].gated:
                n += self.classes[i].n_pending
        pod_array = np.empty(n, np.int64)
        class_array = np.empty(n, np.int32)
        since_array = np.empty(n, np.int64)
        cdef int64_t[::1] pods = pod_array
        cdef int32_t[::1] classes = class_array
        cdef int64_t[::1] since = since_array
        for i in range(self.n_classes * self.n_lines):
            pod = self.lines[i].turn.pod
            if self.classes[i / self.n_lines].gated:
                continue
            while pod >= 0:
                pods[at] = pod
                classes[at] = i / self.n_lines
                since[at] = self.created_of(pod)
                at += 1
                pod = self.pods[pod].next
        order = np.lexsort((pod_array, since_array))
        return pod_array[order], class_array[order], since_array[order]

    def pods_on(self, node):
        """Return ids, classes and binding times of the pods on a node, by id."""
        return self.placements(np.array([node], np.int64))[1:]

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

    def node_versions(self):
        """Return the versions of live nodes, shape (n_nodes,)."""
        self.compact()
        cdef Py_ssize_t i
        version_array = np.empty(self.n_live, np.int64)
        cdef int64_t[::1] version = version_array
        for i in range(self.n_live):
            version[i] = self.nodes[self.live[i]].version
        return version_array

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
        return sums_array

    def placements(self, nodes=None):
        """Return start, pod, class and binding time of the pods on nodes, in rows by id.

        ``nodes`` are ids, in an ndarray of int64; without them all live ones.  The arrays are
        fresh.
        """
        self.compact()
        cdef Py_ssize_t i, at = 0
        cdef index_t pod
        if nodes is None:
            nodes = np.empty(self.n_live, np.int64)
            for i in range(self.n_live):
                nodes[i] = self.live[i]
        cdef const int64_t[::1] rows = nodes
        start_array = np.zeros(rows.shape[0] + 1, np.int64)
        cdef int64_t[::1] start = start_array
        for i in range(rows.shape[0]):
            start[i + 1] = start[i] + self.nodes[self.check_node(rows[i])].n_pods
        cdef Py_ssize_t n = start[rows.shape[0]]
        pod_array = np.empty(n, np.int64)
        class_array = np.empty(n, np.int32)
        bound_array = np.empty(n, np.int64)
        cdef int64_t[::1] pods = pod_array
        cdef int32_t[::1] classes = class_array
        cdef int64_t[::1] bound = bound_array
        for i in range(rows.shape[0]):
            pod = self.nodes[rows[i]].first_pod
            while pod >= 0:
                pods[at] = pod
                at += 1
                pod = self.pods[pod].next
            if at > start[i] + 1:
                qsort(&pods[start[i]], <size_t>(at - start[i]), sizeof(int64_t), by_id)
        for i in range(n):
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
