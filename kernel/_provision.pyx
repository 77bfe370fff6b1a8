"""Karpenter's Solve: pods onto existing nodes, open claims and new claims, over interned tables.

What is asked once per distinct question is asked of an *oracle* with the GIL; everything that is
done per pod and per claim runs without.  Nothing is rebuilt between rounds: the tables are frozen,
a round notes which nodes, classes and groups it changes, and the next one starts from the base
again, so that a what-if costs what it changes.

Refusals that can't be lifted within a round set a bit of the pod class, and the candidate is not
looked at again; those that follow from the base state alone are kept from round to round.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from ._provision_outcome cimport Outcome
from ._provision_prices cimport ClaimPrices
from ._provision_round cimport REFUSED, ProvisionRound


cdef class Provisioner(ProvisionRound):
    """The tables of a cluster and the state of one round over them.

    Parameters
    ----------
    oracle : object
        Answers what is asked for the first time: ``meet(mode, a, b)``, ``types(set, template)``,
        ``domains(set, key)``, ``mask(key, words)``, ``pin(mode, set, key, values)``,
        ``host(requirement, host)``, ``passes(filter, taints, set, host)``,
        ``min_values(template, set, types, relax)``, ``reserved(set, template)``,
        ``relax(class)``, ``fixed(class)``, ``volumes_fit(node, class)``,
        ``volumes_add(node, class)``; ``begin()`` tells it that a round starts.
    n_resources, n_words : int
        Length of resource vectors (at most 64), and words of a bitset of columns.
    n_domains : ndarray of int32, shape (n_keys,)
        Number of domains per topology key; entry 0 (the hostname) counts the nodes' hostnames.
    port_conflicts : ndarray of uint8, shape (n, n)
        Whether two sets of host ports collide.
    n_reservations : int
        Number of capacity reservations; 0 switches reserved offerings off.
    n_taints : int
        Number of distinct taint lists.
    """

    def solve(self, const int32_t[::1] excluded, const uint8_t[::1] under,
              const int64_t[::1] node_limits, bint strict_reservations, bint relax_min_values):
        """Run one round.

        Parameters
        ----------
        excluded : ndarray of int32
            Nodes that are taken away; their leavers join the batch.
        under : ndarray of uint8, shape (n_nodes,)
            Nodes under consolidateAfter: leavers may not go there.
        node_limits : ndarray of int64, shape (n_templates,)
            How many nodes each pool may still get; read only where nodes are limited.
        strict_reservations, relax_min_values : bool

        Returns
        -------
        Outcome
        """
        cdef int32_t i
        self.prepare()
        self.node_under = &under[0] if self.n_nodes else NULL
        self.strict_reservations, self.relax_min_values = strict_reservations, relax_min_values
        for i in range(<int32_t>excluded.shape[0]):
            self.exclude(excluded[i])
        try:
            with nogil:
                self.run(&node_limits[0] if self.n_templates else NULL)
                self.list_moved()
            return self.outcome()
        finally:
            self.finish()
            self.node_under = NULL

    cdef Outcome outcome(self):
        """Copy what the round came to, before it is finished."""
        cdef Outcome made = Outcome.__new__(Outcome)
        cdef size_t n = self.n_pods, m = self.n_claims
        cdef int32_t c
        made.n_pods, made.n_pending, made.n_leaving = self.n_pods, self.n_pending, self.n_leaving
        made.n_nodes, made.n_claims, made.n_templates = (
            self.n_nodes, self.n_claims, self.n_templates)
        made.n_resources, made.n_words = self.n_resources, self.n_words
        made.n_reservation_words = self.reservation_words
        made.make_room()
        memcpy(made.pod_place, self.pod_place, n * sizeof(int32_t))
        memcpy(made.pod_reasons, self.pod_reasons, n * self.n_templates)
        memcpy(made.bound_moved, self.moved, self.n_moved * sizeof(int32_t))
        self.list_classes(made.pod_class)
        memcpy(made.claim_template, self.claim_template, m * sizeof(int32_t))
        memcpy(made.claim_set, self.claim_set, m * sizeof(int32_t))
        memcpy(made.claim_types, self.claim_types, m * self.n_words * sizeof(uint64_t))
        memcpy(made.claim_requests, self.claim_requests, m * self.n_resources * sizeof(int64_t))
        memcpy(made.claim_held, self.claim_held, m * self.reservation_words * sizeof(uint64_t))
        memcpy(made.relaxed, self.relaxed_min_values, self.n_templates)
        for c in range(self.n_claims):
            if self.types(self.claim_set[c], self.claim_template[c])[self.n_words]:
                made.has_min_values = True
        return made

    def what_ifs(self, const int32_t[::1] offsets, const int32_t[::1] nodes,
                 const uint8_t[::1] under, const int64_t[::1] node_limits, bint relax_min_values):
        """Run one round per group of nodes to do without, each over the base state.

        Parameters
        ----------
        offsets, nodes : ndarray of int32
            Group ``i`` is ``nodes[offsets[i]:offsets[i + 1]]``.
        under, node_limits, relax_min_values
            As in :meth:`solve`.

        Returns
        -------
        unplaced : ndarray of uint8, shape (n_groups,)
            Whether a bound pod found no place, or only one on a node that may never work.  A round
            may end with the first such pod, so that nothing else is to be read of it.
        n_claims : ndarray of int32, shape (n_groups,)
        template, set : ndarray of int32, shape (n_groups,)
            Of the first claim, -1 without one.
        types : ndarray of uint64, shape (n_groups, n_words)
            Columns of the first claim.
        cut : ndarray of uint8, shape (n_groups,)
            Whether minValues may not survive the cut of a claim to 600 types.
        """
        import numpy as np

        cdef int32_t m = <int32_t>offsets.shape[0] - 1, i, j
        unplaced_array = np.zeros(m, dtype=np.uint8)
        claims_array = np.zeros(m, dtype=np.int32)
        template_array = np.full(m, -1, dtype=np.int32)
        set_array = np.full(m, -1, dtype=np.int32)
        types_array = np.zeros((m, self.n_words), dtype=np.uint64)
        cut_array = np.zeros(m, dtype=np.uint8)
        cdef uint8_t[::1] unplaced = unplaced_array
        cdef int32_t[::1] n_claims = claims_array
        cdef int32_t[::1] template = template_array, sets = set_array
        cdef uint64_t[:, ::1] types = types_array
        cdef uint8_t[::1] cut = cut_array
        self.prepare()
        self.node_under = &under[0] if self.n_nodes else NULL
        self.strict_reservations, self.relax_min_values = False, relax_min_values
        self.stops = True
        try:
            with nogil:
                for i in range(m):
                    for j in range(offsets[i], offsets[i + 1]):
                        self.exclude(nodes[j])
                    self.run(&node_limits[0] if self.n_templates else NULL)
                    n_claims[i] = self.n_claims
                    unplaced[i] = self.is_unplaced()
                    if self.stopped:
                        self.finish()
                        continue
                    cut[i] = self.may_be_cut()
                    if self.n_claims:
                        template[i], sets[i] = self.claim_template[0], self.claim_set[0]
                        for j in range(self.n_words):
                            types[i, j] = self.claim_types[j]
                    self.finish()
        finally:
            self.finish()
            self.stops = False
            self.node_under = NULL
        return (
            unplaced_array, claims_array, template_array, set_array, types_array, cut_array)

    cdef int begin_scan(self, const uint8_t *under, const int64_t *node_limits,
                        bint relax_min_values, ClaimPrices claim_prices) except -1:
        """Begin to look which groups of nodes could be removed at a gain; :meth:`end_scan` ends it.

        Without ``claim_prices`` the price of claims is left open.
        """
        cdef int32_t i
        self.prepare()
        self.node_under, self.node_limits = under, node_limits
        self.strict_reservations, self.relax_min_values = False, relax_min_values
        self.stops = self.exits = True
        self.claim_prices = claim_prices
        for i in range(self.n_templates):
            if self.types(self.templates[i].set_id, i)[self.n_words]:
                self.exits = False
        self.is_bounded = self.exits and claim_prices is not None
        if self.is_bounded:
            self.begin_bounds()
        return 0

    cdef int try_group(self, const int32_t *nodes, int32_t n, double price, bint is_spot,
                       bint spot_to_spot) except -1 nogil:
        """Say what the kernel's numbers tell about the removal of some nodes.

        REFUSED if they leave a bound pod without a place that is known to work, or create two
        nodes, or one that does not cost less than ``price``; DELETION if every pod finds a place
        without a new node.  A round ends as soon as its group is refused.  ``spot_to_spot`` says
        whether spot instances may replace nodes which ``is_spot`` says are all that.
        """
        cdef int32_t i
        cdef int found
        for i in range(n):
            self.exclude(nodes[i])
        self.price = price
        if self.is_bounded and self.is_hopeless():
            self.finish()
            return REFUSED
        self.run(self.node_limits)
        found = self.verdict(is_spot, spot_to_spot)
        self.finish()
        return found

    cdef void end_scan(self) noexcept:
        self.claim_prices = None
        self.finish()
        self.stops = self.exits = False
        self.node_under = NULL
