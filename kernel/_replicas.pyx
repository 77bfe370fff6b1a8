"""The arithmetic of HorizontalPodAutoscaler, over many workloads at once.

The rows are sums that the caller has taken over the pods of a workload, because every proposal of
upstream depends on its pods only through sums and counts.  Follows kubernetes
``pkg/controller/podautoscaler``: ``replica_calculator.go`` (proposals) and ``horizontal.go``
(combination, stabilisation, policies).  All amounts are int64 in milli-units, times int64
nanoseconds; ratios are float64 evaluated in upstream's order.
"""

from libc.math cimport ceil
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset

cdef int64_t INT32_MAX = 2147483647
cdef int64_t INT32_MIN = -2147483648

cdef enum:
    UTILIZATION = 0       # per pod, percent of the request
    AVERAGE_VALUE = 1     # per pod, milli-units
    VALUE = 2             # of the whole workload
    WHOLE_AVERAGE = 3     # of the whole workload, divided by its replicas (Object)
    EXTERNAL_AVERAGE = 4  # the same, for an External metric

cdef enum:
    PODS = 0
    PERCENT = 1

cdef enum:
    SELECT_MAX = 0
    SELECT_MIN = 1
    SELECT_DISABLED = 2

# What reconcile() reports per workload.
cdef enum:
    DONE = 0
    DISABLED = 1       # at zero replicas and not to be woken
    ABOVE_MAXIMUM = 2
    BELOW_MINIMUM = 3
    FAILED = 4         # invalid metrics: the scale is kept
    PARTLY_FAILED = 5  # some metrics invalid, the scale follows the others


cdef inline int64_t wrapping_multiply(int64_t a, int64_t b) noexcept nogil:
    # Go's int64 product wraps around; in C only the unsigned one may.
    return <int64_t>(<uint64_t>a * <uint64_t>b)


cdef inline int64_t as_int32(double value) noexcept nogil:
    # Beyond 32 bits amd64's conversion gives the smallest int32, for either sign.
    if value != value or value > <double>INT32_MAX or value < <double>INT32_MIN:
        return INT32_MIN
    return <int64_t>value


cdef inline int64_t capped_int32(double value) noexcept nogil:
    return INT32_MAX if value > <double>INT32_MAX else as_int32(value)


cdef inline bint within(const WorkloadRow* workload, double ratio) noexcept nogil:
    return 1.0 - workload.tolerance_down <= ratio and ratio <= 1.0 + workload.tolerance_up


cdef inline int ratio_of(
    const MetricRow* row, int64_t usage, int64_t request, int64_t n, double* ratio
) noexcept nogil:
    """Return 0 and set the ratio, or 1 when there is none."""
    if row.kind == UTILIZATION:
        if request == 0:
            return 1
        # The integer division matters: 110.9 % of a target of 100 % reads as 110 %.
        ratio[0] = <double><int32_t>(wrapping_multiply(usage, 100) / request) / <double>row.target
        return 0
    if n == 0:
        return 1
    ratio[0] = <double>(usage / n) / <double>row.target
    return 0


cdef int per_pod(
    const MetricRow* row, const WorkloadRow* workload, int64_t* proposal
) noexcept nogil:
    cdef int64_t usage = row.usage, request = row.request, n = row.n_metrics
    cdef double first = 0, second = 0
    cdef bint up_with_unready
    if row.n_metrics == 0 or ratio_of(row, usage, request, n, &first):
        return 1
    up_with_unready = row.n_unready > 0 and first > 1.0
    if not up_with_unready and row.n_missing == 0:
        if within(workload, first):
            proposal[0] = workload.current
        else:
            proposal[0] = as_int32(ceil(first * <double>row.n_ready))
        return 0
    if row.n_missing > 0 and first != 1.0:
        if first < 1.0:
            usage += row.missing_fill
        request += row.missing_request
        n += row.n_missing
    if up_with_unready:
        request += row.unready_request
        n += row.n_unready
    if ratio_of(row, usage, request, n, &second):
        return 1
    proposal[0] = workload.current
    if within(workload, second) or (first < 1.0 < second) or (second < 1.0 < first):
        return 0
    cdef int64_t wanted = as_int32(ceil(second * <double>n))
    # The overflow above comes before this test of direction, as upstream.
    if (second < 1.0 and wanted > workload.current) or (second > 1.0 and wanted < workload.current):
        return 0
    proposal[0] = wanted
    return 0


