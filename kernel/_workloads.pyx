"""The event loop with workloads: a load, and replicas that are created, ready, and deleted.

A workload's load is accounted as _served.pyx says; its pods are ready a fixed time after they are
bound.

Pods that go are chosen as a ReplicaSet chooses them (kubernetes ``pkg/controller/
controller_utils.go:ActivePodsWithRanks``): not bound first, then not ready, then on the node with
most pods of the workload, then ready for the shortest time, then the newest.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, qsort

from ._engine cimport Engine
from ._growth cimport reserve
from ._served cimport (
    add_starting, episode_t, is_short, pass_time, served_t
)
from ._typedefs cimport index_t, time_ns_t

import numpy as np

cdef enum:
    REPLICA = -3      # origin of a pod that replaces none


cdef struct candidate_t:       # for deletion; the smaller goes first
    time_ns_t ready
    time_ns_t created
    index_t stage              # 0 not bound, 1 not ready, 2 ready
    index_t n_beside           # pods of the workload on its node
    index_t pod


cdef int compare(const void* a, const void* b) noexcept nogil:
    cdef const candidate_t* x = <const candidate_t*>a
    cdef const candidate_t* y = <const candidate_t*>b
    if x.stage != y.stage:
        return -1 if x.stage < y.stage else 1
    if x.n_beside != y.n_beside:
        return -1 if x.n_beside > y.n_beside else 1
    if x.stage == 2 and x.ready != y.ready:
        return -1 if x.ready > y.ready else 1
    if x.created != y.created:
        return -1 if x.created > y.created else 1
    return -1 if x.pod > y.pod else 1


cdef class WorkloadEngine(Engine):
    """One simulated cluster with workloads whose replicas can be changed.

    Parameters
    ----------
    request, priority, restart, gated, row_class, row_arrival, row_duration, row_count, row_node,
    daemons
        As for :class:`Engine`.
    placer : Placer
    workload_class : ndarray of int32, shape (n_workloads,)
        Class of each workload's pods; no pod of another origin may have it.
    capacity : ndarray of int64, shape (n_workloads,)
        Load that one pod serves, in thousandths; -1 for any.
    idle, cost : ndarray of int64, shape (n_workloads,)
        CPU of a pod without load in thousandths of a core, and microseconds per unit of load.
    offset : ndarray of int64, shape (n_workloads + 1,)
        Steps of workload ``w`` are ``offset[w]`` up to ``offset[w + 1]``.
    step_time, step_value : ndarray of int64, shape (n_steps,)
        When each load, in thousandths, begins to hold.
    cpu_request : ndarray of int64, shape (n_classes,)
        Thousandths of a core that a pod of each class requests, as HPA counts.
    start_delay : int
        From binding to ready; nanoseconds.

    Notes
    -----
    Assumes that load times cost is below 2**62.  Deleting takes O(n log n) in a workload's pods.
    """

    def __cinit__(
        self,
        request,
        priority,
        restart,
        gated,
        row_class,
        row_arrival,
        row_duration,
        row_count,
        row_node,
        daemons,
        placer,
        const int32_t[::1] workload_class,
        const int64_t[::1] capacity,
        const int64_t[::1] idle,
        const int64_t[::1] cost,
        const int64_t[::1] offset,
        const int64_t[::1] step_time,
        const int64_t[::1] step_value,
        const int64_t[::1] cpu_request,
        time_ns_t start_delay,
        *_,
    ):
        cdef Py_ssize_t w
        cdef served_t* it
        self.n_workloads = <index_t>workload_class.shape[0]
        self.workloads = <workload_t*>calloc(self.n_workloads + 1, sizeof(workload_t))
        if self.workloads == NULL:
            raise MemoryError(f"no memory for {self.n_workloads} workloads")
        self.step_time = step_time
        self.step_value = step_value
        self.cpu_request = cpu_request
        self.start_delay = start_delay
        for w in range(self.n_workloads):
            self.workloads[w].pod_class = workload_class[w]
            it = &self.workloads[w].served
            it.n_steps = offset[w + 1] - offset[w]
            if it.n_steps:
                it.time = &step_time[offset[w]]
                it.value = &step_value[offset[w]]
            it.capacity = capacity[w]
            it.idle = idle[w]
            it.cost = cost[w]
            it.short_since = -1

    def __dealloc__(self):
        cdef index_t w
        if self.workloads != NULL:
            for w in range(self.n_workloads):
                free(self.workloads[w].pods)
                free(self.workloads[w].served.starting)
        free(self.workloads)
        free(self.replicas)
        free(self.episodes)
        free(self.changes)

    cdef replica_t* replica_of(self, index_t pod) noexcept nogil:
        """The record of a workload's pod, NULL for other pods."""
        cdef int32_t row = self.pods[pod].row
        if row >= 0 or -1 - row >= self.replica_room:
            return NULL
        return &self.replicas[-1 - row] if self.replicas[-1 - row].workload >= 0 else NULL

    cdef int note_shortage(self, index_t workload, index_t pod) except -1 nogil:
        """Begin or end an episode if what is served changed; ``pod`` may have ended it."""
        cdef served_t* it = &self.workloads[workload].served
        cdef episode_t* episode
        if is_short(it) == (it.short_since >= 0):
            return 0
        if it.short_since < 0:
            it.short_since = it.at
            return 0
        if it.short_since < it.at:
            reserve(
                <void**>&self.episodes, &self.episode_room, self.n_episodes + 1, sizeof(episode_t)
            )
            episode = &self.episodes[self.n_episodes]
            episode.begin = it.short_since
            episode.end = it.at
            episode.workload = workload
            episode.pod = pod
            self.n_episodes += 1
        it.short_since = -1
        return 0

    cdef int advance(self, index_t workload, time_ns_t now) except -1 nogil:
        """Account a workload's load up to now."""
        cdef served_t* it = &self.workloads[workload].served
        cdef index_t pod
        while True:
            pod = pass_time(it, now)
            self.note_shortage(workload, pod)
            if it.at >= now:
                return 0

    cdef index_t create(self, index_t workload, index_t origin) except -1 nogil:
        """Create a pod of a workload and let it wait; return its id."""
        cdef workload_t* its = &self.workloads[workload]
        cdef replica_t* record
        cdef int64_t before = self.replica_room, i
        cdef index_t pod = self.new_later(its.pod_class, -1, origin)
        reserve(<void**>&self.replicas, &self.replica_room, self.n_later, sizeof(replica_t))
        for i in range(before, self.replica_room):
            self.replicas[i].workload = -1
        record = &self.replicas[self.n_later - 1]
        record.ready = -1
        record.workload = workload
        record.place = its.n_pods
        reserve(<void**>&its.pods, &its.room, its.n_pods + 1, sizeof(index_t))
        its.pods[its.n_pods] = pod
        its.n_pods += 1
        its.n_unbound += 1
        its.request += self.cpu_request[its.pod_class]
        its.unbound_request += self.cpu_request[its.pod_class]
        self.n_events += 1
        self.note_pending(its.pod_class)
        self.enqueue(pod)
        return pod

    cdef int forget(self, index_t pod) except -1 nogil:
        """Take a pod off its workload's list and out of its sums, before it ends."""
        cdef replica_t* record = self.replica_of(pod)
        cdef index_t workload = record.workload
        cdef workload_t* its = &self.workloads[workload]
        cdef served_t* it = &its.served
        cdef index_t last = its.pods[its.n_pods - 1]
        cdef int64_t i, request = self.cpu_request[self.class_of(pod)]
        its.pods[record.place] = last
        self.replica_of(last).place = record.place
        its.n_pods -= 1
        its.request -= request
        if record.ready < 0:
            its.n_unbound -= 1
            its.unbound_request -= request
            return 0
        self.advance(workload, self.now)
        i = it.n_starting - 1
        while i >= it.first and it.starting[i].ready >= record.ready:
            if it.starting[i].pod == pod:
                it.starting[i].is_alive = False
            i -= 1
        if record.ready <= self.now:
            it.n_ready -= 1
            self.note_shortage(workload, -1)
        return 0

    cdef int place(self, index_t pod, index_t node) except -1 nogil:
        """Let a pod run; a workload's will be ready after a while."""
        cdef replica_t* record = self.replica_of(pod)
        cdef workload_t* its
        Engine.place(self, pod, node)
        if record != NULL:
            its = &self.workloads[record.workload]
            its.n_unbound -= 1
            its.unbound_request -= self.cpu_request[self.class_of(pod)]
            record.ready = self.now + self.start_delay
            add_starting(&its.served, record.ready, pod)
        return 0

    cdef int release(self, index_t pod) except -1 nogil:
        """End a running pod."""
        if self.replica_of(pod) != NULL:
            self.forget(pod)
        return Engine.release(self, pod)

    cdef int delete_unbound(self, index_t pod) except -1 nogil:
        """End a pod that waits."""
        self.forget(pod)
        self.leave_line(pod)
        self.pods[pod].ended = self.now
        return 0

    cdef int delete(self, index_t workload, index_t count) except -1 nogil:
        """End so many pods of a workload, those that a ReplicaSet would choose."""
        cdef workload_t* its = &self.workloads[workload]
        cdef index_t i, n = its.n_pods, pod
        cdef candidate_t* order = <candidate_t*>calloc(n, sizeof(candidate_t))
        cdef index_t* n_on = <index_t*>calloc(self.n_nodes + 1, sizeof(index_t))
        try:
            if order == NULL or n_on == NULL:
                raise MemoryError(f"no memory for the order of {n} pods")
            for i in range(n):
                if self.pods[its.pods[i]].node >= 0:
                    n_on[self.pods[its.pods[i]].node] += 1
            for i in range(n):
                pod = its.pods[i]
                order[i].pod = pod
                order[i].created = self.created_of(pod)
                order[i].ready = self.replica_of(pod).ready
                if order[i].ready >= 0:
                    order[i].stage = 2 if order[i].ready <= self.now else 1
                    order[i].n_beside = n_on[self.pods[pod].node]
            qsort(order, <size_t>n, sizeof(candidate_t), compare)
            for i in range(count):
                self.n_events += 1
                if order[i].stage == 0:
                    self.delete_unbound(order[i].pod)
                else:
                    self.release(order[i].pod)
        finally:
            free(order)
            free(n_on)
        return 0

    cdef int scale_to(self, index_t workload, int32_t replicas) except -1 nogil:
        cdef index_t n = self.workloads[workload].n_pods
        if replicas == n and self.now > 0:
            return 0
        reserve(<void**>&self.changes, &self.change_room, self.n_changes + 1, sizeof(change_t))
        self.changes[self.n_changes].time = self.now
        self.changes[self.n_changes].workload = workload
        self.changes[self.n_changes].replicas = replicas
        self.n_changes += 1
        while n < replicas:
            self.create(workload, REPLICA)
            n += 1
        if n > replicas:
            self.delete(workload, n - replicas)
        return 0

    def scale(self, const int32_t[::1] replicas):
        """Create and delete pods, so that each workload has so many.

        Parameters
        ----------
        replicas : ndarray of int32, shape (n_workloads,)
        """
        cdef index_t w
        if replicas.shape[0] != self.n_workloads:
            raise ValueError(f"replicas must have shape ({self.n_workloads},)")
        with nogil:
            for w in range(self.n_workloads):
                self.scale_to(w, replicas[w])

    def set_class(self, Py_ssize_t workload, index_t pod_class):
        """Let new pods of a workload be of another class."""
        if not 0 <= workload < self.n_workloads or not 0 <= pod_class < self.n_classes:
            raise IndexError(f"no workload {workload} or class {pod_class}")
        self.workloads[workload].pod_class = pod_class

    cdef index_t end_early(self, index_t pod) except -2 nogil:
        """Evict a pod that runs; the id of the pod that takes its place, or -1."""
        cdef replica_t* record = self.replica_of(pod)
        cdef index_t workload
        if record == NULL:
            return Engine.end_early(self, pod)
        workload = record.workload
        self.n_events += 1
        self.release(pod)
        return self.create(workload, pod)

    def replica_counts(self, int32_t[::1] replicas):
        """Fill the number of pods of each workload, int32 of shape (n_workloads,)."""
        cdef index_t w
        if replicas.shape[0] != self.n_workloads:
            raise ValueError(f"replicas must have shape ({self.n_workloads},)")
        for w in range(self.n_workloads):
            replicas[w] = self.workloads[w].n_pods

    def workload_columns(self):
        """Account up to now and return sums per workload, as lists of int.

        Returns
        -------
        dict of str to list of int
            served and unserved (thousandths times ns), short_ns (time in which load was not
            served), replicas and ready (pods now).
        """
        cdef index_t w
        cdef served_t* it
        columns = {name: [] for name in ("served", "unserved", "short_ns", "replicas", "ready")}
        for w in range(self.n_workloads):
            self.advance(w, self.now)
            it = &self.workloads[w].served
            columns["served"].append((<object>it.served.high << 64) | it.served.low)
            columns["unserved"].append((<object>it.unserved.high << 64) | it.unserved.low)
            columns["short_ns"].append(it.short_ns)
            columns["replicas"].append(self.workloads[w].n_pods)
            columns["ready"].append(it.n_ready)
        return columns

    def shortages(self):
        """Return the times in which load was not served, in the order of their ends.

        Returns
        -------
        begin_ns, end_ns : ndarray of int64
            End -1 for those that go on, which come last.
        workload, pod : ndarray of int32
            The pod whose readiness ended it, -1 for none.
        """
        cdef index_t w
        cdef Py_ssize_t i
        is_open = [w for w in range(self.n_workloads) if self.workloads[w].served.short_since >= 0]
        cdef Py_ssize_t n = self.n_episodes + len(is_open)
        begin_array = np.empty(n, np.int64)
        end_array = np.empty(n, np.int64)
        workload_array = np.empty(n, np.int32)
        pod_array = np.empty(n, np.int32)
        cdef int64_t[::1] begin = begin_array
        cdef int64_t[::1] end = end_array
        cdef int32_t[::1] workload = workload_array
        cdef int32_t[::1] pod = pod_array
        for i in range(self.n_episodes):
            begin[i] = self.episodes[i].begin
            end[i] = self.episodes[i].end
            workload[i] = self.episodes[i].workload
            pod[i] = self.episodes[i].pod
        for i, w in enumerate(is_open, self.n_episodes):
            begin[i] = self.workloads[w].served.short_since
            end[i] = -1
            workload[i] = w
            pod[i] = -1
        return begin_array, end_array, workload_array, pod_array

    def scalings(self):
        """Return time (int64), workload and replicas (int32) of every change, in order."""
        cdef Py_ssize_t i, n = self.n_changes
        time_array = np.empty(n, np.int64)
        workload_array = np.empty(n, np.int32)
        replicas_array = np.empty(n, np.int32)
        cdef int64_t[::1] time = time_array
        cdef int32_t[::1] workload = workload_array
        cdef int32_t[::1] replicas = replicas_array
        for i in range(n):
            time[i] = self.changes[i].time
            workload[i] = self.changes[i].workload
            replicas[i] = self.changes[i].replicas
        return time_array, workload_array, replicas_array
