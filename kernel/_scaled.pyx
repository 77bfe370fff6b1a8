"""The event loop with somebody who decides on replicas while it goes on.

Samples are taken, horizontal autoscalers act and others are called every now and then, after nodes
joined and before pods arrive; what an autoscaler needs to know of the pods are sums per workload:
the rows of _replicas.pyx.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free

from ._growth cimport reserve
from ._replicas cimport MetricRow, ReplicaHistory
from ._served cimport drop_starting, served_t, starting_t
from ._typedefs cimport index_t, time_ns_t
from ._workloads cimport WorkloadEngine, workload_t

import numpy as np

cdef enum:
    SYNC = 2          # priority within one instant, as in _engine.pyx

cdef enum:  # what happens every now and then
    SAMPLE = 0
    SCALE = 1
    CALL = 2

cdef enum:  # what a metric measures
    CPU = 0           # use per pod
    RATE = 1          # load per pod
    LOAD = 2          # of the workload

cdef enum:  # kinds of metric rows, as in _replicas.pyx
    UTILIZATION = 0
    VALUE = 2


cdef class ScaledEngine(WorkloadEngine):
    """One simulated cluster with workloads under a pod autoscaler.

    Parameters
    ----------
    *columns
        As for :class:`WorkloadEngine`, ``start_delay`` the last of them.
    window : int
        Length and period of the samples, nanoseconds.
    on_sync : callable
        Called with the number of each :meth:`call_every` when it is due.

    Notes
    -----
    Assumes that load times the window is below 2**62.  A sync takes O(workloads and their pods that
    started within the last two samples).
    """

    def __cinit__(self, *columns):
        cdef Py_ssize_t n = len(columns)
        self.window = columns[n - 2]
        self.on_sync = columns[n - 1]
        self.sampled = -1
        self.desired = np.zeros(self.n_workloads, np.int32)
        self.outcome = np.zeros(self.n_workloads, np.uint8)

    def __dealloc__(self):
        free(self.routines)

    cdef int sync(self, int64_t payload) except -1 nogil:
        """Do what is due; those of one instant act in the order in which they were asked for."""
        cdef int64_t i
        cdef time_ns_t due = -1
        cdef bint acts = False
        for i in range(self.n_routines):
            if self.routines[i].due != self.now:
                continue
            acts = True
            self.routines[i].due += self.routines[i].period
            if self.routines[i].what == SAMPLE:
                self.measure_pods()
            elif self.routines[i].what == SCALE:
                self.observe_all()
                self.scale_all()
            else:
                with gil:
                    self.on_sync(i)
        if not acts:  # an event of the same instant did all of it
            return 0
        for i in range(self.n_routines):
            if due < 0 or self.routines[i].due < due:
                due = self.routines[i].due
        return self.heap.push_event(due, SYNC, 0, 0)

    cdef int64_t add_routine(self, time_ns_t period, int what) except -1:
        cdef routine_t* routine
        if period <= 0:
            raise ValueError(f"period must be > 0, found {period}")
        reserve(
            <void**>&self.routines, &self.routine_room, self.n_routines + 1, sizeof(routine_t)
        )
        routine = &self.routines[self.n_routines]
        routine.due = self.now + period
        routine.period = period
        routine.what = what
        self.n_routines += 1
        self.heap.push_event(routine.due, SYNC, 0, 0)
        return self.n_routines - 1

    def call_every(self, time_ns_t period):
        """Call ``on_sync`` every ``period`` from now on, with the number that is returned."""
        return self.add_routine(period, CALL)

    def sample_every(self, time_ns_t period):
        """Do :meth:`sample` every ``period`` from now on."""
        self.add_routine(period, SAMPLE)

    def scale_every(
        self, time_ns_t period, ReplicaHistory history not None, workloads not None,
        metrics not None, policies not None, workload not None, measure not None,
        time_ns_t initialization,
    ):
        """Give each workload the replicas that its autoscaler decides on, every ``period``.

        Parameters
        ----------
        period : int
        history : ReplicaHistory
        workloads, metrics, policies
            As for :meth:`ReplicaHistory.reconcile`; replicas and metrics are filled in.
        workload, measure, initialization
            As for :meth:`observe`, of which there is one kind from then on.
        """
        cdef index_t n = self.n_workloads
        if history.n_workloads != n:
            raise ValueError(f"history must be of {n} workloads")
        history.look_at(workloads, metrics, policies)
        history.check()
        self.take_in(metrics, workload, measure, initialization)
        self.history = history
        self.add_routine(period, SCALE)

    cdef int scale_all(self) except -1 nogil:
        cdef index_t w
        if self.n_workloads == 0:
            return 0
        for w in range(self.n_workloads):
            self.history.workloads[w].current = self.workloads[w].n_pods
            self.history.workloads[w].status = self.workloads[w].n_pods
        self.history.decide(self.now, &self.desired[0], &self.outcome[0])
        for w in range(self.n_workloads):
            self.scale_to(w, self.desired[w])
        return 0

    def loads(self, int64_t[::1] load):
        """Fill the load of each workload now, int64 of shape (n_workloads,), in thousandths."""
        cdef index_t w
        if load.shape[0] != self.n_workloads:
            raise ValueError(f"load must have shape ({self.n_workloads},)")
        for w in range(self.n_workloads):
            self.advance(w, self.now)
            load[w] = self.workloads[w].served.load

    def sample(self):
        """Measure all pods: their use and load over the window that ends now.

        Time in which a pod was not ready counts as no use.  Must be called every ``window``.
        """
        with nogil:
            self.measure_pods()

    cdef int measure_pods(self) except -1 nogil:
        cdef index_t w
        cdef served_t* it
        for w in range(self.n_workloads):
            self.advance(w, self.now)
            it = &self.workloads[w].served
            drop_starting(it, self.now - self.window)
            it.last_cpu = it.cpu
            it.last_rate = it.rate
            it.cpu = 0
            it.rate = 0
        self.sampled = self.now
        return 0

    def pod_use(self, int64_t[::1] use, int32_t[::1] n_pods):
        """Fill what one pod used in the last sample, and how many pods the sample covers wholly.

        Parameters
        ----------
        use : ndarray of int64, shape (n_workloads,)
            Thousandths of a core, rounded up.
        n_pods : ndarray of int32, shape (n_workloads,)
        """
        cdef index_t w
        cdef int64_t i
        cdef served_t* it
        if use.shape[0] != self.n_workloads or n_pods.shape[0] != self.n_workloads:
            raise ValueError(f"use and n_pods must have shape ({self.n_workloads},)")
        for w in range(self.n_workloads):
            self.advance(w, self.now)
            it = &self.workloads[w].served
            use[w] = (it.last_cpu + self.window - 1) / self.window
            n_pods[w] = it.n_ready
            for i in range(it.first, it.next):
                if it.starting[i].is_alive and (
                    self.sampled < 0 or it.starting[i].ready > self.sampled - self.window
                ):
                    n_pods[w] -= 1

    def observe(self, rows not None, workload not None, measure not None, time_ns_t initialization):
        """Fill metric rows with what the metrics APIs answer now.

        Parameters
        ----------
        rows : ndarray of METRIC_DTYPE, shape (n_metrics,)
            ``kind`` and ``target`` are read, all else is written.
        workload : ndarray of int32, shape (n_metrics,)
        measure : ndarray of int32, shape (n_metrics,)
            0 for CPU use per pod, 1 for load per pod, 2 for the load of the workload.
        initialization : int
            So long after its start a pod's CPU counts only if it was ready for a whole window, ns.

        Notes
        -----
        Pods that are not bound or not ready are Pending, hence unready; pods that were not ready
        before the last sample have none, hence are missing.
        """
        self.take_in(rows, workload, measure, initialization)
        with nogil:
            self.observe_all()

    cdef int take_in(
        self, object rows, object workload, object measure, time_ns_t initialization
    ) except -1:
        """Note what to observe: to look at an array of records costs more than to fill it."""
        cdef Py_ssize_t n
        self.metrics = rows
        self.metric_workload = workload
        self.measure = measure
        self.initialization = initialization
        n = self.metrics.shape[0]
        if self.metric_workload.shape[0] != n or self.measure.shape[0] != n:
            raise ValueError(f"workload and measure must have shape ({n},)")
        return 0

    cdef int observe_all(self) except -1 nogil:
        cdef Py_ssize_t m
        for m in range(self.metrics.shape[0]):
            self.advance(self.metric_workload[m], self.now)
            if self.measure[m] == LOAD:
                self.observe_load(&self.metrics[m], self.metric_workload[m])
            else:
                self.observe_pods(&self.metrics[m], self.metric_workload[m], self.measure[m])
        return 0

    cdef int observe_load(self, MetricRow* row, index_t workload) noexcept nogil:
        row.valid = 1
        row.usage = self.workloads[workload].served.load
        if row.kind == VALUE:
            row.n_ready = self.workloads[workload].served.n_ready
            if self.workloads[workload].n_pods == 0:
                row.n_ready = -1
        return 0

    cdef int observe_pods(
        self, MetricRow* row, index_t workload, int32_t measure
    ) noexcept nogil:
        cdef workload_t* its = &self.workloads[workload]
        cdef served_t* it = &its.served
        cdef starting_t* one
        cdef int64_t i, request, integral, whole
        cdef int64_t n_partial = 0, partial_use = 0, partial_request = 0
        cdef int64_t percent = max(<int64_t>100, row.target)
        row.valid = its.n_pods > 0
        row.n_unready = its.n_unbound
        row.unready_request = its.unbound_request
        row.n_missing = 0
        row.missing_request = 0
        row.missing_fill = 0
        for i in range(it.first, it.n_starting):
            one = &it.starting[i]
            if not one.is_alive:
                continue
            request = self.cpu_request[self.class_of(one.pod)]
            if one.ready > self.now:
                row.n_unready += 1
                row.unready_request += request
            elif one.ready >= self.sampled:
                row.n_missing += 1
                row.missing_request += request
                row.missing_fill += request * percent / 100
            elif one.ready <= self.sampled - self.window:
                continue
            elif measure == CPU and self.pods[one.pod].bound + self.initialization > self.now:
                row.n_unready += 1
                row.unready_request += request
            else:
                n_partial += 1
                partial_request += request
                if measure == CPU:
                    integral = it.last_cpu - one.cpu
                    partial_use += (integral + self.window - 1) / self.window
                else:
                    partial_use += (it.last_rate - one.rate) / self.window
        whole = its.n_pods - row.n_unready - row.n_missing - n_partial
        row.n_metrics = whole + n_partial
        row.n_ready = row.n_metrics
        row.request = its.request - row.unready_request - row.missing_request
        if row.kind != UTILIZATION:
            row.missing_fill = row.n_missing * row.target
        if measure == CPU:
            row.usage = whole * ((it.last_cpu + self.window - 1) / self.window) + partial_use
        else:
            row.usage = whole * (it.last_rate / self.window) + partial_use
        return 0
