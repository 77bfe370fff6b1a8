"""Which pods are on which node of a snapshot, in order of arrival.

:class:`ClusterState` counts pods by class; Cluster Autoscaler also wants to know who they are: to
move them one by one, in order, to remember where each went, and to name the one that forbids a
removal.  Pods have an id, a key by which they are remembered, and the index of a class; classes
here are finer than the state's, since more is read of them.

Arrivals within a fork are taken back with it.  Lists of nodes that go within a fork stay.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memset

import numpy as np

from pyscale.kernel._bind cimport ClusterState
from pyscale.kernel._growth cimport enlarge, push, reserve


cdef int check_starts(
    const int32_t[::1] nodes, const int64_t[::1] starts, const int64_t[::1] pods
) except -1:
    """Refuse starts that are not those of the nodes' pods."""
    cdef int64_t i, n = nodes.shape[0]
    if starts.shape[0] != n + 1 or starts[0] != 0 or starts[n] != pods.shape[0]:
        raise ValueError("starts must have one entry more than nodes, and end with the pods")
    for i in range(n):
        if starts[i] > starts[i + 1]:
            raise ValueError(f"starts must not fall, found {starts[i]} before {starts[i + 1]}")
    return 0


@cython.final
cdef class Residents:
    """Pods by node, beside a state that counts them.

    Parameters
    ----------
    state : ClusterState
    """

    def __cinit__(self, ClusterState state not None):
        self.state = state

    def __dealloc__(self):
        cdef int64_t i
        for i in range(self.n_lists):
            free(self.lists[i].at)
        free(self.lists)
        free(self.facts)
        free(self.arrivals.at)
        free(self.marks.at)

    # --- classes ---

    def add_class(
        self, int32_t index, int32_t class_id, int32_t priority, int32_t controller,
        int32_t alike, uint8_t is_a, uint8_t bits, int64_t cpu, int64_t memory,
    ):
        """Say what pods of a class are.

        Parameters
        ----------
        index : int
            By which pods name the class.
        class_id : int
            The state's class.
        priority, controller, alike : int
            See ``facts_t``.
        is_a : int
            1 pods of a DaemonSet, 2 mirror pods, 4 pods under deletion; added up.
        bits : int
            What one pod makes of its node, for :meth:`sums`.
        cpu, memory : int
            Request of one pod.
        """
        cdef int64_t i, before = self.facts_capacity
        cdef facts_t* facts
        reserve(<void**>&self.facts, &self.facts_capacity, index + 1, sizeof(facts_t))
        for i in range(before, self.facts_capacity):
            self.facts[i].class_id = -1
        facts = &self.facts[index]
        facts.class_id = class_id
        facts.priority = priority
        facts.controller = controller
        facts.alike = alike
        facts.is_a = is_a
        facts.bits = bits
        facts.cpu = cpu
        facts.memory = memory
        if index >= self.n_classes:
            self.n_classes = index + 1

    cdef int check_pods(
        self, const int64_t[::1] pods, const int64_t[::1] keys, const int32_t[::1] classes
    ) except -1:
        """Refuse columns that do not go together, and classes that nobody added."""
        cdef int64_t i
        if keys.shape[0] != pods.shape[0] or classes.shape[0] != pods.shape[0]:
            raise ValueError("pods, keys and classes must be equally long")
        for i in range(classes.shape[0]):
            if not 0 <= classes[i] < self.n_classes or self.facts[classes[i]].class_id < 0:
                raise ValueError(f"class {classes[i]} is not known")
        return 0

    # --- pods ---

    cdef int reach(self, int32_t node) except -1:
        cdef int64_t before = self.n_lists
        cdef int64_t need = max(<int64_t>node + 1, 2 * before)
        if node < before:
            return 0
        enlarge(<void**>&self.lists, <size_t>need * sizeof(pods_t))
        memset(self.lists + before, 0, <size_t>(need - before) * sizeof(pods_t))
        self.n_lists = need
        return 0

    cdef int make_room(self, int32_t node, int64_t need) except -1:
        cdef pods_t* here = &self.lists[node]
        if need > here.capacity:
            enlarge(<void**>&here.at, <size_t>need * sizeof(pod_t))
            here.capacity = need
        return 0

    cdef int append(self, int32_t node, int64_t pod, int64_t key, int32_t index) except -1:
        cdef pods_t* here = &self.lists[node]
        if here.n == here.capacity:
            self.make_room(node, max(8, 2 * here.capacity))
        here.at[here.n].pod = pod
        here.at[here.n].key = key
        here.at[here.n].index = index
        here.n += 1
        return 0

    cdef int arrive(self, int32_t node, int64_t pod, int64_t key, int32_t index) except -1:
        """A pod comes to a node, as the state learns too."""
        self.state.put(self.facts[index].class_id, node)
        self.append(node, pod, key, index)
        if self.marks.n:
            push(&self.arrivals, node)
        return 0

    def place(self, int32_t node, int64_t pod, int64_t key, int32_t index):
        """Put a pod on a node, unchecked."""
        self.reach(node)
        self.arrive(node, pod, key, index)

    def clear(self, int32_t node):
        """Forget the pods of a node that is new under its id."""
        self.reach(node)
        self.lists[node].n = 0

    def fill(
        self, const int32_t[::1] nodes not None, const int64_t[::1] starts not None,
        const int64_t[::1] pods not None, const int64_t[::1] keys not None,
        const int32_t[::1] classes not None,
    ):
        """Put pods on nodes that are new under their ids.

        Those of the i-th node are the entries from ``starts[i]`` up to ``starts[i + 1]``.
        """
        cdef int64_t i, j, n, first
        cdef int32_t node
        cdef pod_t* at
        self.check_pods(pods, keys, classes)
        check_starts(nodes, starts, pods)
        for i in range(nodes.shape[0]):
            node = nodes[i]
            self.reach(node)
            n = starts[i + 1] - starts[i]
            self.make_room(node, 2 * n)  # as many again come later
            self.lists[node].n = n
            at = self.lists[node].at - starts[i]
            first = starts[i]
            for j in range(starts[i], starts[i + 1]):
                at[j].pod = pods[j]
                at[j].key = keys[j]
                at[j].index = classes[j]
                if j + 1 == starts[i + 1] or classes[j + 1] != classes[j]:
                    self.state.put_many(self.facts[classes[j]].class_id, node, j + 1 - first)
                    first = j + 1

    def replace(
        self, const int32_t[::1] nodes not None, const int64_t[::1] starts not None,
        const int64_t[::1] pods not None, const int64_t[::1] keys not None,
        const int32_t[::1] classes not None,
    ):
        """Give nodes other pods; those that stay are not touched in the state.

        Those of the i-th node are the entries from ``starts[i]`` up to ``starts[i + 1]``.
        """
        cdef int64_t i
        self.check_pods(pods, keys, classes)
        check_starts(nodes, starts, pods)
        for i in range(nodes.shape[0]):
            self.reach(nodes[i])
            self.exchange(nodes[i], starts[i], starts[i + 1], pods, keys, classes)

    cdef int exchange(
        self, int32_t node, int64_t first, int64_t last, const int64_t[::1] pods,
        const int64_t[::1] keys, const int32_t[::1] classes,
    ) except -1:
        """Give a node the pods of some entries."""
        cdef int64_t i, j, same = 0, n = last - first
        cdef pods_t* here = &self.lists[node]
        while same < n and same < here.n and here.at[same].pod == pods[first + same]:
            same += 1
        for i in range(same, here.n):
            for j in range(first + same, last):
                if pods[j] == here.at[i].pod:
                    break
            else:
                if not self.state.take(self.facts[here.at[i].index].class_id, node):
                    raise ValueError(f"node {node} does not hold pod {here.at[i].pod}")
        for j in range(first + same, last):
            for i in range(same, here.n):
                if here.at[i].pod == pods[j]:
                    break
            else:
                self.state.put(self.facts[classes[j]].class_id, node)
        here.n = same
        for j in range(first + same, last):
            self.append(node, pods[j], keys[j], classes[j])
        return 0

    def content(self, int32_t node):
        """Return ids (int64), keys (int64) and classes (int32) of the pods on a node, in order."""
        cdef int64_t i, n = self.lists[node].n if node < self.n_lists else 0
        pods = np.empty(n, np.int64)
        keys = np.empty(n, np.int64)
        classes = np.empty(n, np.int32)
        cdef int64_t[::1] to_pods = pods
        cdef int64_t[::1] to_keys = keys
        cdef int32_t[::1] to_classes = classes
        for i in range(n):
            to_pods[i] = self.lists[node].at[i].pod
            to_keys[i] = self.lists[node].at[i].key
            to_classes[i] = self.lists[node].at[i].index
        return pods, keys, classes

    def is_there(self, int32_t node):
        """Whether a node of the state is there."""
        return bool(self.state.nodes[node].active)

    def arrived(self):
        """Return the nodes to which pods came since the first fork, as often as they came."""
        found = np.empty(self.arrivals.n, np.int32)
        cdef int32_t[::1] nodes = found
        cdef int64_t i
        for i in range(self.arrivals.n):
            nodes[i] = self.arrivals.at[i]
        return found

    # --- forks ---

    def fork(self):
        """Begin to note arrivals, so that :meth:`revert` can take them back."""
        push(&self.marks, <int32_t>self.arrivals.n)

    def revert(self):
        """Take all arrivals since the last fork back; the state reverts by itself."""
        cdef int32_t mark = self.marks.at[self.marks.n - 1]
        self.marks.n -= 1
        while self.arrivals.n > mark:
            self.arrivals.n -= 1
            self.lists[self.arrivals.at[self.arrivals.n]].n -= 1

    def commit(self):
        """Keep the arrivals since the last fork."""
        self.marks.n -= 1
        if self.marks.n == 0:
            self.arrivals.n = 0

    # --- sums ---

    def measure(
        self, const int32_t[::1] nodes not None, const int64_t[:, ::1] room not None,
        const uint8_t[::1] without_daemons not None, bint without_mirrors,
    ):
        """Return how much of nodes their pods use.

        Parameters
        ----------
        nodes : array of int32, shape (n_nodes,)
        room : array of int64, shape (n_nodes, 2)
            Allocatable cpu and memory.
        without_daemons : array of uint8, shape (n_nodes,)
            Whether pods of DaemonSets count neither as use nor as room.
        without_mirrors : bool
            The same for mirror pods, of all nodes.

        Returns
        -------
        tuple
            The larger share of cpu and memory (float64; memory's if they are equal, NaN if there is
            no cpu or no memory), whether it is cpu's (bool), and the bits of all pods (uint8).
        """
        cdef int64_t i, k, n = nodes.shape[0]
        cdef int64_t cpu, memory, cpu_out, memory_out
        cdef double of_cpu, of_memory
        cdef pods_t* here
        cdef facts_t* facts
        cdef bint is_out
        shares = np.full(n, np.nan)
        is_cpu = np.zeros(n, np.bool_)
        bits = np.zeros(n, np.uint8)
        cdef double[::1] share = shares
        cdef uint8_t[::1] cpu_wins = is_cpu.view(np.uint8)
        cdef uint8_t[::1] found = bits
        for i in range(n):
            cpu = memory = cpu_out = memory_out = 0
            if nodes[i] < self.n_lists:
                here = &self.lists[nodes[i]]
                for k in range(here.n):
                    facts = &self.facts[here.at[k].index]
                    is_out = (
                        (facts.is_a & DAEMON and without_daemons[i])
                        or (facts.is_a & MIRROR and without_mirrors)
                    )
                    if is_out:
                        cpu_out += facts.cpu
                        memory_out += facts.memory
                    else:
                        cpu += facts.cpu
                        memory += facts.memory
                    found[i] |= facts.bits
                    if facts.is_a & TERMINATING:
                        found[i] |= HAS_TERMINATING
            if room[i, 0] == 0 or room[i, 1] == 0:
                continue
            of_cpu = <double>cpu / <double>(room[i, 0] - cpu_out)
            of_memory = <double>memory / <double>(room[i, 1] - memory_out)
            cpu_wins[i] = of_cpu > of_memory
            share[i] = of_cpu if of_cpu > of_memory else of_memory
        return shares, is_cpu, bits
