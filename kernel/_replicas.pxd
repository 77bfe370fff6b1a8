"""Horizontal pod autoscaling over many workloads at once; see _replicas.pyx."""

from libc.stdint cimport int32_t, int64_t


cdef packed struct MetricRow:
    int32_t kind
    int32_t valid
    int64_t target
    int64_t usage
    int64_t request
    int64_t n_metrics
    int64_t n_ready
    int64_t n_unready
    int64_t unready_request
    int64_t n_missing
    int64_t missing_request
    int64_t missing_fill


cdef packed struct WorkloadRow:
    int32_t current
    int32_t status
    int32_t minimum
    int32_t maximum
    int32_t first_metric
    int32_t n_metrics
    int32_t has_behavior
    int32_t up_select
    int32_t down_select
    int32_t first_policy
    int32_t n_up_policies
    int32_t n_down_policies
    double tolerance_up
    double tolerance_down
    int64_t up_window
    int64_t down_window
    int32_t acts_at_zero
    int32_t workload_metric


cdef packed struct PolicyRow:
    int32_t kind
    int32_t value
    int64_t period


cdef int propose_one(
    const MetricRow* row, const WorkloadRow* workload, int64_t* proposal
) noexcept nogil
