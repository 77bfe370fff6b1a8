"""Horizontal pod autoscaling over many workloads at once; see _replicas.pyx."""

from libc.stdint cimport int32_t, int64_t, uint8_t


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


cdef struct Entry:
    int64_t time
    int32_t value
    int32_t outdated


cdef struct Entries:
    Entry* at
    int32_t count
    int32_t capacity


cdef class ReplicaHistory:
    cdef Entries* recommendations
    cdef Entries* ups
    cdef Entries* downs
    cdef uint8_t* scaled_to_zero
    cdef readonly Py_ssize_t n_workloads
    # The tables of the last call: to look at an array of records costs more than its arithmetic.
    cdef object tables
    cdef WorkloadRow[::1] workloads
    cdef const MetricRow[::1] metrics
    cdef const PolicyRow[::1] policies

    cdef int look_at(self, object workloads, object metrics, object policies) except -1
    cdef int check(self) except -1
    cdef int decide(self, int64_t now, int32_t* desired, uint8_t* outcome) except -1 nogil
    cdef int _reconcile_one(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const MetricRow* metrics,
        const PolicyRow* policies, int32_t* desired, uint8_t* outcome
    ) except -1 nogil
    cdef int64_t _without_behavior(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, int32_t proposal
    ) except? -1 nogil
    cdef int64_t _with_behavior(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const PolicyRow* policies,
        int32_t proposal
    ) except? -1 nogil
    cdef int64_t _up_limit(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const PolicyRow* policies
    ) noexcept nogil
    cdef int64_t _down_limit(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const PolicyRow* policies
    ) noexcept nogil
    cdef int64_t _at_period_start(
        self, Py_ssize_t w, int64_t cutoff, const WorkloadRow* workload
    ) noexcept nogil
    cdef int _scaled(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const PolicyRow* policies,
        int64_t wanted
    ) except -1 nogil
