"""Karpenter's Solve: pods onto existing nodes, open claims and new claims, over interned tables.

What is asked once per distinct question is asked of an *oracle* with the GIL; everything that is
done per pod and per claim runs without.  Nothing is rebuilt between rounds: the tables are frozen,
a round notes which nodes, classes and groups it changes, and the next one starts from the base
again, so that a what-if costs what it changes.

Refusals that can't be lifted within a round set a bit of the pod class, and the candidate is not
looked at again; those that follow from the base state alone are kept from round to round.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._provision_bounds cimport ProvisionBounds
from ._provision_prices cimport ClaimPrices, ColumnBounds
from ._provision_tables cimport (
    NODE_LIMITED, NODE_LIMITS_VOLUMES, NODE_UNINITIALIZED, Group, PodClass, bit, grown)

cdef enum:
    LONGEST = 600           # instance types that a NodeClaim can name
    REFUSED = 0
    DELETION = 1
    OPEN = 2


cdef class Provisioner(ProvisionBounds):
    """The tables of a cluster and the state of one round over them.

    Parameters
    ----------
    oracle : object
        Answers what is asked for the first time: ``meet(mode, a, b)``, ``types(set, template)``,
        ``domains(set, key)``, ``mask(key, words)``, ``pin(mode, set, key, values)``,
        ``host(requirement, host)``, ``passes(filter, taints, set, host)``,
        ``min_values(template, set, types, relax)``, ``reserved(set, template)``,
        ``relax(class)``, ``volumes_fit(node, class)``, ``volumes_add(node, class)``; ``begin()``
        tells it that a round starts.
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

    def __dealloc__(self):
        free(self.node_excluded)
        free(self.bound_moved)
        free(self.excluded)

    # ---------------------------------------------------------------- one round

    cdef int prepare(self) except -1 nogil:
        """Lay out the state for the nodes and pods that are set."""
        cdef int32_t n = self.n_nodes, t, i
        if self.state_ready:
            return 0
        self.state_ready = True
        self.n_dirty = 0
        self.limits_volumes = False
        self.node_set = <int32_t *>grown(self.node_set, n * sizeof(int32_t))
        self.node_room = <int64_t *>grown(
            self.node_room, <size_t>n * self.n_resources * sizeof(int64_t))
        self.node_port_head = <int32_t *>grown(self.node_port_head, n * sizeof(int32_t))
        self.node_dirty = <uint8_t *>grown(self.node_dirty, n)
        self.dirty_nodes = <int32_t *>grown(self.dirty_nodes, n * sizeof(int32_t))
        self.node_usable = <uint64_t *>grown(
            self.node_usable, ((n + 63) // 64 + 1) * sizeof(uint64_t))
        self.node_excluded = <uint8_t *>grown(self.node_excluded, n)
        self.excluded = <int32_t *>grown(self.excluded, n * sizeof(int32_t))
        self.bound_moved = <uint8_t *>grown(self.bound_moved, self.n_bound)
        memset(self.node_dirty, 0, n)
        memset(self.node_excluded, 0, n)
        memset(self.bound_moved, 0, self.n_bound)
        memcpy(self.node_set, self.node_set_base, n * sizeof(int32_t))
        memcpy(self.node_room, self.node_room_base,
               <size_t>n * self.n_resources * sizeof(int64_t))
        memcpy(self.node_usable, self.node_usable_base, ((n + 63) // 64) * sizeof(uint64_t))
        for i in range(n):
            self.node_port_head[i] = -1
            if self.node_flags[i] & NODE_LIMITS_VOLUMES:
                self.limits_volumes = True
        t = self.n_templates
        self.remaining = <int64_t *>grown(self.remaining, t * self.n_resources * sizeof(int64_t))
        self.remaining_nodes = <int64_t *>grown(self.remaining_nodes, t * sizeof(int64_t))
        self.relaxed_min_values = <uint8_t *>grown(self.relaxed_min_values, t)
        self.reasons = <int8_t *>grown(self.reasons, t)
        if self.level_room == 0:
            self.most_pods = -1
        return 0

    cdef int begin(self, const int64_t *node_limits) except -1 nogil:
        """Bring nodes, groups, limits and reservations to the base state less what is excluded."""
        cdef int32_t i, j, n, t, r, pod
        cdef PodClass *k
        cdef Group *g
        for i in range(self.n_touched):
            k = self.classes[self.touched[i]]
            k.in_round = False
            k.failed_at[0] = k.failed_at[1] = -1
            k.n_dead_claims = 0
            if k.dead_words:
                memset(k.dead, 0, k.dead_words * sizeof(uint64_t))
        self.n_touched = 0
        self.forget_claims()
        self.version = 0
        for i in range(self.n_dirty):
            n = self.dirty_nodes[i]
            self.node_dirty[n] = 0
            self.node_set[n] = self.node_set_base[n]
            memcpy(&self.node_room[n * self.n_resources],
                   &self.node_room_base[n * self.n_resources],
                   self.n_resources * sizeof(int64_t))
        self.n_dirty = 0
        if self.limits_volumes:
            self.tell_begin()
        self.n_port_links = 0
        if self.n_ports:
            for n in range(self.n_nodes):
                self.node_port_head[n] = -1
                for i in range(self.node_ports_off[n], self.node_ports_off[n + 1]):
                    self.node_port_head[n] = self.link_ports(
                        self.node_port_head[n], self.node_ports[i])
        for t in range(self.n_templates):
            memcpy(&self.remaining[t * self.n_resources], self.templates[t].limit,
                   self.n_resources * sizeof(int64_t))
            self.remaining_nodes[t] = node_limits[t]
            self.relaxed_min_values[t] = 0
        memcpy(self.reservation_left, self.reservation_base,
               self.n_reservations * sizeof(int64_t))
        for i in range(self.n_excluded):
            n = self.excluded[i]
            self.node_usable[n >> 6] &= ~((<uint64_t>1) << (n & 63))
            t = self.node_template[n]
            if t >= 0 and self.node_flags[n] & NODE_LIMITED:
                for r in range(self.n_resources):
                    self.remaining[t * self.n_resources + r] += (
                        self.node_capacity[n * self.n_resources + r])
                self.remaining_nodes[t] += 1
        if self.n_groups == 0:
            return 0
        for i in range(self.n_moved):
            self.bound_moved[self.moved[i]] = 1
        for i in range(self.n_groups):
            self.groups[i].active = False
        # Required anti-affinity of pods that stay creates its inverse groups first.
        for i in range(self.n_groups):
            g = self.groups[i]
            for j in range(g.n_bound_owners):
                pod = g.bound_owners[2 * j]
                if not self.bound_moved[pod]:
                    self.activate_group(i, g.bound_owners[2 * j + 1])
                    break
        return 0

    cdef void exclude(self, int32_t n) noexcept nogil:
        """Take a node away, once; one that is going anyway takes no part as it is."""
        if not self.node_excluded[n] and self.node_flags[n] & NODE_LIMITED:
            self.node_excluded[n] = 1
            self.excluded[self.n_excluded] = n
            self.n_excluded += 1

    cdef int run(self, const int64_t *node_limits) except -1 nogil:
        """One round over the base state less ``excluded``."""
        cdef int32_t pod, k, where
        cdef int settles
        self.prepare()
        self.gather()
        self.begin(node_limits)
        self.stopped = False
        memset(self.pod_place, 0xFF, self.n_pods * sizeof(int32_t))
        memset(self.pod_reasons, 0, <size_t>self.n_pods * self.n_templates)
        if self.n_groups:
            self.touch_all()
        while True:
            pod = self.next_pod()
            if pod < 0:
                break
            k = self.pod_class[pod]
            settles = self.pod_settles[pod]
            self.touch(k)
            if self.classes[k].failed_at[settles] == self.version:
                where = -1
                memcpy(&self.pod_reasons[<size_t>pod * self.n_templates],
                       &self.pod_reasons[
                           <size_t>self.classes[k].failed_pod[settles] * self.n_templates],
                       self.n_templates)
            else:
                where = self.schedule(k, settles)
                if where < 0:
                    self.classes[k].failed_at[settles] = self.version
                    self.classes[k].failed_pod[settles] = pod
                    memcpy(&self.pod_reasons[<size_t>pod * self.n_templates], self.reasons,
                           self.n_templates)
            if where < 0:
                self.push_back(pod)
                continue
            self.version += 1
            self.pod_place[pod] = where
            if self.stops and (self.is_unsure(pod) or self.is_lost(where)):
                self.stopped = True
                break
        return 0

    cdef bint is_unsure(self, int32_t pod) noexcept nogil:
        """Whether a leaving pod was placed on a node that may never work."""
        cdef int32_t where = self.pod_place[pod]
        return (
            self.n_pending <= pod < self.n_pods - self.n_moving
            and where < self.n_nodes
            and self.node_flags[where] & NODE_UNINITIALIZED)

    cdef bint is_lost(self, int32_t where) except -1 nogil:
        """Whether a claim that has just got a pod settles that :meth:`scan` refuses the group.

        Claims are never taken back, and the cut of a claim to 600 types, which :meth:`scan` leaves
        to others, is none without minValues: two are too many, or a pod has no place.  A claim's
        types only become fewer, and no price of it is below the least bound of one of them: where
        that is not below the group's price, nothing of it will be.
        """
        cdef const ColumnBounds *bounds
        cdef int32_t t
        if where < self.n_nodes or not self.exits:
            return False
        if self.n_claims > 1:
            return True
        if self.claim_prices is None:
            return False
        t = self.claim_template[0]
        bounds = self.claim_prices.bounds_of(t, self.templates[t].set_id)
        if bounds == NULL:
            return False
        while self.cheapest < bounds.n and not (
            bit(self.claim_types, bounds.columns[self.cheapest])
            and self.holds_lost(self.templates[t], bounds.columns[self.cheapest])
        ):
            self.cheapest += 1
        return self.cheapest == bounds.n or bounds.bounds[self.cheapest] >= self.price

    cdef bint is_unplaced(self) noexcept nogil:
        """Whether a bound pod found no place, or the round ended early."""
        cdef int32_t pod
        if self.stopped:
            return True
        for pod in range(self.n_pending, self.n_pods):
            if self.pod_place[pod] < 0:
                return True
        return False

    cdef bint may_be_cut(self) except -1 nogil:
        """Whether minValues may not survive the cut of a claim to 600 types."""
        cdef int32_t c, w, count
        cdef uint64_t word
        for c in range(self.n_claims):
            if not self.types(self.claim_set[c], self.claim_template[c])[self.n_words]:
                continue
            count = 0
            for w in range(self.n_words):
                word = self.claim_types[c * self.n_words + w]
                while word:
                    word &= word - 1
                    count += 1
            if count > LONGEST:
                return True
        return False

    cdef int verdict(self, bint is_spot, bint spot_to_spot) except -1 nogil:
        """What :meth:`scan` says after a round."""
        cdef const double *least
        if self.is_unplaced():
            return REFUSED
        if self.may_be_cut():
            return OPEN
        if self.n_claims == 0:
            return DELETION
        if self.n_claims > 1:
            return REFUSED
        if self.claim_prices is None:
            return OPEN
        least = self.claim_prices.least(
            self.claim_template[0], self.claim_set[0], self.claim_types)
        if is_spot and least[1] >= 0:
            return OPEN if spot_to_spot and least[1] < self.price else REFUSED
        return OPEN if least[0] < self.price else REFUSED

    cdef void finish(self) noexcept nogil:
        """Put back what the round has masked."""
        cdef int32_t i, n
        for i in range(self.n_moved if self.n_groups else 0):
            self.bound_moved[self.moved[i]] = 0
        for i in range(self.n_excluded):
            n = self.excluded[i]
            self.node_usable[n >> 6] |= self.node_usable_base[n >> 6] & (
                (<uint64_t>1) << (n & 63))
            self.node_excluded[n] = 0
        self.n_excluded = 0

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
        place : ndarray of int32, shape (n_pods,)
            Node number, node count + claim number, or -1; pending pods first, then those that
            leave, then those that move anyway.
        reasons : ndarray of int8, shape (n_pods, n_templates)
            Why each template refused the last attempt, 0 not tried.
        moved : ndarray of int32
            The bound pods of the batch.
        """
        import numpy as np

        cdef int32_t i
        self.prepare()
        self.node_under = &under[0] if self.n_nodes else NULL
        self.strict_reservations, self.relax_min_values = strict_reservations, relax_min_values
        for i in range(<int32_t>excluded.shape[0]):
            self.exclude(excluded[i])
        try:
            with nogil:
                self.run(&node_limits[0] if self.n_templates else NULL)
        finally:
            self.finish()
            self.node_under = NULL
        place = np.empty(self.n_pods, dtype=np.int32)
        reasons = np.zeros((self.n_pods, self.n_templates), dtype=np.int8)
        moved = np.empty(self.n_moved, dtype=np.int32)
        cdef int32_t[::1] places = place, moves = moved
        cdef int8_t[:, ::1] codes = reasons
        if self.n_pods:
            memcpy(&places[0], self.pod_place, self.n_pods * sizeof(int32_t))
        if self.n_pods and self.n_templates:
            memcpy(&codes[0, 0], self.pod_reasons, <size_t>self.n_pods * self.n_templates)
        if self.n_moved:
            memcpy(&moves[0], self.moved, self.n_moved * sizeof(int32_t))
        return place, reasons, moved

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

    def scan(self, const int32_t[::1] offsets, const int32_t[::1] nodes, const double[::1] prices,
             const uint8_t[::1] spots, const uint8_t[::1] under, const int64_t[::1] node_limits,
             bint relax_min_values, bint spot_to_spot, ClaimPrices claim_prices):
        """Find the first group of nodes whose removal the kernel's numbers do not rule out.

        Parameters
        ----------
        offsets, nodes, under, node_limits, relax_min_values
            As in :meth:`what_ifs`.
        prices : ndarray of float64, shape (n_groups,)
            What each group costs; a claim must have a price below it.
        spots : ndarray of uint8, shape (n_groups,)
            Whether all nodes of a group are spot instances.
        spot_to_spot : bool
            Whether spot instances may replace these.
        claim_prices : ClaimPrices or None
            None leaves the price of claims open.

        Returns
        -------
        index : int
            The number of groups if all of them are ruled out: they leave a bound pod without a
            place that is known to work, or create two nodes, or one that is not cheaper.
        is_deletion : bool
            Whether every pod finds a place without a new node.

        Notes
        -----
        The answers are those of :meth:`what_ifs`; a round ends as soon as its group is ruled out.
        """
        cdef int32_t m = <int32_t>offsets.shape[0] - 1, i = 0, j
        cdef int found = REFUSED
        cdef bint is_bounded
        self.prepare()
        self.node_under = &under[0] if self.n_nodes else NULL
        self.strict_reservations, self.relax_min_values = False, relax_min_values
        self.stops = self.exits = True
        self.claim_prices = claim_prices
        try:
            with nogil:
                for i in range(self.n_templates):
                    if self.types(self.templates[i].set_id, i)[self.n_words]:
                        self.exits = False
                is_bounded = self.exits and claim_prices is not None
                if is_bounded:
                    self.begin_bounds()
                i = 0
                while i < m:
                    for j in range(offsets[i], offsets[i + 1]):
                        self.exclude(nodes[j])
                    self.price, self.cheapest = prices[i], 0
                    if is_bounded and self.is_hopeless():
                        self.finish()
                        i += 1
                        continue
                    self.run(&node_limits[0] if self.n_templates else NULL)
                    found = self.verdict(spots[i], spot_to_spot)
                    self.finish()
                    if found != REFUSED:
                        break
                    i += 1
        finally:
            self.finish()
            self.stops = self.exits = False
            self.claim_prices = None
            self.node_under = NULL
        return i, found == DELETION

    def claims(self):
        """Return the claims of the last round.

        Returns
        -------
        templates, sets : ndarray of int32, shape (n_claims,)
        types : ndarray of uint64, shape (n_claims, n_words)
        requests : ndarray of int64, shape (n_claims, n_resources)
        held : ndarray of uint64, shape (n_claims, words)
            Reservations held.
        min_values_relaxed : ndarray of uint8, shape (n_templates,)
            Whether the claim opened last of each template had its minValues relaxed.
        """
        import numpy as np

        cdef int32_t n = self.n_claims
        templates = np.empty(n, dtype=np.int32)
        sets = np.empty(n, dtype=np.int32)
        types = np.empty((n, self.n_words), dtype=np.uint64)
        requests = np.empty((n, self.n_resources), dtype=np.int64)
        held = np.empty((n, self.reservation_words), dtype=np.uint64)
        relaxed = np.zeros(self.n_templates, dtype=np.uint8)
        cdef int32_t[::1] t = templates, s = sets
        cdef uint64_t[:, ::1] y = types, h = held
        cdef int64_t[:, ::1] q = requests
        cdef uint8_t[::1] x = relaxed
        if n:
            memcpy(&t[0], self.claim_template, n * sizeof(int32_t))
            memcpy(&s[0], self.claim_set, n * sizeof(int32_t))
            memcpy(&y[0, 0], self.claim_types, <size_t>n * self.n_words * sizeof(uint64_t))
            memcpy(&h[0, 0], self.claim_held,
                   <size_t>n * self.reservation_words * sizeof(uint64_t))
            if self.n_resources:
                memcpy(&q[0, 0], self.claim_requests,
                       <size_t>n * self.n_resources * sizeof(int64_t))
        if self.n_templates and self.state_ready:
            memcpy(&x[0], self.relaxed_min_values, self.n_templates)
        return templates, sets, types, requests, held, relaxed
