"""Which nodes each method of Karpenter's disruption considers, and in which order.

Follows Karpenter core ``pkg/controllers/disruption``: ``types.go:NewCandidate``, ``ShouldDisrupt``
of the methods, and ``sort.go``.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._gosort cimport go_sort
from ._provision_tables cimport copied32, grown

cdef enum:
    EMPTINESS = 0
    DRIFT = 1

cdef enum:
    # why a method leaves a node alone, in the order in which upstream asks
    NOT_REFUSED = 0
    UNMANAGED
    WITHOUT_NODE
    UNINITIALIZED
    MARKED_FOR_DELETION
    IS_NOMINATED
    IS_KEPT
    WITHOUT_POOL
    HAS_BLOCKER
    OF_STATIC_POOL
    NOT_DRIFTED
    NOT_CONSOLIDATED
    NOT_RESTED
    NOT_EMPTY
    IS_EMPTY
    WITHOUT_TYPE
    WITHOUT_CAPACITY_TYPE
    WITHOUT_ZONE
    ONLY_IF_EMPTY

# Of a node alone: one whose pods cost no more has nothing that matters on it.
cdef double NODE_COST = 1.0

#: A time that nobody knows.
UNSEEN_NS = -(1 << 62)
cdef int64_t UNSEEN = UNSEEN_NS


cdef class Candidacy:
    """The nodes of a cluster, by their numbers.

    Parameters
    ----------
    pool_flags : ndarray of uint8, shape (n_pools,)
        1: static; 2: consolidates empty nodes only.
    waits_ns : ndarray of int64, shape (n_pools,)
        ``consolidateAfter``, -1 for Never.

    Notes
    -----
    Methods are numbered: emptiness, drift, and the two of underutilized nodes, which consider the
    same.
    """

    def __cinit__(self, const uint8_t[::1] pool_flags, const int64_t[::1] waits_ns):
        cdef int32_t i
        self.n_pools = <int32_t>pool_flags.shape[0]
        self.pools = <PoolFacts *>grown(NULL, self.n_pools * sizeof(PoolFacts))
        for i in range(self.n_pools):
            self.pools[i].flags, self.pools[i].wait_ns = pool_flags[i], waits_ns[i]

    def __dealloc__(self):
        free(self.facts)
        free(self.pools)
        free(self.by_tie)
        free(self.under_marks)
        free(self.found)
        free(self.keys)

    def __len__(self):
        return self.n

    cdef int make_room(self, int32_t n, int64_t now_ns) except -1:
        """Begin with the nodes of a moment, about which nothing is known."""
        if n > self.room:
            self.room = 2 * n
            self.facts = <Facts *>grown(self.facts, self.room * sizeof(Facts))
            self.under_marks = <uint8_t *>grown(self.under_marks, self.room)
            self.found = <int32_t *>grown(self.found, self.room * sizeof(int32_t))
            self.keys = <double *>grown(self.keys, self.room * sizeof(double))
        self.n, self.now_ns = n, now_ns
        memset(self.facts, 0, n * sizeof(Facts))
        memset(self.under_marks, 0, n)
        return 0

    def set(self, const uint16_t[::1] flags, const int32_t[::1] pools, const double[:, ::1] worth,
            const int64_t[:, ::1] times_ns, int64_t now_ns):
        """Set all nodes.

        Parameters
        ----------
        flags : ndarray of uint16, shape (n_nodes,)
            As in ``_candidacy.pxd``.
        pools : ndarray of int32, shape (n_nodes,)
            -1: not found.
        worth : ndarray of float64, shape (n_nodes, 3)
            Price, cost of rescheduling the pods, cost of evicting them.
        times_ns : ndarray of int64, shape (n_nodes, 2)
            When something happened last, and when the node was created, :data:`UNSEEN_NS` where
            nobody knows.
        now_ns : int
        """
        cdef int32_t i, n = <int32_t>flags.shape[0]
        cdef Facts *facts
        self.make_room(n, now_ns)
        for i in range(n):
            facts = &self.facts[i]
            facts.flags, facts.pool = flags[i], pools[i]
            facts.price, facts.reschedule_cost, facts.eviction_cost = (
                worth[i, 0], worth[i, 1], worth[i, 2])
            facts.active_ns, facts.created_ns = times_ns[i, 0], times_ns[i, 1]
        self.conclude()

    cdef void conclude(self) noexcept:
        """Evaluate the condition Consolidatable, and count what budgets ask for."""
        cdef int32_t i
        cdef int64_t wait
        cdef Facts *facts
        cdef PoolFacts *pool
        for i in range(self.n_pools):
            self.pools[i].n_members = self.pools[i].n_disrupting = 0
        for i in range(self.n):
            facts = &self.facts[i]
            if facts.pool < 0:
                continue
            pool = &self.pools[facts.pool]
            if not facts.flags & INITIALIZED:
                continue
            if not facts.flags & TERMINATING:
                pool.n_members += 1
                pool.n_disrupting += not facts.flags & READY or facts.flags & MARKED != 0
            wait = pool.wait_ns
            if wait >= 0 and not facts.flags & DELETING:
                facts.is_rested = wait == 0 or self.now_ns - facts.active_ns >= wait
                self.under_marks[i] = not facts.is_rested

    def set_ties(self, by_tie):
        """Set the numbers of the nodes in the order of ties; without, it is that of the numbers."""
        free(self.by_tie)
        self.by_tie = NULL
        self.by_tie = copied32(by_tie)

    def set_drifted(self, int number, double since_s):
        """Say that a node has drifted, and since when, in whole seconds."""
        self.facts[number].has_drifted = True
        self.facts[number].drifted_s = since_s

    # ---------------------------------------------------------------- what is known of nodes

    def pool_of(self, int number):
        """Return the number of a node's pool, -1 for none."""
        return self.facts[number].pool

    def worth(self, int number):
        """Return price, cost of rescheduling and of evicting, whether pods have to move, if spot.

        All of one node.
        """
        cdef Facts *facts = &self.facts[number]
        return (
            facts.price, facts.reschedule_cost, facts.eviction_cost,
            facts.flags & HAS_PODS_TO_MOVE != 0, facts.flags & SPOT != 0)

    def drifted(self):
        """Return the numbers of the nodes that have drifted."""
        cdef int32_t i
        return [i for i in range(self.n) if self.facts[i].has_drifted]

    def rested(self):
        """Return the numbers of the nodes that are Consolidatable."""
        cdef int32_t i
        return [i for i in range(self.n) if self.facts[i].is_rested]

    def under(self):
        """Return which nodes are under consolidateAfter.

        Returns
        -------
        ndarray of uint8, shape (n_nodes,)
            Initialized nodes on which something happened too recently.
        """
        import numpy as np

        marks = np.empty(self.n, dtype=np.uint8)
        cdef uint8_t[::1] result = marks
        if self.n:
            memcpy(&result[0], self.under_marks, self.n)
        return marks

    def counts(self):
        """Return per pool how many nodes count for its budgets, and how many use them up."""
        cdef int32_t i
        return [(self.pools[i].n_members, self.pools[i].n_disrupting) for i in range(self.n_pools)]

    def next_change(self, int64_t age_ns):
        """Return when time alone may next change what methods consider; now if that is open.

        Nodes become Consolidatable, nominations end, and nodes get older than ``age_ns``.
        """
        cdef int64_t soonest = 1 << 62
        cdef int32_t i
        cdef Facts *facts
        for i in range(self.n):
            facts = &self.facts[i]
            if facts.flags & NOMINATED:
                return self.now_ns
            if self.under_marks[i]:
                soonest = min(soonest, facts.active_ns + self.pools[facts.pool].wait_ns)
            if facts.created_ns != UNSEEN and self.now_ns <= facts.created_ns + age_ns:
                soonest = min(soonest, facts.created_ns + age_ns + 1)
        return soonest

    # ---------------------------------------------------------------- candidates

    cdef int refused(self, int32_t i, int method) noexcept nogil:
        cdef const Facts *facts = &self.facts[i]
        cdef uint16_t flags = facts.flags
        cdef const PoolFacts *pool
        cdef bint is_empty = facts.reschedule_cost <= NODE_COST
        if not flags & MANAGED:
            return UNMANAGED
        if not flags & HAS_NODE:
            return WITHOUT_NODE
        if not flags & INITIALIZED:
            return UNINITIALIZED
        if flags & MARKED:
            return MARKED_FOR_DELETION
        if flags & NOMINATED:
            return IS_NOMINATED
        if flags & KEPT:
            return IS_KEPT
        if facts.pool < 0:
            return WITHOUT_POOL
        # Drift may override pods, if that has a limit.
        if flags & BLOCKED and not (method == DRIFT and flags & PATIENT):
            return HAS_BLOCKER
        pool = &self.pools[facts.pool]
        if pool.flags & STATIC:
            return OF_STATIC_POOL
        if method == DRIFT:
            return NOT_REFUSED if facts.has_drifted else NOT_DRIFTED
        if pool.wait_ns < 0:
            return NOT_CONSOLIDATED
        if not facts.is_rested:
            return NOT_RESTED
        if method == EMPTINESS:
            return NOT_REFUSED if is_empty else NOT_EMPTY
        if is_empty:
            return IS_EMPTY
        if not flags & HAS_TYPE:
            return WITHOUT_TYPE
        if not flags & HAS_CAPACITY_TYPE:
            return WITHOUT_CAPACITY_TYPE
        if not flags & HAS_ZONE:
            return WITHOUT_ZONE
        if pool.flags & ONLY_EMPTY:
            return ONLY_IF_EMPTY
        return NOT_REFUSED

    def refusal(self, int number, int method):
        """Return the number of the reason why a method leaves a node alone, 0 if it does not."""
        return self.refused(number, method)

    cdef int32_t find(self, int method) noexcept nogil:
        """Find the candidates, in the order of ties; return how many there are."""
        cdef int32_t i, k, m = 0
        for k in range(self.n):
            i = k if self.by_tie == NULL else self.by_tie[k]
            if self.refused(i, method) == NOT_REFUSED:
                self.found[m] = i
                m += 1
        return m

    def has_any(self, int method):
        """Say whether a method has a candidate."""
        cdef int32_t i
        for i in range(self.n):
            if self.refused(i, method) == NOT_REFUSED:
                return True
        return False

    def in_order(self, int method, bint stable):
        """Return the candidates of a method in the order in which it tries them.

        Drift takes nodes without pods to move before the others, then the longest drifted first;
        the other methods take the highest price per cost of rescheduling first.

        Parameters
        ----------
        method : int
        stable : bool
            Whether equal candidates keep the order of ties, or end as Go's sort leaves them.

        Returns
        -------
        ndarray of int32, shape (n_candidates,)
            Numbers of nodes.
        """
        import numpy as np

        cdef int32_t m = self.find(method), i, n = 0
        ordered = np.empty(m, dtype=np.int32)
        if m == 0:
            return ordered
        cdef int32_t[::1] result = ordered
        cdef const Facts *facts
        for i in range(m):
            facts = &self.facts[self.found[i]]
            if method == DRIFT:
                self.keys[self.found[i]] = facts.drifted_s
            else:
                self.keys[self.found[i]] = -(facts.price / facts.reschedule_cost)
        if stable:
            keys = np.array([self.keys[self.found[i]] for i in range(m)])
            found = [self.found[i] for i in np.argsort(keys, kind="stable")]
            for i in range(m):
                self.found[i] = found[i]
        else:
            go_sort(self.found, m, self.keys)
        if method != DRIFT:
            memcpy(&result[0], self.found, m * sizeof(int32_t))
            return ordered
        for i in range(m):
            if not self.facts[self.found[i]].flags & HAS_PODS_TO_MOVE:
                result[n] = self.found[i]
                n += 1
        for i in range(m):
            if self.facts[self.found[i]].flags & HAS_PODS_TO_MOVE:
                result[n] = self.found[i]
                n += 1
        return ordered

    def columns(self, const int32_t[::1] numbers):
        """Return price (float64) and whether they are spot (uint8) of some nodes."""
        import numpy as np

        cdef int32_t i, m = <int32_t>numbers.shape[0]
        prices = np.empty(m, dtype=np.float64)
        spots = np.empty(m, dtype=np.uint8)
        cdef double[::1] price = prices
        cdef uint8_t[::1] spot = spots
        for i in range(m):
            price[i] = self.facts[numbers[i]].price
            spot[i] = self.facts[numbers[i]].flags & SPOT != 0
        return prices, spots
