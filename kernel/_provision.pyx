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

from ._provision_pods cimport ProvisionPods
from ._provision_queue cimport QueueKey, goes_first, merge_runs, sort_queue
from ._provision_tables cimport (
    BOUND_SETTLES, NODE_LIMITED, NODE_LIMITS_VOLUMES, NODE_UNINITIALIZED, Group, PodClass, copied32,
    grown, release)

cdef enum:
    LONGEST = 600           # instance types that a NodeClaim can name


cdef class Provisioner(ProvisionPods):
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
        self.forget_batch()
        free(self.moved)
        free(self.place_of)
        free(self.moved_queue)
        free(self.run_ends)
        free(self.excluded)
        free(self.pod_class)
        free(self.pod_settles)
        free(self.pod_place)
        free(self.pod_pushed)
        free(self.ring)
        free(self.pod_reasons)

    def set_batch(self, classes, sizes, created, ids, bound_created, bound_ids, leavers_off,
                  leavers, moving):
        """Set the pods that rounds place; may be called again.

        Parameters
        ----------
        classes : ndarray of int32, shape (n_pending,)
            Classes of the pending pods, in the order of upstream's list.
        sizes : ndarray of int32, shape (n_classes,)
            Place in the queue by size, the largest first.
        created, ids : ndarray of int64, shape (n_pending,)
            Pods of one size are queued by age, then by id.
        bound_created, bound_ids : ndarray of int64, shape (n_bound,)
            The same of the bound pods.
        leavers_off, leavers : ndarray of int32
            Node by node the bound pods that move when the node is taken away, in order.
        moving : ndarray of int32
            Bound pods that move anyway, since their node is going.
        """
        cdef int32_t i
        cdef const int32_t[::1] size = sizes
        self.forget_batch()
        self.state_ready = False
        self.n_pending = len(classes)
        self.pending_class = copied32(classes)
        self.pending_key = self.keys_of(self.pending_class, size, created, ids)
        self.bound_key = self.keys_of(self.bound_class, size, bound_created, bound_ids)
        self.pending_queue = <int32_t *>grown(NULL, self.n_pending * sizeof(int32_t))
        self.spare = <int32_t *>grown(
            NULL, max(self.n_pending, self.n_bound) * sizeof(int32_t))
        for i in range(self.n_pending):
            self.pending_queue[i] = i
        sort_queue(self.pending_queue, self.n_pending, self.pending_key, self.spare)
        self.leavers_off = copied32(leavers_off)
        self.leavers, self.leavers_queue = copied32(leavers), copied32(leavers)
        self.is_queued = <uint8_t *>grown(NULL, self.n_nodes)
        memset(self.is_queued, 0, self.n_nodes)
        self.n_moving, self.moving = len(moving), copied32(moving)
        self.moving_queue = copied32(moving)
        sort_queue(self.moving_queue, self.n_moving, self.bound_key, self.spare)

    cdef void forget_batch(self) noexcept:
        release(<void **>&self.pending_class)
        release(<void **>&self.pending_key)
        release(<void **>&self.pending_queue)
        release(<void **>&self.bound_key)
        release(<void **>&self.spare)
        release(<void **>&self.leavers_off)
        release(<void **>&self.leavers)
        release(<void **>&self.leavers_queue)
        release(<void **>&self.is_queued)
        release(<void **>&self.moving)
        release(<void **>&self.moving_queue)

    cdef QueueKey *keys_of(
        self, const int32_t *classes, const int32_t[::1] sizes, const int64_t[::1] created,
        const int64_t[::1] ids
    ) except NULL:
        cdef Py_ssize_t n = ids.shape[0], i
        cdef QueueKey *keys = <QueueKey *>grown(NULL, n * sizeof(QueueKey))
        for i in range(n):
            keys[i].size, keys[i].created, keys[i].id = sizes[classes[i]], created[i], ids[i]
        return keys

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
        self.moved = <int32_t *>grown(self.moved, self.n_bound * sizeof(int32_t))
        self.place_of = <int32_t *>grown(self.place_of, self.n_bound * sizeof(int32_t))
        self.moved_queue = <int32_t *>grown(self.moved_queue, self.n_bound * sizeof(int32_t))
        self.run_ends = <int32_t *>grown(self.run_ends, (n + 2) * sizeof(int32_t))
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

    cdef int room_for_pods(self, int32_t n) except -1 nogil:
        if n <= self.pod_room:
            return 0
        self.pod_room = max(n, 2 * self.pod_room)
        n = self.pod_room
        self.pod_class = <int32_t *>grown(self.pod_class, n * sizeof(int32_t))
        self.pod_settles = <uint8_t *>grown(self.pod_settles, n)
        self.pod_place = <int32_t *>grown(self.pod_place, n * sizeof(int32_t))
        self.pod_pushed = <int32_t *>grown(self.pod_pushed, n * sizeof(int32_t))
        self.ring = <int32_t *>grown(self.ring, n * sizeof(int32_t))
        self.pod_reasons = <int8_t *>grown(self.pod_reasons, <size_t>n * self.n_templates)
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

    cdef int gather(self) except -1 nogil:
        """Collect the batch (pending, leaving, moving) and its queue."""
        cdef int32_t i, j, n, pod, p = self.n_pending, m, n_runs = 0, first, end
        self.n_moved = 0
        for i in range(self.n_excluded):
            n = self.excluded[i]
            first, end = self.leavers_off[n], self.leavers_off[n + 1]
            if not self.is_queued[n]:
                self.is_queued[n] = 1
                sort_queue(&self.leavers_queue[first], end - first, self.bound_key, self.spare)
            memcpy(&self.moved[self.n_moved], &self.leavers[first],
                   (end - first) * sizeof(int32_t))
            memcpy(&self.moved_queue[self.n_moved], &self.leavers_queue[first],
                   (end - first) * sizeof(int32_t))
            self.n_moved += end - first
            self.run_ends[n_runs] = self.n_moved
            n_runs += 1
        if self.n_moving:
            memcpy(&self.moved[self.n_moved], self.moving, self.n_moving * sizeof(int32_t))
            memcpy(&self.moved_queue[self.n_moved], self.moving_queue,
                   self.n_moving * sizeof(int32_t))
            self.n_moved += self.n_moving
            self.run_ends[n_runs] = self.n_moved
            n_runs += 1
        merge_runs(self.moved_queue, self.run_ends, n_runs, self.bound_key, self.spare)
        m = self.n_moved
        self.n_pods = p + m
        self.room_for_pods(self.n_pods)
        memcpy(self.pod_class, self.pending_class, p * sizeof(int32_t))
        memset(self.pod_settles, 1, p)
        for i in range(m):
            pod = self.moved[i]
            self.bound_moved[pod] = 1
            self.place_of[pod] = p + i
            self.pod_class[p + i] = self.bound_class[pod]
            self.pod_settles[p + i] = self.bound_flags[pod] & BOUND_SETTLES != 0
        i, j = 0, 0
        for n in range(p + m):
            if i == p or (j < m and goes_first(
                &self.bound_key[self.moved_queue[j]], &self.pending_key[self.pending_queue[i]]
            )):
                self.ring[n] = self.place_of[self.moved_queue[j]]
                j += 1
            else:
                self.ring[n] = self.pending_queue[i]
                i += 1
        return 0

    cdef int run(self, const int64_t *node_limits) except -1 nogil:
        """One round over the base state less ``excluded``."""
        cdef int32_t i, pod, k, where, head = 0, length, n
        cdef int settles
        self.prepare()
        self.gather()
        self.begin(node_limits)
        self.stopped = False
        n = length = self.n_pods
        for i in range(n):
            self.touch(self.pod_class[i])
            self.pod_place[i] = -1
            self.pod_pushed[i] = 0
        memset(self.pod_reasons, 0, <size_t>n * self.n_templates)
        while length:
            pod = self.ring[head]
            if self.pod_pushed[pod] == length:
                # A whole cycle without progress.
                break
            head += 1
            if head == n:
                head = 0
            length -= 1
            k = self.pod_class[pod]
            settles = self.pod_settles[pod]
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
            if where >= 0:
                self.version += 1
                self.pod_place[pod] = where
                if self.stops and self.is_unsure(pod):
                    self.stopped = True
                    break
                continue
            i = head + length
            if i >= n:
                i -= n
            self.ring[i] = pod
            length += 1
            self.pod_pushed[pod] = length
        return 0

    cdef bint is_unsure(self, int32_t pod) noexcept nogil:
        """Whether a leaving pod was placed on a node that may never work."""
        cdef int32_t where = self.pod_place[pod]
        return (
            self.n_pending <= pod < self.n_pods - self.n_moving
            and where < self.n_nodes
            and self.node_flags[where] & NODE_UNINITIALIZED)

    cdef void finish(self) noexcept nogil:
        """Put back what the round has masked."""
        cdef int32_t i, n
        for i in range(self.n_moved):
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

        cdef int32_t m = <int32_t>offsets.shape[0] - 1, i, j, c, count
        cdef uint64_t word
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
                    if self.stopped:
                        unplaced[i] = 1
                        self.finish()
                        continue
                    for j in range(self.n_pending, self.n_pods):
                        if self.pod_place[j] < 0:
                            unplaced[i] = 1
                    for c in range(self.n_claims):
                        if not self.types(self.claim_set[c], self.claim_template[c])[self.n_words]:
                            continue
                        count = 0
                        for j in range(self.n_words):
                            word = self.claim_types[c * self.n_words + j]
                            while word:
                                word &= word - 1
                                count += 1
                        if count > LONGEST:
                            cut[i] = 1
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
