"""Decisions of the scheduler on a cluster in integers.

``ClusterState`` takes kube-scheduler's decisions for one pod class at a time: the filters in
profile order, the window of nodes that sampling looks at, scores, their normalisation over
the window, the choice (the root of upstream's heap), preemption on one node.

For embedding (``cimport`` from ``pyscale.kernel._bind``; no GIL):

``bind(class)``
    One scheduling cycle; the pod is placed.  Returns the node, -1 if nothing fits.
``release(class, node)``
    A pod of the class leaves the node.
``check(class, node)``
    0, or the verdict (FITS or what follows it in ``_bind.pxd``) of the first filter that refuses.
``first_fit(class, start, accepted)``
    The first place in the list, going round from ``start``, whose node passes; -1 if none.
``insert_node``, ``deactivate`` and ``leave_zone`` of ``ClusterTable`` change the cluster.

The same under the GIL: ``schedule``, ``bind_queue``, ``remove_pod``, ``verdict``, ``scan_list``,
``add_node``, ``remove_node``, ``fork``, ``revert``, ``commit``.

How it is fast: what depends only on the node itself (static filters, ports, resources, volumes,
and the scores of resources and images) is one cached number per (class, node), computed again only
when the node changed.  Filters and scores that depend on other nodes read topology counters.
"""

from libc.math cimport NAN, fabs, log
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from pyscale.kernel._bits cimport lowest_bit, popcount
from pyscale.kernel._callbacks cimport Rule
from pyscale.kernel._cluster cimport (
    DIRTY,
    INFEASIBLE,
    MAX_NOMINATED,
    MAX_PORTS,
    ClusterTable,
    class_t,
    domain_t,
    nomination_t,
    node_t,
    spread_t,
)
from pyscale.kernel._cluster cimport amounts_of
from pyscale.kernel._growth cimport ints_t, push, reserve
from pyscale.kernel._match cimport (
    AFFINITY_OK,
    ALL_OK,
    ENFORCED_OK,
    NAME_OK,
    SCHEDULABLE_OK,
    TAINTS_OK,
    fill,
    static_t,
)
from pyscale.kernel._score cimport (
    LEAST_ALLOCATED,
    MAX_POINTS,
    MAX_RESOURCES,
    REQUESTED_TO_CAPACITY_RATIO,
    balance,
    divide,
    heap_key,
    heap_position,
    resource_score,
    round_away,
)
from pyscale.kernel._topology cimport counter_t

cdef extern from "_windows.h" nogil:
    void survey "pyscale_survey" (
        const int32_t* values, int n, int32_t* most, int32_t* least, int32_t* n_feasible
    )
    void add_scaled "pyscale_add_scaled" (
        int32_t* totals, const int32_t* scores, int32_t weight, int n
    )
    void add_constant "pyscale_add_constant" (int32_t* totals, int32_t constant, int n)
    void share "pyscale_share" (
        const int32_t* raw, int32_t* out, double most, int reverse, int n
    )
    void fewest "pyscale_fewest" (
        const int32_t* raw, int32_t* out, double most, double least, int n
    )
    void spread_out "pyscale_spread_out" (
        const int32_t* raw, int32_t* out, int32_t least, double width, int n
    )
    void round_half_away "pyscale_round" (const double* sums, int32_t* out, int n)
    int32_t tied_key "pyscale_tied_key" (
        const int32_t* values, const int32_t* keys, int32_t best, int n
    )
    uint64_t equal_bits "pyscale_equal_bits" (const int32_t* values, int32_t wanted, int n)
    uint64_t feasible_bits "pyscale_feasible_bits" (const int32_t* values, int n)
    void pyscale_use_window_avx2(int wanted)
    int pyscale_window_avx2

cdef int64_t MEBIBYTE = 1 << 20
cdef int64_t EXACT = 1 << 46       # 100 times such a number is an exact double
cdef double LARGE = 2.0e9          # sums below it are rounded in 32 bits
cdef enum:
    NO_KEY = -0x80000000

pyscale_use_window_avx2(1)


def use_avx2(bint wanted):
    """Choose the vector loops; returns whether AVX2 is used.  For tests."""
    pyscale_use_window_avx2(wanted)
    return bool(pyscale_window_avx2)


