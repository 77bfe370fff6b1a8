"""Which node a pod class may run on: the filters in profile order.

*Local* filters read nothing but the node (its labels, ports, amounts, volumes); *distant* ones read
topology counters, and so change when pods come to other nodes.
"""

from libc.math cimport NAN
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from pyscale.kernel._callbacks cimport Rule
from pyscale.kernel._classes cimport ClassTable
from pyscale.kernel._cluster cimport class_t, domain_t, spread_t
from pyscale.kernel._growth cimport reserve
from pyscale.kernel._match cimport (
    AFFINITY_OK,
    ALL_OK,
    ENFORCED_OK,
    NAME_OK,
    SCHEDULABLE_OK,
    TAINTS_OK,
)
from pyscale.kernel._topology cimport counter_t


cdef class FilterTable(ClassTable):
    """A cluster that says which node takes which class."""

    def __cinit__(self, bint interleaved=True):
        memset(self.filters, 1, N_PLUGINS)
        self.rules = []

    def __dealloc__(self):
        free(self.rule_table)
        free(self.rule_request)

    # --- verdicts of single plugins ---

    cdef int static_verdict(self, class_t* pods, int32_t node) except -1 nogil:
        cdef int bits = self.match.static_bits(pods.static, node)
        if bits & ALL_OK == ALL_OK:
            return FITS
        if not bits & SCHEDULABLE_OK and self.filters[P_UNSCHEDULABLE]:
            return NODE_UNSCHEDULABLE
        if not bits & NAME_OK and self.filters[P_NAME]:
            return NODE_NAME
        if not bits & TAINTS_OK and self.filters[P_TAINTS]:
            return TAINTS
        if self.filters[P_NODE_AFFINITY]:
            if not bits & ENFORCED_OK:
                return ENFORCED_AFFINITY
            if not bits & AFFINITY_OK:
                return NODE_AFFINITY
        return FITS

    cdef int port_verdict(self, class_t* pods, int32_t node) noexcept nogil:
        cdef int64_t i
        for i in range(pods.port_conflicts.n):
            if self.port_used[pods.port_conflicts.at[i]][node]:
                return PORTS
        return FITS

    cdef int resource_verdict(self, class_t* pods, int32_t node_id) noexcept nogil:
        """All shortfalls count: one that is larger than the node makes it unresolvable."""
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef int64_t i
        cdef int32_t r
        cdef int verdict = FITS
        self.shortfall = 0
        if self.nodes[node_id].pods + 1 > self.nodes[node_id].allowed_pods:
            self.shortfall = 1
            verdict = RESOURCES
        for i in range(pods.need.n):
            r = pods.need.at[i]
            if pods.need_amount[i] > allocatable[r] - used[r]:
                self.shortfall |= <uint64_t>2 << r
                if pods.need_amount[i] > allocatable[r]:
                    verdict = RESOURCES_BEYOND_NODE
                elif verdict == FITS:
                    verdict = RESOURCES
        return verdict

    cdef int disk_verdict(self, class_t* pods, int32_t node, bint alone) except -1 nogil:
        """Conflicting disks on the node; unless ``alone``, also claims used in the cluster."""
        cdef counter_t* counter
        if pods.disk_conflicts >= 0:
            counter = &self.topology.counters[pods.disk_conflicts]
            if node < counter.domain_capacity and counter.count[node] > 0:
                return DISK_CONFLICT
        if not alone and self.claim_is_in_use(pods):
            return CLAIM_IN_USE
        return FITS

    cdef bint claim_is_in_use(self, class_t* pods) noexcept nogil:
        return pods.claim_in_use >= 0 and self.topology.counters[pods.claim_in_use].total > 0

    cdef int limit_verdict(self, class_t* pods, int32_t node) noexcept nogil:
        """Unique volumes per driver, attached plus new, against the node's limit."""
        cdef int64_t i, j
        cdef int32_t driver, new
        for i in range(pods.volumes.n):
            driver = self.volumes[pods.volumes.at[i]].driver
            if self.drivers[driver].limit[node] < 0 or self.volumes[pods.volumes.at[i]].uses[node]:
                continue
            new = 0
            for j in range(pods.volumes.n):
                if self.volumes[pods.volumes.at[j]].driver == driver:
                    new += self.volumes[pods.volumes.at[j]].uses[node] == 0
            if self.drivers[driver].attached[node] + new > self.drivers[driver].limit[node]:
                return VOLUME_LIMIT
        return FITS

    cdef int spread_verdict(self, class_t* pods, int32_t node) except -1 nogil:
        cdef int32_t i, d, count
        cdef counter_t* counter
        cdef spread_t* spread
        for i in range(pods.n_spread):
            spread = &pods.spread[i]
            d = self.match.columns[spread.column].value[node]
            if d < 0:
                return SPREAD_LABEL
            counter = &self.topology.counters[spread.counter]
            count = counter.count[d] if d < counter.domain_capacity else 0
            if (
                count + spread.itself
                - self.topology.minimum(spread.counter, spread.min_domains) > spread.max_skew
            ):
                return SPREAD
        return FITS

    cdef bint affinity_holds(self, class_t* pods, int32_t node) noexcept nogil:
        cdef int32_t i, d
        cdef counter_t* counter
        cdef bint satisfied = True
        cdef int64_t total = 0
        for i in range(pods.n_affinity):
            d = self.match.columns[pods.affinity[i].column].value[node]
            if d < 0:
                return False
            counter = &self.topology.counters[pods.affinity[i].counter]
            if d >= counter.domain_capacity or counter.count[d] <= 0:
                satisfied = False
            total += counter.total
        # The first pod of a group: nothing matches anywhere, and the pod matches its own terms.
        return satisfied or (total == 0 and pods.may_be_first)

    cdef int affinity_verdict(self, class_t* pods, int32_t node) noexcept nogil:
        cdef int32_t i, d
        cdef counter_t* counter
        if pods.n_affinity and not self.affinity_holds(pods, node):
            return POD_AFFINITY
        for i in range(pods.n_anti_affinity):
            d = self.match.columns[pods.anti_affinity[i].column].value[node]
            counter = &self.topology.counters[pods.anti_affinity[i].counter]
            if 0 <= d < counter.domain_capacity and counter.count[d] > 0:
                return POD_ANTI_AFFINITY
        for i in range(pods.n_existing):
            d = self.match.columns[pods.existing[i].column].value[node]
            counter = &self.topology.counters[pods.existing[i].counter]
            if 0 <= d < counter.domain_capacity and counter.count[d] > 0:
                return EXISTING_ANTI_AFFINITY
        return FITS

    # --- users' rules ---

    cdef int ask_rule(
        self, class_t* pods, int32_t rule, const int32_t* nodes, int32_t n, double* out
    ) except -1 nogil:
        """Ask a rule about up to BLOCK nodes."""
        cdef int32_t n_resources = self.n_resources
        cdef int64_t* offered
        cdef int64_t* requested
        cdef int64_t base
        cdef int32_t i, r
        reserve(
            <void**>&self.rule_table, &self.rule_table_capacity, 2 * n_resources * BLOCK, 8
        )
        reserve(<void**>&self.rule_request, &self.rule_request_capacity, n_resources, 8)
        memset(self.rule_request, 0, n_resources * sizeof(int64_t))
        for i in range(pods.rule_resources.n):
            self.rule_request[pods.rule_resources.at[i]] = pods.rule_amounts[i]
        for r in range(n_resources):
            offered = self.rule_table + r * BLOCK
            requested = self.rule_table + (n_resources + r) * BLOCK
            for i in range(n):
                base = nodes[i] * self.resource_stride + r
                offered[i] = self.allocatable[base]
                if r == 0:
                    requested[i] = self.nodes[nodes[i]].non_zero_cpu
                elif r == 1:
                    requested[i] = self.nodes[nodes[i]].non_zero_memory
                else:
                    requested[i] = self.used[base]
        for i in range(n):
            out[i] = NAN
        self.rule_functions[rule](
            self.rule_table, self.rule_request, n, BLOCK, n_resources, out,
            self.rule_users[rule],
        )
        for i in range(n):
            if out[i] != out[i] or (
                self.rule_weights[rule] and not 0.0 <= out[i] <= 100.0
            ):
                with gil:
                    (<Rule>self.rules[rule]).fail(out[i])
        return 0

    cdef int rule_verdict(self, class_t* pods, int32_t node) except -1 nogil:
        """The verdict of the filters among the rules."""
        cdef double answer
        cdef int32_t i
        for i in range(self.n_rules):
            if self.rule_weights[i] == 0:
                self.ask_rule(pods, i, &node, 1, &answer)
                if answer == 0.0:
                    return N_VERDICTS + i
        return FITS

    # --- what PreFilter leaves out ---

    cdef bint skips_affinity(self, class_t* pods) noexcept nogil:
        """No term of the pod, and none of a placed pod against it."""
        cdef int32_t i
        if pods.n_affinity or pods.n_anti_affinity:
            return False
        for i in range(pods.n_existing):
            if self.topology.counters[pods.existing[i].counter].total:
                return False
        return True

    cdef bint skips_restrictions(self, class_t* pods) noexcept nogil:
        return pods.disk_conflicts < 0 and not self.claim_is_in_use(pods)

    cdef bint begin_trial(self, class_t* pods) noexcept nogil:
        """Remember what PreFilter leaves out: pods added in a trial do not bring it back."""
        if self.in_trial:
            return False
        self.affinity_skipped = self.skips_affinity(pods)
        self.restrictions_skipped = self.skips_restrictions(pods)
        self.in_trial = True
        return True

    cdef int end_trial(self, bint begun) noexcept nogil:
        if begun:
            self.in_trial = False
            self.affinity_skipped = False
            self.restrictions_skipped = False
        return 0

    # --- all of them ---

    cdef int local_verdict(self, class_t* pods, int32_t node, bint alone) except -1 nogil:
        """The filters that read nothing but the node; unless ``alone``, also claims in use."""
        cdef int verdict = self.static_verdict(pods, node)
        if verdict == FITS and pods.port_conflicts.n and self.filters[P_PORTS]:
            verdict = self.port_verdict(pods, node)
        if verdict == FITS and self.filters[P_RESOURCES]:
            verdict = self.resource_verdict(pods, node)
        if (
            verdict == FITS and self.filters[P_VOLUME_RESTRICTIONS]
            and not self.restrictions_skipped
        ):
            verdict = self.disk_verdict(pods, node, alone)
        if verdict == FITS and pods.volumes.n and self.filters[P_VOLUME_LIMITS]:
            verdict = self.limit_verdict(pods, node)
        if verdict == FITS and pods.has_volume_verdicts:
            if self.filters[P_VOLUME_BINDING]:
                verdict = pods.volume_binding[node]
            if verdict == FITS and self.filters[P_VOLUME_ZONE]:
                verdict = pods.volume_zone[node]
        return verdict

    cdef int distant_verdict(self, class_t* pods, int32_t node) except -1 nogil:
        """The filters that read what is on other nodes."""
        cdef int verdict = FITS
        if pods.n_spread and self.filters[P_SPREAD]:
            verdict = self.spread_verdict(pods, node)
        if verdict == FITS and self.filters[P_POD_AFFINITY] and not self.affinity_skipped:
            verdict = self.affinity_verdict(pods, node)
        return verdict

    cdef int check(self, int32_t class_id, int32_t node) except -1 nogil:
        cdef class_t* pods = &self.classes[class_id]
        cdef int verdict = self.local_verdict(pods, node, False)
        if verdict == FITS:
            verdict = self.distant_verdict(pods, node)
        if verdict == FITS and self.n_rules:
            verdict = self.rule_verdict(pods, node)
        return verdict

    # --- the distant filters of one cycle ---

    cdef int prepare(self, class_t* pods, gate_t* gate) except -1 nogil:
        """Read once per cycle what the distant filters compare nodes against."""
        cdef int32_t i
        cdef spread_t* spread
        gate.n = 0
        gate.general = False
        if self.filters[P_SPREAD]:
            for i in range(pods.n_spread):
                spread = &pods.spread[i]
                if gate.n == MAX_BARS:
                    gate.general = True
                    return 0
                self.raise_bar(
                    gate, spread.counter, spread.column,
                    spread.max_skew - spread.itself
                    + self.topology.minimum(spread.counter, spread.min_domains),
                    True,
                )
        if self.filters[P_POD_AFFINITY]:
            if pods.n_affinity:
                gate.general = True
                return 0
            for i in range(pods.n_anti_affinity):
                self.raise_if_any(gate, &pods.anti_affinity[i])
            for i in range(pods.n_existing):
                self.raise_if_any(gate, &pods.existing[i])
        return 0

    cdef int raise_if_any(self, gate_t* gate, domain_t* domain) except -1 nogil:
        if self.topology.counters[domain.counter].total == 0:
            return 0
        if gate.n == MAX_BARS:
            gate.general = True
            return 0
        return self.raise_bar(gate, domain.counter, domain.column, 0, False)

    cdef int raise_bar(
        self, gate_t* gate, int32_t counter, int32_t column, int64_t most, bint needs_label
    ) except -1 nogil:
        cdef bar_t* bar = &gate.bars[gate.n]
        bar.value = self.match.columns[column].value
        bar.count = self.topology.counters[counter].count
        bar.n_domains = self.topology.counters[counter].domain_capacity
        bar.most = most
        bar.needs_label = needs_label
        gate.n += 1
        return 0

    cdef bint passes(self, gate_t* gate, int32_t node) noexcept nogil:
        """Whether no domain of the node is fuller than it may be."""
        cdef int32_t i, d
        cdef bar_t* bar
        for i in range(gate.n):
            bar = &gate.bars[i]
            d = bar.value[node]
            if d < 0:
                if bar.needs_label:
                    return False
            elif (bar.count[d] if d < bar.n_domains else 0) > bar.most:
                return False
        return True
