"""The event loop with somebody who decides on replicas; see _scaled.pyx."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._replicas cimport MetricRow, ReplicaHistory
from ._typedefs cimport index_t, time_ns_t
from ._workloads cimport WorkloadEngine


cdef struct routine_t:
    time_ns_t due
    time_ns_t period
    int what


cdef class ScaledEngine(WorkloadEngine):
    cdef readonly time_ns_t window
    cdef readonly time_ns_t sampled    # time of the last sample, -1 before the first
    cdef public object on_sync
    cdef routine_t* routines           # what happens every now and then
    cdef int64_t n_routines
    cdef int64_t routine_room
    cdef MetricRow[::1] metrics        # what is observed
    cdef const int32_t[::1] metric_workload
    cdef const int32_t[::1] measure
    cdef time_ns_t initialization
    cdef ReplicaHistory history        # of the horizontal autoscalers
    cdef int32_t[::1] desired          # what they decided last
    cdef uint8_t[::1] outcome

    cdef int64_t add_routine(self, time_ns_t period, int what) except -1
    cdef int measure_pods(self) except -1 nogil
    cdef int take_in(
        self, object rows, object workload, object measure, time_ns_t initialization
    ) except -1
    cdef int observe_all(self) except -1 nogil
    cdef int observe_load(self, MetricRow* row, index_t workload) noexcept nogil
    cdef int observe_pods(
        self, MetricRow* row, index_t workload, int32_t measure
    ) noexcept nogil
    cdef int scale_all(self) except -1 nogil
