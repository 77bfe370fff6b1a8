"""The event loop with somebody who decides on replicas; see _scaled.pyx."""

from libc.stdint cimport int32_t

from ._replicas cimport MetricRow
from ._typedefs cimport index_t, time_ns_t
from ._workloads cimport WorkloadEngine


cdef class ScaledEngine(WorkloadEngine):
    cdef readonly time_ns_t window
    cdef readonly time_ns_t sampled    # time of the last sample, -1 before the first
    cdef public object on_sync
    cdef object observed               # the array of the last call of observe()
    cdef MetricRow[::1] metrics        # its rows

    cdef int observe_load(self, MetricRow* row, index_t workload) noexcept nogil
    cdef int observe_pods(
        self, MetricRow* row, index_t workload, int32_t measure, time_ns_t initialization
    ) noexcept nogil