cdef int whole_workload(
    const MetricRow* row, const WorkloadRow* workload, int64_t* proposal
) noexcept nogil:
    cdef double ratio
    if row.kind == VALUE:
        ratio = <double>row.usage / <double>row.target
        if workload.current == 0:
            proposal[0] = as_int32(ceil(ratio))
        elif within(workload, ratio):
            proposal[0] = workload.current
        elif row.n_ready < 0:
            return 1  # no pod matches the selector
        else:
            proposal[0] = capped_int32(ceil(ratio * <double>row.n_ready))
        return 0
    if row.kind == EXTERNAL_AVERAGE and row.usage < 0:
        proposal[0] = INT32_MAX  # upstream reads a negative sum as an overflow
        return 0
    # With no replicas the ratio is infinite or not a number, hence never within tolerance.
    ratio = <double>row.usage / (<double>row.target * <double>workload.status)
    if within(workload, ratio):
        proposal[0] = workload.status
    else:
        proposal[0] = capped_int32(ceil(<double>row.usage / <double>row.target))
    return 0


cdef int propose_one(
    const MetricRow* row, const WorkloadRow* workload, int64_t* proposal
) noexcept nogil:
    """Return 0 and set the proposal of one metric, or 1 when the metric is invalid."""
    if not row.valid:
        return 1
    if row.kind <= AVERAGE_VALUE:
        return per_pod(row, workload, proposal)
    return whole_workload(row, workload, proposal)


def propose(
    const WorkloadRow[::1] workloads, const MetricRow[::1] metrics, int64_t[::1] proposals,
    uint8_t[::1] valid
):
    """Compute each metric's proposal.

    Parameters
    ----------
    workloads : ndarray of workload_dtype, shape (n_workloads,)
        ``first_metric`` and ``n_metrics`` name each workload's rows of ``metrics``.
    metrics : ndarray of metric_dtype, shape (n_metrics,)
    proposals : ndarray of int64, shape (n_metrics,)
        Filled; undefined where ``valid`` is 0.
    valid : ndarray of uint8, shape (n_metrics,)
        Filled with 1 where the metric yields a proposal.
    """
    cdef Py_ssize_t w, m, first, last
    if proposals.shape[0] != metrics.shape[0] or valid.shape[0] != metrics.shape[0]:
        raise ValueError(f"proposals and valid must have shape ({metrics.shape[0]},)")
    check_spans(workloads, metrics.shape[0])
    if metrics.shape[0] == 0:
        return
    with nogil:
        for w in range(workloads.shape[0]):
            first = workloads[w].first_metric
            last = first + workloads[w].n_metrics
            for m in range(first, last):
                proposals[m] = 0
                valid[m] = propose_one(&metrics[m], &workloads[w], &proposals[m]) == 0


cdef int check_spans(const WorkloadRow[::1] workloads, Py_ssize_t n_metrics) except -1:
    cdef Py_ssize_t w
    for w in range(workloads.shape[0]):
        if (workloads[w].first_metric < 0 or workloads[w].n_metrics < 0
                or workloads[w].first_metric + workloads[w].n_metrics > n_metrics):
            raise ValueError(f"workloads[{w}]: metrics must lie within 0..{n_metrics}")
    return 0


