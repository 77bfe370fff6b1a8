"""One round: from the base state to where every pod goes, or to where nothing can come of it.

Nothing is rebuilt between rounds: a round notes which nodes, classes and groups it changes, and the
next one starts from the base again.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._provision_bounds cimport ProvisionBounds
from ._provision_tables cimport (
    NODE_LIMITED, NODE_LIMITS_VOLUMES, NODE_UNINITIALIZED, Group, PodClass, grown)

cdef enum:
    LONGEST = 600           # instance types that a NodeClaim can name


cdef class ProvisionRound(ProvisionBounds):
    """The round of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __dealloc__(self):
        free(self.bound_moved)

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
        self.bound_moved = <uint8_t *>grown(self.bound_moved, self.n_bound)
        memset(self.node_dirty, 0, n)
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

    cdef int run(self, const int64_t *node_limits) except -1 nogil:
        """One round over the base state less ``excluded``."""
        cdef int32_t pod, k, where
        cdef int settles
        self.prepare()
        self.gather()
        if self.n_groups:
            self.list_moved()
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
        cdef const uint64_t *columns
        cdef int32_t w
        if where < self.n_nodes or not self.exits:
            return False
        if self.n_claims > 1:
            return True
        if self.claim_prices is None:
            return False
        columns = self.possible_columns(self.claim_template[0])
        if columns == NULL:
            return False
        for w in range(self.n_words):
            if columns[w] & self.claim_types[w]:
                return False
        return True

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
