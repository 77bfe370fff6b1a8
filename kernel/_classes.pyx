"""Pod classes: everything that a rule reads of a pod, compiled to integers.

Two pods are one class iff all of it is equal.  What compares labels of pods has become topology
counters by the time it comes here; see ``pyscale.policies.kube_scheduler.topology``.
"""

from libc.stdint cimport int32_t, int64_t

from pyscale.kernel._cluster cimport (
    MAX_PORTS,
    ClusterTable,
    class_t,
    domain_t,
    spread_t,
)
from pyscale.kernel._growth cimport reserve
from pyscale.kernel._match cimport fill
from pyscale.kernel._nodes cimport amounts_of


cdef class ClassTable(ClusterTable):
    """A cluster with the rules of its pod classes."""

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