cdef int put(Entries* entries, int64_t now, int32_t value, int32_t reusable) except -1 nogil:
    """Overwrite the reusable entry, or append; upstream's order of entries is kept."""
    cdef Entry* grown
    cdef int32_t capacity
    if reusable < 0:
        if entries.count == entries.capacity:
            capacity = max(4, 2 * entries.capacity)
            grown = <Entry*>realloc(entries.at, capacity * sizeof(Entry))
            if grown == NULL:
                raise MemoryError
            entries.at = grown
            entries.capacity = capacity
        reusable = entries.count
        entries.count += 1
    entries.at[reusable].time = now
    entries.at[reusable].value = value
    entries.at[reusable].outdated = 0
    return 0


cdef int64_t sum_since(const Entries* entries, int64_t cutoff) noexcept nogil:
    cdef int64_t total = 0
    cdef int32_t e
    for e in range(entries.count):
        if entries.at[e].time > cutoff:
            total += entries.at[e].value
    return total


cdef class ReplicaHistory:
    """What outlives a reconcile, per workload: recommendations, scale events, "scaled to zero".

    Parameters
    ----------
    n_workloads : int
    """

    def __cinit__(self, Py_ssize_t n_workloads):
        if n_workloads < 0:
            raise ValueError(f"n_workloads must be >= 0, found {n_workloads}")
        self.n_workloads = n_workloads
        cdef size_t n = max(1, n_workloads)
        self.recommendations = <Entries*>malloc(n * sizeof(Entries))
        self.ups = <Entries*>malloc(n * sizeof(Entries))
        self.downs = <Entries*>malloc(n * sizeof(Entries))
        self.scaled_to_zero = <uint8_t*>malloc(n)
        if (self.recommendations == NULL or self.ups == NULL or self.downs == NULL
                or self.scaled_to_zero == NULL):
            raise MemoryError
        memset(self.recommendations, 0, n * sizeof(Entries))
        memset(self.ups, 0, n * sizeof(Entries))
        memset(self.downs, 0, n * sizeof(Entries))
        memset(self.scaled_to_zero, 0, n)

    def __dealloc__(self):
        cdef Py_ssize_t w
        for w in range(self.n_workloads):
            if self.recommendations != NULL:
                free(self.recommendations[w].at)
            if self.ups != NULL:
                free(self.ups[w].at)
            if self.downs != NULL:
                free(self.downs[w].at)
        free(self.recommendations)
        free(self.ups)
        free(self.downs)
        free(self.scaled_to_zero)

    def set_scaled_to_zero(self, Py_ssize_t workload, bint value):
        """Set the condition ScaledToZero of one workload, as its status says at the start."""
        if not 0 <= workload < self.n_workloads:
            raise IndexError(f"workload must be in 0..{self.n_workloads - 1}, found {workload}")
        self.scaled_to_zero[workload] = value

    cdef int look_at(self, object workloads, object metrics, object policies) except -1:
        """Take in the tables of a call, unless they are those of the last one."""
        if self.tables is not None and (
            self.tables[0] is workloads
            and self.tables[1] is metrics
            and self.tables[2] is policies
        ):
            return 0
        self.tables = None
        self.workloads = workloads
        self.metrics = metrics
        self.policies = policies
        self.tables = workloads, metrics, policies
        return 0

    cdef int check(self) except -1:
        """Refuse tables that were taken in and are not of the workloads."""
        if self.workloads.shape[0] != self.n_workloads:
            raise ValueError(f"workloads must have shape ({self.n_workloads},)")
        return check_spans(self.workloads, self.metrics.shape[0])

    cdef int decide(self, int64_t now, int32_t* desired, uint8_t* outcome) except -1 nogil:
        """Reconcile the workloads of the tables that were taken in and checked."""
        cdef Py_ssize_t w
        cdef const MetricRow* rows = &self.metrics[0] if self.metrics.shape[0] else NULL
        cdef const PolicyRow* rules = &self.policies[0] if self.policies.shape[0] else NULL
        for w in range(self.n_workloads):
            self._reconcile_one(w, now, &self.workloads[w], rows, rules, &desired[w], &outcome[w])
        return 0

    def reconcile(
        self, int64_t now, workloads not None, metrics not None, policies not None,
        int32_t[::1] desired, uint8_t[::1] outcome
    ):
        """Reconcile all workloads once.

        Parameters
        ----------
        now : int
            Nanoseconds.
        workloads : ndarray of workload_dtype, shape (n_workloads,)
        metrics : ndarray of metric_dtype, shape (n_metrics,)
        policies : ndarray of policy_dtype, shape (n_policies,)
            Each workload's scale-up policies, then its scale-down policies.
        desired : ndarray of int32, shape (n_workloads,)
            Filled with the replicas to write.
        outcome : ndarray of uint8, shape (n_workloads,)
            Filled: 0 done, 1 scaling disabled at zero, 2 above the maximum, 3 below the minimum,
            4 invalid metrics (scale kept), 5 some metrics invalid (scale follows the others).
        """
        cdef Py_ssize_t n = self.n_workloads
        if desired.shape[0] != n or outcome.shape[0] != n:
            raise ValueError(f"desired and outcome must have shape ({n},)")
        self.look_at(workloads, metrics, policies)
        self.check()
        if n:
            with nogil:
                self.decide(now, &desired[0], &outcome[0])

    cdef int _reconcile_one(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const MetricRow* metrics,
        const PolicyRow* policies, int32_t* desired, uint8_t* outcome
    ) except -1 nogil:
        cdef int64_t proposal = 0, best = 0, wanted
        cdef int32_t m, n_invalid = 0
        cdef int32_t current = workload.current
        outcome[0] = DONE
        desired[0] = current
        if self.recommendations[w].count == 0:
            put(&self.recommendations[w], now, current, -1)
        if current == 0 and not (
            workload.acts_at_zero and self.scaled_to_zero[w]
            and (workload.minimum != 0 or workload.workload_metric)
        ):
            outcome[0] = DISABLED
            return 0
        if current > workload.maximum:
            outcome[0] = ABOVE_MAXIMUM
            wanted = workload.maximum
        elif 0 < current < workload.minimum:
            outcome[0] = BELOW_MINIMUM
            wanted = workload.minimum
        else:
            for m in range(workload.first_metric, workload.first_metric + workload.n_metrics):
                if propose_one(&metrics[m], workload, &proposal):
                    n_invalid += 1
                elif best == 0 or proposal > best:
                    best = proposal
            if n_invalid == workload.n_metrics or (n_invalid > 0 and best < current):
                outcome[0] = FAILED
                return 0
            if n_invalid:
                outcome[0] = PARTLY_FAILED
            best = max(best, 0)
            if workload.has_behavior:
                wanted = self._with_behavior(w, now, workload, policies, <int32_t>best)
            else:
                wanted = self._without_behavior(w, now, workload, <int32_t>best)
            if current == 0 and workload.minimum != 0:
                wanted = max(wanted, workload.minimum)
        desired[0] = <int32_t>wanted
        if wanted != current:
            self._scaled(w, now, workload, policies, wanted)
        return 0

    cdef int64_t _without_behavior(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, int32_t proposal
    ) except? -1 nogil:
        cdef Entries* entries = &self.recommendations[w]
        cdef int64_t cutoff = now - workload.down_window
        cdef int64_t stabilised = proposal, highest
        cdef int32_t e, reusable = -1
        for e in range(entries.count):
            if entries.at[e].time < cutoff:  # one exactly at the cutoff still counts
                reusable = e
            elif entries.at[e].value > stabilised:
                stabilised = entries.at[e].value
        put(entries, now, proposal, reusable)
        highest = min(<int64_t>workload.maximum, max(2 * <int64_t>workload.current, <int64_t>4))
        if stabilised < workload.minimum:
            return workload.minimum
        return min(stabilised, highest)

    cdef int64_t _with_behavior(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const PolicyRow* policies,
        int32_t proposal
    ) except? -1 nogil:
        cdef Entries* entries = &self.recommendations[w]
        cdef int64_t up_cutoff = now - workload.up_window
        cdef int64_t down_cutoff = now - workload.down_window
        cdef int64_t current = workload.current
        cdef int64_t lowest = proposal, highest = proposal, stabilised, limit
        cdef int32_t e, reusable = -1
        for e in range(entries.count):
            if entries.at[e].time > up_cutoff:
                lowest = min(lowest, <int64_t>entries.at[e].value)
            if entries.at[e].time > down_cutoff:
                highest = max(highest, <int64_t>entries.at[e].value)
            if entries.at[e].time < up_cutoff and entries.at[e].time < down_cutoff:
                reusable = e
        put(entries, now, proposal, reusable)
        stabilised = min(max(current, lowest), highest)
        if stabilised > current:
            limit = max(self._up_limit(w, now, workload, policies), current)
            return min(stabilised, min(<int64_t>workload.maximum, limit))
        if stabilised < current:
            limit = min(self._down_limit(w, now, workload, policies), current)
            return max(stabilised, max(<int64_t>workload.minimum, limit))
        return stabilised

    cdef int64_t _up_limit(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const PolicyRow* policies
    ) noexcept nogil:
        cdef int64_t start, limit, best = 0
        cdef int32_t p
        cdef bint first = True
        if workload.up_select == SELECT_DISABLED:
            return workload.current
        for p in range(workload.first_policy, workload.first_policy + workload.n_up_policies):
            start = self._at_period_start(w, now - policies[p].period, workload)
            if policies[p].kind == PODS:
                limit = start + policies[p].value
            else:
                limit = <int64_t>ceil(<double>start * (1.0 + <double>policies[p].value / 100.0))
            if first or (limit < best if workload.up_select == SELECT_MIN else limit > best):
                best = limit
            first = False
        return best

    cdef int64_t _down_limit(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const PolicyRow* policies
    ) noexcept nogil:
        """Return the limit downwards; Max means the most change, hence the smallest limit."""
        cdef int64_t start, limit, best = 0
        cdef int32_t p, begin = workload.first_policy + workload.n_up_policies
        cdef bint first = True
        if workload.down_select == SELECT_DISABLED:
            return workload.current
        for p in range(begin, begin + workload.n_down_policies):
            start = self._at_period_start(w, now - policies[p].period, workload)
            if policies[p].kind == PODS:
                limit = start - policies[p].value
            else:
                limit = <int64_t>(<double>start * (1.0 - <double>policies[p].value / 100.0))
            if first or (limit > best if workload.down_select == SELECT_MIN else limit < best):
                best = limit
            first = False
        return best

    cdef int64_t _at_period_start(
        self, Py_ssize_t w, int64_t cutoff, const WorkloadRow* workload
    ) noexcept nogil:
        cdef int64_t added = sum_since(&self.ups[w], cutoff)
        return workload.current - added + sum_since(&self.downs[w], cutoff)

    cdef int _scaled(
        self, Py_ssize_t w, int64_t now, const WorkloadRow* workload, const PolicyRow* policies,
        int64_t wanted
    ) except -1 nogil:
        """Record the change; an event older than its direction's longest period is reused."""
        cdef int64_t change = wanted - workload.current, longest = 0
        cdef Entries* events = &self.ups[w] if change > 0 else &self.downs[w]
        cdef int32_t e, p, begin = workload.first_policy, end, reusable = -1
        if workload.has_behavior:
            end = begin + workload.n_up_policies
            if change < 0:
                begin = end
                end += workload.n_down_policies
            for p in range(begin, end):
                longest = max(longest, policies[p].period)
            for e in range(events.count):
                if events.at[e].time < now - longest:
                    events.at[e].outdated = 1
                if events.at[e].outdated:
                    reusable = e
            put(events, now, <int32_t>(change if change > 0 else -change), reusable)
        self.scaled_to_zero[w] = (
            workload.acts_at_zero and wanted == 0 and workload.current > 0
            and workload.minimum == 0 and workload.workload_metric
        )
        return 0