cdef class ClusterState(ClusterTable):
    """A cluster that answers for one scheduler profile.

    Parameters
    ----------
    interleaved : bool
        Whether the list of nodes goes round the zones.
    """

    def __cinit__(self, bint interleaved=True):
        self.stamps = NULL
        self.rules = []
        memset(self.filters, 1, N_PLUGINS)
        self.scoring = False
        self.percentage = 100

    def __dealloc__(self):
        cdef int64_t i
        free(self.feasible)
        free(self.totals)
        free(self.sums)
        free(self.raw)
        free(self.normalised)
        free(self.heap_keys)
        for i in range(self.stamp_columns):
            free(self.stamps[i])
        free(self.stamps)
        free(self.stamp_capacity)
        free(self.rule_table)
        free(self.rule_request)
        free(self.candidates.at)

    # --- the profile ---

    def set_profile(
        self, object filters, object weights, int32_t percentage, bint first_of_best,
        bint balance_is_delta,
    ):
        """Set which filters run, the weight of each scorer (0: off), and sampling.

        ``filters`` has one truth value per filter plugin, ``weights`` one integer per
        score plugin; ``percentage`` is percentageOfNodesToScore, 0 adaptive.
        """
        cdef int i
        self.scoring = False
        for i in range(N_PLUGINS):
            self.filters[i] = filters[i]
        for i in range(N_SCORERS):
            self.weights[i] = weights[i]
            self.scoring = self.scoring or weights[i] != 0
        self.percentage = percentage
        self.first_of_best = first_of_best
        self.balance_is_delta = balance_is_delta
        self.epoch += 1

    def set_strategies(
        self, int32_t type, object fit_resources, object fit_weights, object shape,
        object balanced_resources,
    ):
        """Set the resources of the two resource scorers (-1: never on a node)."""
        cdef int32_t i
        if max(len(fit_resources), len(balanced_resources)) > MAX_RESOURCES:
            raise ValueError(f"a scoring strategy may name at most {MAX_RESOURCES} resources")
        if len(shape) > MAX_POINTS:
            raise ValueError(f"a shape may have at most {MAX_POINTS} points")
        self.fit.type = type
        self.fit.n_resources = len(fit_resources)
        for i in range(self.fit.n_resources):
            self.fit.resource[i] = fit_resources[i]
            self.fit.weight[i] = fit_weights[i]
        self.fit.n_points = len(shape)
        for i in range(self.fit.n_points):
            self.fit.utilization[i], self.fit.score[i] = shape[i]
        self.balanced.n_resources = len(balanced_resources)
        self.balance_is_common = True
        for i in range(self.balanced.n_resources):
            self.balanced.resource[i] = balanced_resources[i]
            # A scalar that a class doesn't ask for is left out of the balance.
            if not 0 <= self.balanced.resource[i] <= 2:
                self.balance_is_common = False
        self.usual_strategies = (
            type == LEAST_ALLOCATED and list(fit_resources) == [0, 1]
            and list(fit_weights) == [1, 1] and list(balanced_resources) == [0, 1]
        )

    def set_rules(self, object rules):
        """Set the users' rules, filters and scores in their order.

        A rule sees nothing but a node's own amounts, so its answers are kept like the built-in
        scores of resources until the node changes.
        """
        cdef Rule rule
        rules = list(rules)
        if len(rules) > MAX_RULES:
            raise ValueError(f"a profile may have at most {MAX_RULES} rules, found {len(rules)}")
        self.n_rules = 0
        self.rules = rules
        for rule in rules:
            self.rule_functions[self.n_rules] = rule.function
            self.rule_users[self.n_rules] = rule.user
            self.rule_weights[self.n_rules] = 0 if rule.is_filter else rule.weight
            self.scoring = self.scoring or not rule.is_filter
            self.n_rules += 1
        self.epoch += 1

    # --- pod classes ---

    def add_class(
        self, int32_t static, object need, object use, int64_t non_zero_cpu,
        int64_t non_zero_memory, object fit_amounts, object balance_amounts, *,
        bint preference_invalid=False, object ports=(), object images=(),
        int32_t n_containers=1, object volumes=(), bint volume_verdicts=False,
        object names=None, bint refused=False, object rule_amounts=None,
    ):
        """Return the id of a new pod class.

        Parameters
        ----------
        static : int
            What the class asks of nodes (``match.add_static``).
        need, use : dict of int to int
            Resource -> amount: what the filter checks, what a placed pod uses.
        non_zero_cpu, non_zero_memory : int
            What a placed pod adds to the amounts the resource scorer reads.
        fit_amounts, balance_amounts : list of int
            The pending pod's amounts, one per resource of the two strategies.
        preference_invalid : bool
            A preferred term cannot be parsed: scoring the pod is an error.
        ports, images, volumes : sequence of int
        n_containers : int
            Containers and init containers.
        volume_verdicts : bool
            Whether :meth:`set_volume_verdict` is used.
        names : sequence of int, optional
            Values of the name column to which the scan is restricted.
        refused : bool
            PreFilter refuses the pod whatever the nodes are.
        rule_amounts : dict of int to int, optional
            Resource -> amount, as users' rules see the request.
        """
        cdef class_t* pods
        cdef int64_t before = 0
        reserve(<void**>&self.classes, &self.class_capacity, self.n_classes + 1, sizeof(class_t))
        pods = &self.classes[self.n_classes]
        self.n_classes += 1
        pods.static = static
        fill(&pods.need, need.keys())
        pods.need_amount = amounts_of(need.values())
        fill(&pods.use, use.keys())
        pods.use_amount = amounts_of(use.values())
        pods.non_zero_cpu = non_zero_cpu
        pods.non_zero_memory = non_zero_memory
        pods.fit_amount = amounts_of(fit_amounts)
        pods.balance_amount = amounts_of(balance_amounts)
        pods.balance_skipped = not any(balance_amounts)
        fill(&pods.rule_resources, (rule_amounts or {}).keys())
        pods.rule_amounts = amounts_of((rule_amounts or {}).values())
        pods.preference_invalid = preference_invalid
        if len(ports) > MAX_PORTS:
            raise ValueError(f"a pod may have at most {MAX_PORTS} host ports")
        fill(&pods.ports, ports)
        fill(&pods.images, images)
        pods.n_containers = n_containers
        fill(&pods.volumes, volumes)
        pods.disk_conflicts = -1
        pods.claim_in_use = -1
        pods.has_volume_verdicts = volume_verdicts
        if volume_verdicts and self.node_capacity:
            reserve(<void**>&pods.volume_binding, &before, self.node_capacity, 1)
            before = 0
            reserve(<void**>&pods.volume_zone, &before, self.node_capacity, 1)
        pods.has_names = names is not None
        fill(&pods.names, names or ())
        pods.refused = refused
        pods.epoch = -1
        return self.n_classes - 1

    def set_names(self, int32_t class_id, object names):
        """Set the order in which the nodes that a class is restricted to are scanned."""
        self.classes[class_id].names.n = 0
        fill(&self.classes[class_id].names, names)

    def set_port_conflicts(self, int32_t class_id, object ports):
        """Set the ports in use that a class can't live with."""
        self.classes[class_id].port_conflicts.n = 0
        fill(&self.classes[class_id].port_conflicts, ports)
        self.classes[class_id].epoch = -1

    def set_volume_counters(self, int32_t class_id, int32_t disk_conflicts, int32_t claim_in_use):
        """Set the counters of pods with conflicting disks and of users of the same claims."""
        self.classes[class_id].disk_conflicts = disk_conflicts
        self.classes[class_id].claim_in_use = claim_in_use
        self.classes[class_id].epoch = -1

    def set_volume_verdict(self, int32_t class_id, int32_t node, int binding, int zone):
        """Set VolumeBinding's and VolumeZone's verdict for a class on a node."""
        self.classes[class_id].volume_binding[node] = binding
        self.classes[class_id].volume_zone[node] = zone
        self.classes[class_id].epoch = -1

    def add_spread(
        self, int32_t class_id, bint is_filter, int32_t counter, int32_t column,
        int64_t max_skew, int32_t min_domains=1, int32_t itself=0, bint hostname=False,
    ):
        """Append a spread constraint to a class, as a filter or as a score."""
        cdef class_t* pods = &self.classes[class_id]
        cdef spread_t* spread
        if is_filter:
            reserve(
                <void**>&pods.spread, &pods.spread_capacity, pods.n_spread + 1, sizeof(spread_t)
            )
            spread = &pods.spread[pods.n_spread]
            pods.n_spread += 1
        else:
            reserve(
                <void**>&pods.spread_score, &pods.spread_score_capacity,
                pods.n_spread_score + 1, sizeof(spread_t),
            )
            spread = &pods.spread_score[pods.n_spread_score]
            pods.n_spread_score += 1
        spread.counter = counter
        spread.column = column
        spread.max_skew = max_skew
        spread.min_domains = min_domains
        spread.itself = itself
        spread.hostname = hostname

    def require_spread_keys(self, int32_t class_id, bint required):
        """Say whether nodes lacking a spread constraint's key are left out of its score."""
        self.classes[class_id].spread_keys_required = required

    def add_domain(self, int32_t class_id, str role, int32_t counter, int32_t column):
        """Append an (anti-)affinity counter to a class.

        ``role`` is ``affinity``, ``anti_affinity``, ``existing`` (anti-affinity of placed pods
        against the class) or ``preferred`` (score).
        """
        cdef class_t* pods = &self.classes[class_id]
        cdef domain_t** at
        cdef int64_t* capacity
        cdef int32_t* n
        if role == "affinity":
            at, capacity, n = &pods.affinity, &pods.affinity_capacity, &pods.n_affinity
        elif role == "anti_affinity":
            at, capacity, n = (
                &pods.anti_affinity, &pods.anti_affinity_capacity, &pods.n_anti_affinity
            )
        elif role == "existing":
            at, capacity, n = &pods.existing, &pods.existing_capacity, &pods.n_existing
        elif role == "preferred":
            at, capacity, n = &pods.preferred, &pods.preferred_capacity, &pods.n_preferred
        else:
            raise ValueError(f"unknown role {role!r}")
        reserve(<void**>at, capacity, n[0] + 1, sizeof(domain_t))
        at[0][n[0]].counter = counter
        at[0][n[0]].column = column
        n[0] += 1

    def set_affinity_rules(self, int32_t class_id, bint may_be_first, bint preferred_skipped):
        """Set whether the pod matches its own terms, and whether the score is left out."""
        self.classes[class_id].may_be_first = may_be_first
        self.classes[class_id].preferred_skipped = preferred_skipped

    # --- filters: verdicts of single plugins ---

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

    # --- filters: all of them ---

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

    cdef int check_nominated(
        self, int32_t class_id, int32_t node, int64_t priority, int64_t pod
    ) except -1 nogil:
        """First with the pods of at least that priority that wait for the node, then without."""
        cdef int32_t i
        cdef int verdict
        cdef nomination_t* nomination
        cdef uint64_t[MAX_NOMINATED] before
        cdef int32_t n = 0
        cdef bint begun
        if self.nodes[node].n_nominated == 0:
            return self.check(class_id, node)
        begun = self.begin_trial(&self.classes[class_id])
        for i in range(self.n_nominations):
            nomination = &self.nominations[i]
            if nomination.node != node or nomination.priority < priority or nomination.pod == pod:
                continue
            before[n] = self.port_bits(&self.classes[nomination.class_id], node)
            n += 1
            self.place(nomination.class_id, node, 1, True)
        verdict = self.check(class_id, node)
        if n == 0:
            self.end_trial(begun)
            return verdict
        i = self.n_nominations
        while i > 0:
            i -= 1
            nomination = &self.nominations[i]
            if nomination.node != node or nomination.priority < priority or nomination.pod == pod:
                continue
            n -= 1
            self.place(nomination.class_id, node, -1, True)
            self.set_port_bits(&self.classes[nomination.class_id], node, before[n])
        if verdict == FITS:
            verdict = self.check(class_id, node)
        self.end_trial(begun)
        return verdict

    # --- scores that read nothing but the node ---

    cdef int64_t fit_score(self, class_t* pods, int32_t node_id) noexcept nogil:
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef int64_t total = 0, weights = 0, amount, score
        cdef int32_t i, r
        for i in range(self.fit.n_resources):
            r = self.fit.resource[i]
            if r < 0 or allocatable[r] == 0 or (r > 2 and pods.fit_amount[i] == 0):
                continue
            if r == 0:
                amount = self.nodes[node_id].non_zero_cpu + pods.fit_amount[i]
            elif r == 1:
                amount = self.nodes[node_id].non_zero_memory + pods.fit_amount[i]
            else:
                amount = used[r] + pods.fit_amount[i]
            score = resource_score(&self.fit, amount, allocatable[r])
            if score == 0 and self.fit.type == REQUESTED_TO_CAPACITY_RATIO:
                continue  # left out of both sums
            total += score * self.fit.weight[i]
            weights += self.fit.weight[i]
        if weights == 0:
            return 0
        if self.fit.type == REQUESTED_TO_CAPACITY_RATIO:
            return round_away(<double>total / <double>weights)
        if weights == 2 and total >= 0:
            return total >> 1
        return total // weights

    cdef int64_t balance_without(self, class_t* pods, int32_t node_id) noexcept nogil:
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef double[MAX_RESOURCES] fractions
        cdef int32_t i, r, n = 0
        for i in range(self.balanced.n_resources):
            r = self.balanced.resource[i]
            if r < 0 or allocatable[r] == 0 or (r > 2 and pods.balance_amount[i] == 0):
                continue
            fractions[n] = <double>used[r] / <double>allocatable[r]
            if not fractions[n] < 1.0:
                fractions[n] = 1.0
            n += 1
        return balance(fractions, n)

    cdef int64_t balance_score(self, class_t* pods, int32_t node_id) noexcept nogil:
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef double[MAX_RESOURCES] fractions
        cdef int64_t with_pod, without
        cdef int32_t i, r, n = 0
        for i in range(self.balanced.n_resources):
            r = self.balanced.resource[i]
            if r < 0 or allocatable[r] == 0 or (r > 2 and pods.balance_amount[i] == 0):
                continue
            fractions[n] = <double>(used[r] + pods.balance_amount[i]) / <double>allocatable[r]
            if not fractions[n] < 1.0:
                fractions[n] = 1.0
            n += 1
        with_pod = balance(fractions, n)
        if not self.balance_is_delta:
            return with_pod
        if not self.balance_is_common:
            without = self.balance_without(pods, node_id)
        else:
            if self.nodes[node_id].balance < 0:
                self.nodes[node_id].balance = <int32_t>self.balance_without(pods, node_id)
            without = self.nodes[node_id].balance
        return 50 + (50 + with_pod - without) // 2

    cdef int64_t image_score(self, class_t* pods, int32_t node_id) noexcept nogil:
        """Sizes of the images present, each scaled by the share of nodes having it."""
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t total = 0, lowest = 23 * MEBIBYTE
        cdef int64_t highest = 1000 * MEBIBYTE * pods.n_containers
        cdef int64_t i, j
        for i in range(pods.images.n):
            for j in range(node.images.n):
                if node.images.at[j] == pods.images.at[i]:
                    total += <int64_t>(
                        <double>self.images[node.images.at[j]].size
                        * (<double>node.image_holders.at[j] / <double>self.n_active)
                    )
                    break
        if total < lowest:
            total = lowest
        if total > highest:
            total = highest
        return 100 * (total - lowest) // (highest - lowest)

    cdef int32_t local_score(self, class_t* pods, int32_t node) except? -3 nogil:
        """The cached part of the total: INFEASIBLE, or scores of resources and images."""
        cdef int64_t total = 0
        if self.local_verdict(pods, node, True) != FITS:
            return INFEASIBLE
        if self.usual_strategies and not pods.balance_skipped:
            total = self.usual_score(pods, node)
        else:
            if self.weights[S_RESOURCES]:
                total += self.weights[S_RESOURCES] * self.fit_score(pods, node)
            if self.weights[S_BALANCE] and not pods.balance_skipped:
                total += self.weights[S_BALANCE] * self.balance_score(pods, node)
        if self.weights[S_IMAGES] and self.nodes[node].images.n and pods.images.n:
            total += self.weights[S_IMAGES] * self.image_score(pods, node)
        return <int32_t>total

    cdef int64_t usual_score(self, class_t* pods, int32_t node_id) noexcept nogil:
        """Both resource scores under the default strategies, cpu and memory on the node.

        The general functions in one straight line: this is what most cycles spend their time on.
        """
        cdef node_t* node = &self.nodes[node_id]
        cdef int64_t* allocatable = self.allocatable + node_id * self.resource_stride
        cdef int64_t* used = self.used + node_id * self.resource_stride
        cdef int64_t cpu = allocatable[0] - node.non_zero_cpu - pods.fit_amount[0]
        cdef int64_t memory = allocatable[1] - node.non_zero_memory - pods.fit_amount[1]
        cdef double of_cpu, of_memory
        cdef int64_t with_pod
        if not (0 < allocatable[0] < EXACT and 0 < allocatable[1] < EXACT):
            return (
                self.weights[S_RESOURCES] * self.fit_score(pods, node_id)
                + self.weights[S_BALANCE] * self.balance_score(pods, node_id)
            )
        cpu = 0 if cpu < 0 else <int64_t>(100.0 * <double>cpu / <double>allocatable[0])
        memory = 0 if memory < 0 else <int64_t>(
            100.0 * <double>memory / <double>allocatable[1]
        )
        of_cpu = <double>(used[0] + pods.balance_amount[0]) / <double>allocatable[0]
        of_memory = <double>(used[1] + pods.balance_amount[1]) / <double>allocatable[1]
        if not of_cpu < 1.0:
            of_cpu = 1.0
        if not of_memory < 1.0:
            of_memory = 1.0
        with_pod = <int64_t>((1 - fabs((of_cpu - of_memory) / 2)) * 100.0)
        if self.balance_is_delta:
            if node.balance < 0:
                node.balance = <int32_t>self.balance_without(pods, node_id)
            with_pod = 50 + ((50 + with_pod - node.balance) >> 1)
        return (
            self.weights[S_RESOURCES] * ((cpu + memory) >> 1)
            + self.weights[S_BALANCE] * with_pod
        )

    # --- the window ---

    cdef int grow_windows(self) except -1 nogil:
        cdef int64_t before, had = self.window_capacity, column, i
        if self.window_capacity < self.n_nodes:
            before = had
            reserve(<void**>&self.feasible, &before, self.node_capacity, sizeof(int32_t))
            before = had
            reserve(<void**>&self.totals, &before, self.node_capacity, sizeof(int32_t))
            before = had
            reserve(<void**>&self.sums, &before, self.node_capacity, sizeof(double))
            before = 4 * had
            reserve(<void**>&self.raw, &before, 4 * self.node_capacity, sizeof(int32_t))
            before = 4 * had
            reserve(<void**>&self.normalised, &before, 4 * self.node_capacity, sizeof(int32_t))
            self.window_capacity = self.node_capacity
            before = self.heap_capacity
            reserve(
                <void**>&self.heap_keys, &self.heap_capacity, self.node_capacity, sizeof(int32_t)
            )
            for i in range(before, self.heap_capacity):
                self.heap_keys[i] = heap_key(i)
        if self.stamp_columns < self.match.n_columns:
            before = self.stamp_columns
            reserve(
                <void**>&self.stamps, &before, self.match.n_columns, sizeof(int32_t*)
            )
            reserve(
                <void**>&self.stamp_capacity, &self.stamp_columns, self.match.n_columns, 8
            )
        for column in range(self.match.n_columns):
            reserve(
                <void**>&self.stamps[column], &self.stamp_capacity[column],
                self.match.columns[column].n_values + 1, sizeof(int32_t),
            )
        return 0

    cdef int restrict(self, class_t* pods) except -1 nogil:
        """Write the nodes with the names that the class is restricted to."""
        cdef int64_t i
        cdef int32_t node
        self.candidates.n = 0
        for i in range(pods.names.n):
            if pods.names.at[i] < self.node_of_name.n:
                node = self.node_of_name.at[pods.names.at[i]]
                if node >= 0 and self.nodes[node].listed:
                    push(&self.candidates, node)
        return 0

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

    cdef int fill_block(self, class_t* pods, int64_t place, int64_t width) except -1 nogil:
        """Compute what is dirty among up to BLOCK places of the list."""
        cdef int32_t* cached = pods.score
        cdef int32_t* nodes = self.order.at
        cdef uint64_t bits = equal_bits(cached + place, DIRTY, <int>width)
        cdef int32_t[BLOCK] asked
        cdef int32_t[BLOCK] places
        cdef double[BLOCK] answers
        cdef int32_t i, rule, kept, n = 0
        cdef int64_t at
        while bits:
            at = place + lowest_bit(bits)
            bits &= bits - 1
            cached[at] = self.local_score(pods, nodes[at])
            if cached[at] >= 0:
                asked[n] = nodes[at]
                places[n] = <int32_t>at
                n += 1
        for rule in range(self.n_rules):
            if n == 0:
                break
            self.ask_rule(pods, rule, asked, n, answers)
            kept = 0
            for i in range(n):
                if self.rule_weights[rule]:
                    cached[places[i]] += <int32_t>(
                        self.rule_weights[rule] * <int64_t>answers[i]
                    )
                elif answers[i] == 0.0:
                    cached[places[i]] = INFEASIBLE
                    continue
                asked[kept] = asked[i]
                places[kept] = places[i]
                kept += 1
            n = kept
        return 0

    cdef int64_t wanted_nodes(self, int64_t n) noexcept nogil:
        """How many feasible nodes end the scan of n nodes."""
        cdef int64_t percentage = self.percentage
        cdef int64_t wanted
        if not self.scoring:
            return 1
        if n < 100:
            return n
        if percentage == 0:
            percentage = 50 - n // 125
            if percentage < 5:
                percentage = 5
        wanted = n * percentage // 100
        return wanted if wanted > 100 else 100

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

    cdef int scan(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t refused, cycle_t* result
    ) except -1 nogil:
        """From the start on until enough nodes are feasible and one more is met.

        ``refused`` is a node that was looked at before in vain, or -1; it counts as evaluated.
        """
        cdef class_t* pods = &self.classes[class_id]
        cdef int32_t* nodes = self.order.at
        cdef int32_t* cached = pods.score
        cdef int64_t n = self.order.n
        cdef int64_t wanted, i, place, position
        cdef int32_t node, score, m = 0
        cdef gate_t gate
        cdef bint distant
        cdef bint claimed = self.filters[P_VOLUME_RESTRICTIONS] and self.claim_is_in_use(pods)
        if pods.has_names:
            self.restrict(pods)
            nodes = self.candidates.at
            n = self.candidates.n
        self.prepare(pods, &gate)
        distant = gate.n or gate.general
        wanted = self.wanted_nodes(n)
        place = self.next_start % n if n else 0
        result.n_evaluated = <int32_t>n + (refused >= 0)
        for i in range(n):
            node = nodes[place]
            position = self.nodes[node].position if pods.has_names else place
            place += 1
            if place == n:
                place = 0
            if node == refused:
                result.n_evaluated -= 1
            score = cached[position]
            if score < 0:
                if score == DIRTY:
                    self.fill_block(pods, position, min(<int64_t>BLOCK, self.order.n - position))
                    score = cached[position]
                if score == INFEASIBLE:
                    continue
            if claimed:
                continue
            if distant:
                if gate.general:
                    if self.distant_verdict(pods, node) != FITS:
                        continue
                elif not self.passes(&gate, node):
                    continue
            if self.n_nominations and self.nodes[node].n_nominated:
                if self.check_nominated(class_id, node, priority, pod) != FITS:
                    continue
            if m == wanted:
                result.n_evaluated -= <int32_t>(n - i)
                if node == refused:
                    result.n_evaluated += 1
                break
            self.feasible[m] = node
            self.totals[m] = score
            m += 1
        self.n_feasible = m
        result.n_feasible = m
        return 0

    cdef bint is_plain(self, class_t* pods) noexcept nogil:
        """Whether nothing but the cached scores tells the nodes of a window apart."""
        cdef int32_t i
        if (
            pods.has_names or self.n_nominations or self.first_of_best or not self.scoring
            or pods.claim_in_use >= 0 or pods.preference_invalid
            or (pods.n_spread and self.filters[P_SPREAD])
            or (pods.n_spread_score and self.weights[S_SPREAD])
            or (self.match.statics[pods.static].preferred.n and self.weights[S_NODE_AFFINITY])
        ):
            return False
        if self.filters[P_POD_AFFINITY]:
            if pods.n_affinity:
                return False
            for i in range(pods.n_anti_affinity):
                if self.topology.counters[pods.anti_affinity[i].counter].total:
                    return False
            for i in range(pods.n_existing):
                if self.topology.counters[pods.existing[i].counter].total:
                    return False
        if self.weights[S_POD_AFFINITY] and not pods.preferred_skipped:
            for i in range(pods.n_preferred):
                if self.topology.counters[pods.preferred[i].counter].entries:
                    return False
        return True

    cdef int scan_plain(self, int32_t class_id, cycle_t* result) except -1 nogil:
        """The whole cycle of a class for which :meth:`is_plain`, on cached scores alone.

        Two passes over blocks of the window: count and maximum, then the nodes at the maximum.
        Gives up (returns 0) where soft taints turn out to matter.
        """
        cdef class_t* pods = &self.classes[class_id]
        cdef int32_t* cached = pods.score
        cdef int32_t* nodes = self.order.at
        cdef int64_t n = self.order.n
        cdef int64_t wanted = self.wanted_nodes(n)
        cdef int64_t first = self.next_start % n
        cdef int64_t place = first, seen = 0, width, rank = 0, m = 0
        cdef int32_t best = -1, most = 0, least = 0, count = 0, key, top = NO_KEY
        cdef uint64_t bits, fits
        while seen < n:
            width = min(<int64_t>BLOCK, n - seen, n - place)
            survey(cached + place, <int>width, &most, &least, &count)
            if least == DIRTY:
                self.fill_block(pods, place, width)
                survey(cached + place, <int>width, &most, &least, &count)
            if m + count > wanted:
                # The window ends in this block, before the first feasible node too many.
                bits = feasible_bits(cached + place, <int>width)
                while m < wanted:
                    bits &= bits - 1
                    m += 1
                width = lowest_bit(bits)
                survey(cached + place, <int>width, &most, &least, &count)
                if width and most > best:
                    best = most
                seen += width
                break
            m += count
            if most > best:
                best = most
            seen += width
            place += width
            if place == n:
                place = 0
        if self.match.statics[pods.static].most_prefer_taints and self.weights[S_TAINTS]:
            return 0
        self.n_feasible = <int32_t>m
        result.n_feasible = <int32_t>m
        result.n_evaluated = <int32_t>seen
        if m == 0:
            return 1
        place = first
        rank = 0
        while seen > 0:
            width = min(<int64_t>BLOCK, seen, n - place)
            survey(cached + place, <int>width, &most, &least, &count)
            if most == best and count == width:
                key = tied_key(cached + place, self.heap_keys + rank, best, <int>width)
                if key > top:
                    top = key
                    result.chosen = nodes[place + heap_position(top) - rank]
            elif most == best:
                bits = equal_bits(cached + place, best, <int>width)
                fits = feasible_bits(cached + place, <int>width)
                while bits:
                    key = self.heap_keys[
                        rank + popcount(fits & ((<uint64_t>1 << lowest_bit(bits)) - 1))
                    ]
                    if key > top:
                        top = key
                        result.chosen = nodes[place + lowest_bit(bits)]
                    bits &= bits - 1
            rank += count
            seen -= width
            place += width
            if place == n:
                place = 0
        if m > 1:
            result.total = best + 100 * self.weights[S_TAINTS]
        return 1

    # --- scores that are normalised over the window ---

    cdef int normalise_default(self, int32_t* raw, int32_t* out, bint reverse) except -1 nogil:
        cdef int32_t most = 0, least = 0, count = 0, i
        survey(raw, self.n_feasible, &most, &least, &count)
        if most <= 0:
            for i in range(self.n_feasible):
                out[i] = 100 if reverse else raw[i]
            return 0
        share(raw, out, most, reverse, self.n_feasible)
        return 0

    cdef int score_taints(self, class_t* pods) except -1 nogil:
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int32_t* raw = self.raw
        cdef int32_t i
        for i in range(self.n_feasible):
            raw[i] = static.prefer_taints[self.feasible[i]]
        self.normalise_default(raw, self.normalised, True)
        return 0

    cdef int score_preference(self, class_t* pods) except -1 nogil:
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int32_t* raw = self.raw + self.window_capacity
        cdef int32_t i
        for i in range(self.n_feasible):
            raw[i] = static.preference[self.feasible[i]]
        self.normalise_default(raw, self.normalised + self.window_capacity, False)
        return 0

    cdef int64_t ignore_nodes(self, class_t* pods, int32_t* out) except -1 nogil:
        """Mark nodes without a spread constraint's key by -1; returns how many there are."""
        cdef int64_t n_ignored = 0
        cdef int32_t* values
        cdef int32_t i, j
        cdef bint everywhere = True
        for j in range(pods.n_spread_score):
            if self.match.columns[pods.spread_score[j].column].n_present != self.n_active:
                everywhere = False
        if everywhere or not pods.spread_keys_required:
            return 0
        for i in range(self.n_feasible):
            out[i] = 0
            for j in range(pods.n_spread_score):
                values = self.match.columns[pods.spread_score[j].column].value
                if values[self.feasible[i]] < 0:
                    out[i] = -1
            n_ignored -= out[i]
        return n_ignored

    cdef int64_t count_domains(
        self, spread_t* spread, int64_t n_ignored, int32_t* ignored
    ) except -1 nogil:
        """The number of domains among the nodes of the window that are not ignored."""
        cdef int32_t* values = self.match.columns[spread.column].value
        cdef int32_t* stamps = self.stamps[spread.column]
        cdef int64_t n_domains = 0
        cdef int64_t most = self.match.columns[spread.column].n_values + 1
        cdef int32_t i, d
        if spread.hostname:
            return self.n_feasible - n_ignored
        self.window += 1
        for i in range(self.n_feasible):
            if n_ignored and ignored[i] < 0:
                continue
            # A node without the label, if it isn't ignored, is a domain of its own kind.
            d = values[self.feasible[i]] + 1
            if stamps[d] != self.window:
                stamps[d] = self.window
                n_domains += 1
                if n_domains == most:
                    break
        return n_domains

    cdef int add_counts(self, spread_t* spread, double weight) except -1 nogil:
        """Add one constraint's term to the sums of the window."""
        cdef counter_t* counter = &self.topology.counters[spread.counter]
        cdef int32_t* values = self.match.columns[spread.column].value
        cdef double base = <double>(spread.max_skew - 1)
        cdef bint everywhere = (
            self.match.columns[spread.column].n_present == self.n_active
        )
        cdef int32_t i, d
        cdef double count
        if counter.total == 0 and everywhere:
            for i in range(self.n_feasible):
                self.sums[i] += 0.0 * weight + base
            return 0
        if spread.hostname and everywhere and counter.domain_capacity >= self.n_nodes:
            for i in range(self.n_feasible):
                self.sums[i] += <double>counter.count[self.feasible[i]] * weight + base
            return 0
        for i in range(self.n_feasible):
            d = values[self.feasible[i]]
            if d < 0:
                continue
            if spread.hostname:
                d = self.feasible[i]
            count = <double>(counter.count[d] if d < counter.domain_capacity else 0)
            self.sums[i] += count * weight + base
        return 0

    cdef int score_spread(self, class_t* pods) except -1 nogil:
        cdef int32_t* raw = self.raw + 2 * self.window_capacity
        cdef int32_t* out = self.normalised + 2 * self.window_capacity
        cdef int64_t n_ignored
        cdef int32_t least = 0, most = 0, count = 0
        cdef bint any_counted = False
        cdef int32_t i, j
        n_ignored = self.ignore_nodes(pods, out)
        for i in range(self.n_feasible):
            self.sums[i] = 0.0
        for j in range(pods.n_spread_score):
            self.add_counts(
                &pods.spread_score[j],
                log(<double>(self.count_domains(&pods.spread_score[j], n_ignored, out) + 2)),
            )
        for i in range(self.n_feasible):
            if not -LARGE < self.sums[i] < LARGE:
                return self.score_spread_large(pods, n_ignored)
        round_half_away(self.sums, raw, self.n_feasible)
        if n_ignored == 0:
            survey(raw, self.n_feasible, &most, &least, &count)
            if most <= 0:
                for i in range(self.n_feasible):
                    out[i] = 100
            else:
                fewest(raw, out, most, least, self.n_feasible)
            return 0
        for i in range(self.n_feasible):
            if out[i] < 0:
                raw[i] = 0
                continue
            if not any_counted or raw[i] < least:
                least = raw[i]
            if raw[i] > most:
                most = raw[i]
            any_counted = True
        for i in range(self.n_feasible):
            if out[i] < 0:
                out[i] = 0
            elif most == 0:
                out[i] = 100
            else:
                out[i] = <int32_t>divide(100 * (<int64_t>most + least - raw[i]), most)
        return 0

    cdef int score_spread_large(self, class_t* pods, int64_t n_ignored) except -1 nogil:
        """As score_spread for sums beyond 32 bits (a maxSkew near its limit)."""
        cdef int32_t* raw = self.raw + 2 * self.window_capacity
        cdef int32_t* out = self.normalised + 2 * self.window_capacity
        cdef int64_t least = 0, most = 0, score
        cdef bint any_counted = False
        cdef int32_t i
        for i in range(self.n_feasible):
            raw[i] = 0
            if n_ignored and out[i] < 0:
                continue
            score = round_away(self.sums[i])
            raw[i] = <int32_t>score if score < 0x7FFFFFFF else 0x7FFFFFFF
            if not any_counted or score < least:
                least = score
            if score > most:
                most = score
            any_counted = True
        for i in range(self.n_feasible):
            if n_ignored and out[i] < 0:
                out[i] = 0
            elif most == 0:
                out[i] = 100
            else:
                out[i] = <int32_t>divide(
                    100 * (most + least - round_away(self.sums[i])), most
                )
        return 0

    cdef int score_affinity(self, class_t* pods) except -1 nogil:
        cdef int32_t* raw = self.raw + 3 * self.window_capacity
        cdef int32_t* out = self.normalised + 3 * self.window_capacity
        cdef counter_t* counter
        cdef int32_t* values
        cdef int32_t i, j, d
        cdef int32_t least = 0, most = 0, count = 0
        memset(raw, 0, self.n_feasible * sizeof(int32_t))
        for j in range(pods.n_preferred):
            counter = &self.topology.counters[pods.preferred[j].counter]
            if counter.entries == 0:
                continue
            values = self.match.columns[pods.preferred[j].column].value
            for i in range(self.n_feasible):
                d = values[self.feasible[i]]
                if 0 <= d < counter.domain_capacity:
                    raw[i] += counter.count[d]
        survey(raw, self.n_feasible, &most, &least, &count)
        if most == least:
            memset(out, 0, self.n_feasible * sizeof(int32_t))
        else:
            # The division first: an integer formula gives other results.
            spread_out(raw, out, least, <double>(<int64_t>most - least), self.n_feasible)
        return 0

    cdef int score_window(self, class_t* pods) except -1 nogil:
        """Add the normalised scores to the totals of the feasible nodes."""
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int64_t entries = 0
        cdef int32_t i, n = self.n_feasible
        memset(self.scored, 0, N_SCORERS)
        if self.weights[S_TAINTS]:
            self.scored[S_TAINTS] = 1
            if static.most_prefer_taints:
                self.score_taints(pods)
                add_scaled(self.totals, self.normalised, <int32_t>self.weights[S_TAINTS], n)
            else:
                add_constant(self.totals, <int32_t>(100 * self.weights[S_TAINTS]), n)
        if self.weights[S_NODE_AFFINITY] and static.preferred.n:
            self.scored[S_NODE_AFFINITY] = 1
            self.score_preference(pods)
            add_scaled(
                self.totals, self.normalised + self.window_capacity,
                <int32_t>self.weights[S_NODE_AFFINITY], n,
            )
        if self.weights[S_SPREAD] and pods.n_spread_score:
            self.scored[S_SPREAD] = 1
            self.score_spread(pods)
            add_scaled(
                self.totals, self.normalised + 2 * self.window_capacity,
                <int32_t>self.weights[S_SPREAD], n,
            )
        if self.weights[S_POD_AFFINITY] and not pods.preferred_skipped:
            for i in range(pods.n_preferred):
                entries += self.topology.counters[pods.preferred[i].counter].entries
            if entries:
                self.scored[S_POD_AFFINITY] = 1
                self.score_affinity(pods)
                add_scaled(
                    self.totals, self.normalised + 3 * self.window_capacity,
                    <int32_t>self.weights[S_POD_AFFINITY], n,
                )
        return 0

    cdef int32_t root(self) noexcept nogil:
        """The index of the chosen node among the feasible ones."""
        cdef int32_t i, most = 0, least = 0, count = 0
        survey(self.totals, self.n_feasible, &most, &least, &count)
        if self.first_of_best:
            for i in range(self.n_feasible):
                if self.totals[i] == most:
                    return i
        return <int32_t>heap_position(
            tied_key(self.totals, self.heap_keys, most, self.n_feasible)
        )

    # --- one cycle ---

    cdef int cycle(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t nominated, cycle_t* result
    ) except -1 nogil:
        """Filter, score, choose; the pod is not placed."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int32_t i, refused = -1
        cdef int64_t n
        self.refresh()
        result.chosen = -1
        result.total = -1
        result.n_feasible = 0
        result.n_evaluated = 0
        result.start = self.next_start
        n = self.order.n
        if n == 0:
            result.outcome = NO_NODES
            return 0
        if pods.refused:
            result.outcome = REFUSED
            return 0
        self.sync(pods)
        self.grow_windows()
        if nominated >= 0 and self.nodes[nominated].active:
            if self.check_nominated(class_id, nominated, priority, pod) == FITS:
                # The only feasible node then: no scores, and the scan does not move.
                self.feasible[0] = nominated
                self.n_feasible = 1
                result.outcome = BOUND
                result.chosen = nominated
                result.n_feasible = 1
                result.n_evaluated = 1
                return 0
            refused = nominated
        self.scan(class_id, priority, pod, refused, result)
        self.next_start = <int32_t>((self.next_start + result.n_evaluated) % n)
        result.start = self.next_start
        if self.n_feasible == 0:
            result.outcome = NOTHING_FITS
            return 0
        result.outcome = BOUND
        if self.n_feasible == 1:
            result.chosen = self.feasible[0]
            return 0
        if pods.preference_invalid and self.weights[S_NODE_AFFINITY]:
            result.outcome = SCORE_ERROR
            return 0
        if self.scoring:
            self.score_window(pods)
            i = self.root()
            result.total = self.totals[i]
        else:
            i = 0
            result.total = 1
        result.chosen = self.feasible[i]
        return 0

    cdef int32_t bind(self, int32_t class_id) except -2 nogil:
        cdef cycle_t result
        cdef class_t* pods = &self.classes[class_id]
        self.refresh()
        result.chosen = -1
        if pods.refused or self.order.n == 0:
            return -1
        self.sync(pods)
        self.grow_windows()
        if self.is_plain(pods) and self.scan_plain(class_id, &result):
            self.next_start = <int32_t>((self.next_start + result.n_evaluated) % self.order.n)
        else:
            self.cycle(class_id, 0, -1, -1, &result)
        if result.chosen < 0:
            return -1
        self.put(class_id, result.chosen)
        return result.chosen

    cdef int release(self, int32_t class_id, int32_t node) except -1 nogil:
        return self.take(class_id, node)

    cdef int32_t first_fit(
        self, int32_t class_id, int32_t start, const uint8_t* accepted
    ) except -2 nogil:
        """The first place from ``start`` on, going round, whose node passes all filters."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int64_t n, _, place
        cdef int32_t node, score
        self.refresh()
        n = self.order.n
        if n == 0 or pods.refused:
            return -1
        self.sync(pods)
        if self.filters[P_VOLUME_RESTRICTIONS] and self.claim_is_in_use(pods):
            return -1
        place = start % n
        for _ in range(n):
            node = self.order.at[place]
            if accepted == NULL or accepted[node]:
                score = pods.score[place]
                if score == DIRTY:
                    self.fill_block(pods, place, min(<int64_t>BLOCK, n - place))
                    score = pods.score[place]
                if score != INFEASIBLE and self.distant_verdict(pods, node) == FITS:
                    return <int32_t>place
            place += 1
            if place == n:
                place = 0
        return -1

    # --- doors for Python ---

    def schedule(
        self, int32_t class_id, int64_t priority=0, int64_t pod=-1, int32_t nominated=-1
    ):
        """Run one cycle without placing the pod.

        Returns
        -------
        tuple
            (outcome, node or -1, best total or -1, feasible nodes, evaluated nodes, next start);
            outcome is 0 bound, 1 no nodes, 2 refused by PreFilter, 3 nothing fits, 4 error in
            a preferred term.
        """
        cdef cycle_t result
        self.cycle(class_id, priority, pod, nominated, &result)
        return (
            result.outcome, result.chosen, result.total, result.n_feasible,
            result.n_evaluated, result.start,
        )

    def bind_queue(self, const int32_t[::1] classes not None, int32_t[::1] nodes not None):
        """Bind pods one after the other; -1 for those that nothing fits.

        Parameters
        ----------
        classes : array of int32, shape (n_pods,)
        nodes : array of int32, shape (n_pods,)
            Filled with node ids.

        Returns
        -------
        int
            How many pods were bound.
        """
        cdef int64_t i, n = classes.shape[0]
        cdef int64_t n_bound = 0
        if nodes.shape[0] != n:
            raise ValueError(f"nodes must have shape ({n},), found ({nodes.shape[0]},)")
        for i in range(n):
            if not 0 <= classes[i] < self.n_classes:
                raise ValueError(f"classes[{i}]: expected 0..{self.n_classes - 1}")
        with nogil:
            for i in range(n):
                nodes[i] = self.bind(classes[i])
                n_bound += nodes[i] >= 0
        return n_bound

    def verdict(self, int32_t class_id, int32_t node, int64_t priority=0, int64_t pod=-1):
        """Return (verdict, mask of resources that fall short) of all filters on one node.

        Bit 0 of the mask stands for pods, bit ``1 + r`` for resource ``r``.
        """
        verdict = self.check_nominated(class_id, node, priority, pod)
        return verdict, self.shortfall if verdict in (RESOURCES, RESOURCES_BEYOND_NODE) else 0

    def verdicts(self, int32_t class_id, object nodes, int64_t priority=0, int64_t pod=-1):
        """Return :meth:`verdict` for several nodes."""
        cdef list found = []
        cdef int verdict
        cdef uint64_t mask
        cdef int32_t node_id
        for node in nodes:
            node_id = node
            verdict = self.check_nominated(class_id, node_id, priority, pod)
            mask = self.shortfall if verdict in (RESOURCES, RESOURCES_BEYOND_NODE) else 0
            found.append((verdict, mask))
        return found

    def skips(self, int32_t class_id):
        """Return whether PreFilter leaves out InterPodAffinity, and VolumeRestrictions."""
        cdef class_t* pods = &self.classes[class_id]
        return self.skips_affinity(pods), self.skips_restrictions(pods)

    def plugin_verdicts(
        self, int32_t class_id, int32_t node, int64_t priority=0, int64_t pod=-1
    ):
        """Return (verdict per filter plugin, run by itself, mask of short resources)."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int bits = self.match.static_bits(pods.static, node)
        affinity = NODE_AFFINITY if not bits & AFFINITY_OK else FITS
        resources = self.resource_verdict(pods, node)
        shortfall = self.shortfall
        verdicts = [
            FITS if bits & SCHEDULABLE_OK else NODE_UNSCHEDULABLE,
            FITS if bits & NAME_OK else NODE_NAME,
            FITS if bits & TAINTS_OK else TAINTS,
            affinity if bits & ENFORCED_OK else ENFORCED_AFFINITY,
            self.port_verdict(pods, node),
            resources,
            self.disk_verdict(pods, node, False),
            self.limit_verdict(pods, node),
            pods.volume_binding[node] if pods.has_volume_verdicts else FITS,
            pods.volume_zone[node] if pods.has_volume_verdicts else FITS,
            self.spread_verdict(pods, node),
            self.affinity_verdict(pods, node),
        ]
        return verdicts, shortfall

    def fits_empty(self, int32_t class_id, int32_t node):
        """Return whether a class's requests are within what a node offers."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int64_t* allocatable = self.allocatable + node * self.resource_stride
        cdef int64_t i
        for i in range(pods.need.n):
            if pods.need_amount[i] > allocatable[pods.need.at[i]]:
                return False
        return self.nodes[node].allowed_pods > 0

    def candidate_nodes(self, int32_t class_id):
        """Return the nodes to which a class is restricted by name, None if it isn't."""
        if not self.classes[class_id].has_names:
            return None
        self.refresh()
        self.restrict(&self.classes[class_id])
        return [self.candidates.at[i] for i in range(self.candidates.n)]

    def last_window(self):
        """Return (feasible nodes, totals) of the last cycle, in the order found."""
        return (
            [self.feasible[i] for i in range(self.n_feasible)],
            [self.totals[i] for i in range(self.n_feasible)],
        )

    def last_best(self):
        """Return the nodes with the best total of the last cycle, in the order found."""
        cdef int32_t i, best
        if self.n_feasible < 2:
            return [self.feasible[i] for i in range(self.n_feasible)]
        best = self.totals[0]
        for i in range(self.n_feasible):
            if self.totals[i] > best:
                best = self.totals[i]
        return [self.feasible[i] for i in range(self.n_feasible) if self.totals[i] == best]

    def last_scores(self, int32_t class_id):
        """Return per score plugin None (skipped) or (raw, normalised or None) of the last cycle."""
        cdef class_t* pods = &self.classes[class_id]
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int32_t i, n = self.n_feasible
        cdef int64_t w = self.window_capacity
        result = [None] * N_SCORERS
        if self.scored[S_TAINTS]:
            result[S_TAINTS] = (
                [static.prefer_taints[self.feasible[i]] for i in range(n)], None
            )
            most = max(result[S_TAINTS][0])
            result[S_TAINTS] = (
                result[S_TAINTS][0],
                [100 - (100 * raw // most if most else 0) for raw in result[S_TAINTS][0]],
            )
        for scorer, place in ((S_NODE_AFFINITY, 1), (S_SPREAD, 2), (S_POD_AFFINITY, 3)):
            if self.scored[<int>scorer]:
                result[scorer] = (
                    [self.raw[<int>place * w + i] for i in range(n)],
                    [self.normalised[<int>place * w + i] for i in range(n)],
                )
        if self.weights[S_RESOURCES]:
            result[S_RESOURCES] = (
                [self.fit_score(pods, self.feasible[i]) for i in range(n)], None
            )
        if self.weights[S_BALANCE] and not pods.balance_skipped:
            result[S_BALANCE] = (
                [self.balance_score(pods, self.feasible[i]) for i in range(n)], None
            )
        if self.weights[S_IMAGES]:
            result[S_IMAGES] = (
                [self.image_score(pods, self.feasible[i]) for i in range(n)], None
            )
        return result

    def last_rule_scores(self, int32_t class_id, int32_t rule):
        """Return what a user's rule says of the feasible nodes of the last cycle."""
        cdef double answer
        cdef int32_t i
        answers = []
        for i in range(self.n_feasible):
            self.ask_rule(&self.classes[class_id], rule, &self.feasible[i], 1, &answer)
            answers.append(<int64_t>answer)
        return answers

    def scan_list(self, int32_t class_id, int32_t start, const uint8_t[::1] accepted=None):
        """Return the first place in the list, going round from ``start``, that passes; or -1.

        ``accepted`` has one byte per node id; None accepts all.
        """
        if accepted is None:
            return self.first_fit(class_id, start, NULL)
        if accepted.shape[0] < self.n_nodes:
            raise ValueError(
                f"accepted must have {self.n_nodes} entries, found {accepted.shape[0]}"
            )
        return self.first_fit(class_id, start, &accepted[0])

    def node_at(self, int32_t place):
        """Return the node id at a place of the list."""
        return self.order.at[place]

    # --- preemption ---

    def try_victims(
        self, int32_t class_id, int32_t node, object victims, int64_t priority, int64_t pod
    ):
        """Remove pods from a node until the class fits, and give back as many as possible.

        Parameters
        ----------
        class_id, node : int
        victims : sequence of int
            Classes of the pods that may go, in the order in which they are given back.
        priority, pod : int
            Of the pod that preempts.

        Returns
        -------
        (int, int, list of bool)
            Verdict and resource mask with all of them gone; if that fits, per pod whether it
            has to go.
        """
        cdef ints_t classes
        cdef int64_t i
        cdef int verdict
        cdef uint64_t mask
        cdef uint8_t* ports = NULL
        cdef int64_t capacity = 0
        cdef bint begun = self.begin_trial(&self.classes[class_id])
        memset(&classes, 0, sizeof(ints_t))
        gone = []
        try:
            fill(&classes, victims)
            reserve(<void**>&ports, &capacity, self.n_ports + 1, 1)
            for i in range(self.n_ports):
                ports[i] = self.port_used[i][node]
            for i in range(classes.n):
                self.place(classes.at[i], node, -1, True)
            verdict = self.check_nominated(class_id, node, priority, pod)
            mask = self.shortfall if verdict in (RESOURCES, RESOURCES_BEYOND_NODE) else 0
            for i in range(classes.n):
                self.place(classes.at[i], node, 1, True)
                if verdict == FITS:
                    gone.append(self.check_nominated(class_id, node, priority, pod) != FITS)
                    if gone[i]:
                        self.place(classes.at[i], node, -1, True)
            for i in range(len(gone)):
                if gone[i]:
                    self.place(classes.at[i], node, 1, True)
            for i in range(self.n_ports):
                self.port_used[i][node] = ports[i]
        finally:
            self.end_trial(begun)
            free(classes.at)
            free(ports)
        return verdict, mask, gone
