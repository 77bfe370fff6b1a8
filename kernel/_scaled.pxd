"""The event loop with somebody who decides on replicas; see _scaled.pyx."""

from libc.stdint cimport int32_t, uint8_t

from ._replicas cimport MetricRow
from ._typedefs cimport index_t, time_ns_t
from ._workloads cimport WorkloadEngine


cdef class ScaledEngine(WorkloadEngine):
    cdef readonly time_ns_t window
    cdef readonly time_ns_t sampled    # time of the last sample, -1 before the first
    cdef public object on_sync
    cdef object observed               # the arrays of the last call of observe()
    cdef MetricRow[::1] metrics
    cdef const int32_t[::1] metric_workload
    cdef const int32_t[::1] measure
    cdef int32_t[::1] desired          # what scale_by() decided last
    cdef uint8_t[::1] outcome

    cdef int observe_load(self, MetricRow* row, index_t workload) noexcept nogil
    cdef int observe_pods(
        self, MetricRow* row, index_t workload, int32_t measure, time_ns_t initialization
    ) noexcept nogil
