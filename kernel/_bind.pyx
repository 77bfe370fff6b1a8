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

from libc.math cimport log
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

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
    MAX_POINTS,
    MAX_RESOURCES,
    REQUESTED_TO_CAPACITY_RATIO,
    balance,
    divide,
    heap_key,
    resource_score,
    round_away,
)
from pyscale.kernel._topology cimport counter_t

cdef int64_t MEBIBYTE = 1 << 20


cdef class ClusterState(ClusterTable):
    """A cluster that answers for one scheduler profile.

    Parameters
    ----------
    interleaved : bool
        Whether the list of nodes goes round the zones.
    """

    def __cinit__(self, bint interleaved=True):
        self.stamps = NULL
        memset(self.filters, 1, N_PLUGINS)
        self.scoring = False
        self.percentage = 100

    def __dealloc__(self):
        cdef int64_t i
        free(self.feasible)
        free(self.totals)
        free(self.raw)
        free(self.normalised)
        free(self.heap_keys)
        for i in range(self.stamp_columns):
            free(self.stamps[i])
        free(self.stamps)
        free(self.stamp_capacity)
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

    # --- pod classes ---

    def add_class(
        self, int32_t static, object need, object use, int64_t non_zero_cpu,
        int64_t non_zero_memory, object fit_amounts, object balance_amounts, *,
        bint preference_invalid=False, object ports=(), object images=(),
        int32_t n_containers=1, object volumes=(), bint volume_verdicts=False,
        object names=None, bint refused=False,
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

    # --- filters: all of them ---

    cdef int local_verdict(self, class_t* pods, int32_t node, bint alone) except -1 nogil:
        """The filters that read nothing but the node; unless ``alone``, also claims in use."""
        cdef int verdict = self.static_verdict(pods, node)
        if verdict == FITS and pods.port_conflicts.n and self.filters[P_PORTS]:
            verdict = self.port_verdict(pods, node)
        if verdict == FITS and self.filters[P_RESOURCES]:
            verdict = self.resource_verdict(pods, node)
        if verdict == FITS and self.filters[P_VOLUME_RESTRICTIONS]:
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
        if verdict == FITS and self.filters[P_POD_AFFINITY]:
            verdict = self.affinity_verdict(pods, node)
        return verdict

    cdef int check(self, int32_t class_id, int32_t node) except -1 nogil:
        cdef class_t* pods = &self.classes[class_id]
        cdef int verdict = self.local_verdict(pods, node, False)
        if verdict == FITS:
            verdict = self.distant_verdict(pods, node)
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
        if self.nodes[node].n_nominated == 0:
            return self.check(class_id, node)
        for i in range(self.n_nominations):
            nomination = &self.nominations[i]
            if nomination.node != node or nomination.priority < priority or nomination.pod == pod:
                continue
            before[n] = self.port_bits(&self.classes[nomination.class_id], node)
            n += 1
            self.place(nomination.class_id, node, 1, True)
        if n == 0:
            return self.check(class_id, node)
        verdict = self.check(class_id, node)
        i = self.n_nominations
        while i > 0:
            i -= 1
            nomination = &self.nominations[i]
            if nomination.node != node or nomination.priority < priority or nomination.pod == pod:
                continue
            n -= 1
            self.place(nomination.class_id, node, -1, True)
            self.set_port_bits(&self.classes[nomination.class_id], node, before[n])
        if verdict != FITS:
            return verdict
        return self.check(class_id, node)

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
        if self.weights[S_RESOURCES]:
            total += self.weights[S_RESOURCES] * self.fit_score(pods, node)
        if self.weights[S_BALANCE] and not pods.balance_skipped:
            total += self.weights[S_BALANCE] * self.balance_score(pods, node)
        if self.weights[S_IMAGES] and self.nodes[node].images.n and pods.images.n:
            total += self.weights[S_IMAGES] * self.image_score(pods, node)
        return <int32_t>total

    # --- the window ---

    cdef int grow_windows(self) except -1 nogil:
        cdef int64_t before, had = self.window_capacity, column, i
        if self.window_capacity < self.n_nodes:
            before = had
            reserve(<void**>&self.feasible, &before, self.node_capacity, sizeof(int32_t))
            before = had
            reserve(<void**>&self.totals, &before, self.node_capacity, sizeof(int64_t))
            before = 4 * had
            reserve(<void**>&self.raw, &before, 4 * self.node_capacity, sizeof(int64_t))
            before = 4 * had
            reserve(<void**>&self.normalised, &before, 4 * self.node_capacity, sizeof(int64_t))
            self.window_capacity = self.node_capacity
            before = self.heap_capacity
            reserve(
                <void**>&self.heap_keys, &self.heap_capacity, self.node_capacity, sizeof(uint64_t)
            )
            for i in range(before, self.heap_capacity):
                self.heap_keys[i] = heap_key(0, i)
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

    cdef int scan(
        self, int32_t class_id, int64_t priority, int64_t pod, int32_t refused, cycle_t* result
    ) except -1 nogil:
        """From the start on until enough nodes are feasible and one more is met.

        ``refused`` is a node that was looked at before in vain, or -1; it counts as evaluated.
        """
        cdef class_t* pods = &self.classes[class_id]
        cdef int32_t* nodes = self.order.at
        cdef int64_t n = self.order.n
        cdef int64_t wanted, percentage, i, place
        cdef int32_t node, score, m = 0
        cdef bint distant = pods.n_spread or pods.n_affinity or pods.n_anti_affinity
        cdef bint claimed = self.filters[P_VOLUME_RESTRICTIONS] and self.claim_is_in_use(pods)
        distant = distant or pods.n_existing
        if pods.has_names:
            self.restrict(pods)
            nodes = self.candidates.at
            n = self.candidates.n
        wanted = n
        if n >= 100:
            percentage = self.percentage
            if percentage == 0:
                percentage = 50 - n // 125
                if percentage < 5:
                    percentage = 5
            wanted = n * percentage // 100
            if wanted < 100:
                wanted = 100
        if not self.scoring:
            wanted = 1
        place = self.next_start % n if n else 0
        result.n_evaluated = <int32_t>n + (refused >= 0)
        for i in range(n):
            node = nodes[place]
            place += 1
            if place == n:
                place = 0
            if node == refused:
                result.n_evaluated -= 1
            score = pods.score[node]
            if score == DIRTY:
                score = self.local_score(pods, node)
                pods.score[node] = score
            if score == INFEASIBLE or claimed:
                continue
            if distant and self.distant_verdict(pods, node) != FITS:
                continue
            if self.n_nominations and self.nodes[node].n_nominated:
                if self.check_nominated(class_id, node, priority, pod) != FITS:
                    continue
            if m == wanted:
                result.n_evaluated -= <int32_t>(n - i)
                break
            self.feasible[m] = node
            self.totals[m] = score
            m += 1
        self.n_feasible = m
        result.n_feasible = m
        return 0

    # --- scores that are normalised over the window ---

    cdef int normalise_default(
        self, int64_t* raw, int64_t* out, bint reverse
    ) except -1 nogil:
        cdef int64_t most = 0
        cdef int32_t i
        for i in range(self.n_feasible):
            if raw[i] > most:
                most = raw[i]
        for i in range(self.n_feasible):
            if most == 0:
                out[i] = 100 if reverse else raw[i]
            else:
                out[i] = 100 * raw[i] // most
                if reverse:
                    out[i] = 100 - out[i]
        return 0

    cdef int add_weighted(self, int scorer, int64_t* scores) except -1 nogil:
        cdef int64_t weight = self.weights[scorer]
        cdef int32_t i
        for i in range(self.n_feasible):
            self.totals[i] += weight * scores[i]
        return 0

    cdef int score_taints(self, class_t* pods) except -1 nogil:
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int64_t* raw = self.raw
        cdef int32_t i
        for i in range(self.n_feasible):
            raw[i] = static.prefer_taints[self.feasible[i]]
        self.normalise_default(raw, self.normalised, True)
        return 0

    cdef int score_preference(self, class_t* pods) except -1 nogil:
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int64_t* raw = self.raw + self.window_capacity
        cdef int32_t i
        for i in range(self.n_feasible):
            raw[i] = static.preference[self.feasible[i]]
        self.normalise_default(raw, self.normalised + self.window_capacity, False)
        return 0

    cdef int score_spread(self, class_t* pods) except -1 nogil:
        cdef int64_t* raw = self.raw + 2 * self.window_capacity
        cdef int64_t* out = self.normalised + 2 * self.window_capacity
        cdef int64_t least = 0, most = 0, n_ignored = 0, n_domains
        cdef bint any_counted = False, counts
        cdef spread_t* spread
        cdef counter_t* counter
        cdef int32_t* values
        cdef int32_t* stamps
        cdef int32_t i, j, d
        cdef double weight, base, count
        cdef double* sums = <double*>self.raw  # the taints' place, free again by now
        if pods.spread_keys_required:
            for i in range(self.n_feasible):
                out[i] = 0
                for j in range(pods.n_spread_score):
                    values = self.match.columns[pods.spread_score[j].column].value
                    if values[self.feasible[i]] < 0:
                        out[i] = -1  # left out
                n_ignored -= out[i]
        for i in range(self.n_feasible):
            sums[i] = 0.0
        for j in range(pods.n_spread_score):
            spread = &pods.spread_score[j]
            counter = &self.topology.counters[spread.counter]
            values = self.match.columns[spread.column].value
            if spread.hostname:
                n_domains = self.n_feasible - n_ignored
            else:
                # A node without the label is a domain of its own kind, if it isn't left out.
                stamps = self.stamps[spread.column]
                self.window += 1
                n_domains = 0
                for i in range(self.n_feasible):
                    if n_ignored and out[i] < 0:
                        continue
                    d = values[self.feasible[i]] + 1
                    if stamps[d] != self.window:
                        stamps[d] = self.window
                        n_domains += 1
            weight = log(<double>(n_domains + 2))
            base = <double>(spread.max_skew - 1)
            for i in range(self.n_feasible):
                d = values[self.feasible[i]]
                if d < 0:
                    continue
                if spread.hostname:
                    d = self.feasible[i]
                count = <double>(counter.count[d] if d < counter.domain_capacity else 0)
                sums[i] += count * weight + base
        for i in range(self.n_feasible):
            if n_ignored and out[i] < 0:
                raw[i] = 0
                continue
            raw[i] = round_away(sums[i])
            if not any_counted or raw[i] < least:
                least = raw[i]
            if raw[i] > most:
                most = raw[i]
            any_counted = True
        for i in range(self.n_feasible):
            counts = not n_ignored or out[i] >= 0
            if not counts:
                out[i] = 0
            elif most == 0:
                out[i] = 100
            else:
                out[i] = divide(100 * (most + least - raw[i]), most)
        return 0

    cdef int score_affinity(self, class_t* pods) except -1 nogil:
        cdef int64_t* raw = self.raw + 3 * self.window_capacity
        cdef int64_t* out = self.normalised + 3 * self.window_capacity
        cdef counter_t* counter
        cdef int32_t* values
        cdef int32_t i, j, d
        cdef int64_t least, most
        cdef double width
        for i in range(self.n_feasible):
            raw[i] = 0
        for j in range(pods.n_preferred):
            counter = &self.topology.counters[pods.preferred[j].counter]
            if counter.entries == 0:
                continue
            values = self.match.columns[pods.preferred[j].column].value
            for i in range(self.n_feasible):
                d = values[self.feasible[i]]
                if 0 <= d < counter.domain_capacity:
                    raw[i] += counter.count[d]
        least = raw[0]
        most = raw[0]
        for i in range(self.n_feasible):
            if raw[i] < least:
                least = raw[i]
            if raw[i] > most:
                most = raw[i]
        width = <double>(most - least)
        for i in range(self.n_feasible):
            if most == least:
                out[i] = 0
            else:
                # The division first: an integer formula gives other results.
                out[i] = <int64_t>(100.0 * (<double>(raw[i] - least) / width))
        return 0

    cdef int score_window(self, class_t* pods) except -1 nogil:
        """Add the normalised scores to the totals of the feasible nodes."""
        cdef static_t* static = &self.match.statics[pods.static]
        cdef int64_t entries = 0, constant
        cdef int32_t i
        memset(self.scored, 0, N_SCORERS)
        if self.weights[S_TAINTS]:
            self.scored[S_TAINTS] = 1
            if static.most_prefer_taints:
                self.score_taints(pods)
                self.add_weighted(S_TAINTS, self.normalised)
            else:
                constant = 100 * self.weights[S_TAINTS]
                for i in range(self.n_feasible):
                    self.totals[i] += constant
        if self.weights[S_NODE_AFFINITY] and static.preferred.n:
            self.scored[S_NODE_AFFINITY] = 1
            self.score_preference(pods)
            self.add_weighted(S_NODE_AFFINITY, self.normalised + self.window_capacity)
        if self.weights[S_SPREAD] and pods.n_spread_score:
            self.scored[S_SPREAD] = 1
            self.score_spread(pods)
            self.add_weighted(S_SPREAD, self.normalised + 2 * self.window_capacity)
        if self.weights[S_POD_AFFINITY] and not pods.preferred_skipped:
            for i in range(pods.n_preferred):
                entries += self.topology.counters[pods.preferred[i].counter].entries
            if entries:
                self.scored[S_POD_AFFINITY] = 1
                self.score_affinity(pods)
                self.add_weighted(S_POD_AFFINITY, self.normalised + 3 * self.window_capacity)
        return 0

    cdef int32_t root(self) noexcept nogil:
        """The index of the chosen node among the feasible ones."""
        cdef uint64_t best = 0, key
        cdef int32_t i, chosen = 0
        if self.first_of_best:
            for i in range(1, self.n_feasible):
                if self.totals[i] > self.totals[chosen]:
                    chosen = i
            return chosen
        for i in range(self.n_feasible):
            key = self.heap_keys[i] | (<uint64_t>self.totals[i] << 32)
            if key > best:
                best = key
                chosen = i
        return chosen

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
        self.cycle(class_id, 0, -1, -1, &result)
        if result.outcome != BOUND:
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
        cdef int64_t n, i, place
        cdef int32_t node, score
        self.refresh()
        n = self.order.n
        if n == 0 or pods.refused:
            return -1
        self.sync(pods)
        if self.filters[P_VOLUME_RESTRICTIONS] and self.claim_is_in_use(pods):
            return -1
        place = start % n
        for i in range(n):
            node = self.order.at[place]
            if accepted == NULL or accepted[node]:
                score = pods.score[node]
                if score == DIRTY:
                    score = self.local_score(pods, node)
                    pods.score[node] = score
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
        return [self.verdict(class_id, node, priority, pod) for node in nodes]

    def skips(self, int32_t class_id):
        """Return whether PreFilter leaves out InterPodAffinity, and VolumeRestrictions."""
        cdef class_t* pods = &self.classes[class_id]
        cdef int64_t existing = 0
        cdef int32_t i
        for i in range(pods.n_existing):
            existing += self.topology.counters[pods.existing[i].counter].total
        return (
            existing == 0 and pods.n_affinity == 0 and pods.n_anti_affinity == 0,
            pods.disk_conflicts < 0 and not self.claim_is_in_use(pods),
        )

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
        cdef int64_t best
        cdef int32_t i
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
            free(classes.at)
            free(ports)
        return verdict, mask, gone
