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
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._callbacks cimport Rule
from pyscale.kernel._cluster cimport DIRTY, INFEASIBLE, class_t
from pyscale.kernel._filters cimport (
    BLOCK,
    FITS,
    MAX_RULES,
    N_PLUGINS,
    P_VOLUME_RESTRICTIONS,
)
from pyscale.kernel._node_scores cimport N_SCORERS, S_NODE_AFFINITY
from pyscale.kernel._scan cimport (
    BOUND,
    NOTHING_FITS,
    NO_NODES,
    REFUSED,
    SCORE_ERROR,
    ScanTable,
    cycle_t,
)


cdef class ClusterState(ScanTable):
    """A cluster that answers for one scheduler profile.

    Parameters
    ----------
    interleaved : bool
        Whether the list of nodes goes round the zones.
    """

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

    def candidate_nodes(self, int32_t class_id):
        """Return the nodes to which a class is restricted by name, None if it isn't."""
        if not self.classes[class_id].has_names:
            return None
        self.refresh()
        self.restrict(&self.classes[class_id])
        return [self.candidates.at[i] for i in range(self.candidates.n)]

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
