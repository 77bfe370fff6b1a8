"""Candidates of a round: existing nodes, open claims and new ones; what they accept and become.

A claim is a bitset of columns.  A refusal that can't be lifted within a round (full, tainted,
contradicting, ports, a hostname that is taken) is called permanent.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from ._provision_order cimport ProvisionOrder
from ._provision_tables cimport (
    CONFLICT, LOOSE, NODE_LIMITS_VOLUMES, STRICT, PodClass, Template, bit, grown, lower_bound,
    pyscale_ctz, set_bit)


cdef class ProvisionClaims(ProvisionOrder):
    """The candidates of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, *_):
        self.reservation_left = <int64_t *>calloc(self.n_reservations + 1, sizeof(int64_t))
        self.found_types = <uint64_t *>calloc(self.n_words, sizeof(uint64_t))
        self.group_types = <uint64_t *>calloc(self.n_words, sizeof(uint64_t))
        self.found_held = <uint64_t *>calloc(self.reservation_words, sizeof(uint64_t))
        self.need = <int64_t *>calloc(self.n_resources + 1, sizeof(int64_t))

    def __dealloc__(self):
        free(self.node_set)
        free(self.node_room)
        free(self.node_port_head)
        free(self.node_dirty)
        free(self.dirty_nodes)
        free(self.claim_set)
        free(self.claim_template)
        free(self.claim_port_head)
        free(self.claim_types)
        free(self.claim_requests)
        free(self.claim_most)
        free(self.claim_stale)
        free(self.claim_held)
        free(self.port_set)
        free(self.port_next)
        free(self.remaining)
        free(self.remaining_nodes)
        free(self.reservation_left)
        free(self.relaxed_min_values)
        free(self.found_types)
        free(self.group_types)
        free(self.found_held)
        free(self.need)

    cdef bint ports_taken(self, int32_t head, int32_t ports) noexcept nogil:
        cdef int32_t link = head
        if ports < 0:
            return False
        while link >= 0:
            if self.port_conflict[ports * self.n_ports + self.port_set[link]]:
                return True
            link = self.port_next[link]
        return False

    cdef int32_t link_ports(self, int32_t head, int32_t ports) except -1000 nogil:
        if ports < 0:
            return head
        if self.n_port_links == self.port_link_room:
            self.port_link_room = max(64, 2 * self.port_link_room)
            self.port_set = <int32_t *>grown(
                self.port_set, self.port_link_room * sizeof(int32_t))
            self.port_next = <int32_t *>grown(
                self.port_next, self.port_link_room * sizeof(int32_t))
        self.port_set[self.n_port_links] = ports
        self.port_next[self.n_port_links] = head
        self.n_port_links += 1
        return self.n_port_links - 1

    cdef int try_node(self, int32_t n, int32_t class_id) except -1 nogil:
        """ACCEPTED (then ``found_set``) or why an existing node refuses."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t r, i, s, base
        cdef int64_t *room = &self.node_room[n * self.n_resources]
        cdef int reason = REQUIREMENTS
        self.permanent = True
        for r in range(self.n_resources):
            if k.requests[r] > room[r]:
                return TYPES
        if not k.tolerates[self.node_taints[n]]:
            return TAINTS
        if k.host >= 0 and not self.host_ok(k.host, self.node_host[n]):
            return REQUIREMENTS
        if self.node_flags[n] & NODE_LIMITS_VOLUMES:
            if not self.ask_volumes_fit(n, class_id):
                return VOLUME
        if self.ports_taken(self.node_port_head[n], k.ports):
            return TYPES
        base = self.meet(STRICT, self.node_set[n], k.set_id)
        if base < 0:
            self.permanent = base == CONFLICT
            return REQUIREMENTS
        self.permanent = False
        if not self.host_allows(k, self.node_host[n]):
            return TOPOLOGY
        self.permanent = False
        for i in range(k.n_alternatives):
            s = base
            if k.alternatives[2 * i] >= 0:
                reason = VOLUME
                if k.alternatives[2 * i + 1] >= 0 and not self.host_ok(
                    k.alternatives[2 * i + 1], self.node_host[n]
                ):
                    continue
                s = self.meet(STRICT, s, k.alternatives[2 * i])
                if s < 0:
                    continue
            reason = TOPOLOGY
            s = self.narrowed(STRICT, k, s)
            if s >= 0:
                self.found_set = s
                return ACCEPTED
        return reason

    cdef int settle(self, int32_t n, int32_t class_id) except -1 nogil:
        """Give the pod to the node as the accepted attempt left it."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t r
        if not self.node_dirty[n]:
            self.node_dirty[n] = 1
            self.dirty_nodes[self.n_dirty] = n
            self.n_dirty += 1
        for r in range(self.n_resources):
            self.node_room[n * self.n_resources + r] -= k.requests[r]
        self.node_set[n] = self.found_set
        self.node_port_head[n] = self.link_ports(self.node_port_head[n], k.ports)
        if self.node_flags[n] & NODE_LIMITS_VOLUMES:
            self.tell_volumes(n, class_id)
        self.record(k, self.node_taints[n], self.found_set, self.node_host[n])
        return 0

    cdef int filter_types(
        self, Template *t, const uint64_t *held, const uint64_t *allowed, PodClass *k, int32_t head
    ) noexcept nogil:
        """Columns of a claim that still hold everything, in ``found_types``; 0 if none is left.

        ``need`` holds the total requests, without the overhead of daemons.
        """
        cdef int32_t group, r, w, step, n = t.n_columns, words = self.n_words
        cdef uint64_t any_left = 0
        cdef const uint64_t *row
        cdef uint64_t *found = self.found_types
        if self.ports_taken(head, k.ports):
            return 0
        if t.n_groups > 1:
            memset(self.found_types, 0, words * sizeof(uint64_t))
            found = self.group_types
        for group in range(t.n_groups):
            if k.ports >= 0 and t.group_conflict[group * t.n_port_sets + k.ports]:
                if t.n_groups == 1:
                    return 0
                continue
            row = &t.group_types[group * words]
            for w in range(words):
                found[w] = held[w] & allowed[w] & row[w]
            for r in range(self.n_resources):
                step = lower_bound(
                    &t.steps[r * n], t.n_steps[r],
                    self.need[r] + t.overhead[group * self.n_resources + r])
                if step:
                    row = &t.suffix[(r * (n + 1) + step) * words]
                    for w in range(words):
                        found[w] &= row[w]
            for w in range(words):
                any_left |= found[w]
            if t.n_groups > 1:
                for w in range(words):
                    self.found_types[w] |= found[w]
        return any_left != 0

    cdef int reserve(
        self, int32_t template, int32_t s, const uint64_t *held
    ) except -1 nogil:
        """Reservations that the claim would hold, in ``found_held``; 0 refuses."""
        cdef int32_t i, column, end, reservation
        cdef int32_t *found
        cdef bint compatible = False, any_free = False, holds = False, kept
        memset(self.found_held, 0, self.reservation_words * sizeof(uint64_t))
        if self.n_reservations == 0:
            return 1
        found = self.reserved(s, template)
        for i in range(found[0]):
            column, end, reservation = found[3 * i + 1], found[3 * i + 2], found[3 * i + 3]
            kept = False
            while column < end:
                if bit(self.found_types, column):
                    kept = True
                    break
                column += 1
            if not kept:
                continue
            compatible = True
            if bit(held, reservation) or self.reservation_left[reservation] > 0:
                any_free = True
                set_bit(self.found_held, reservation)
        if any_free or not self.strict_reservations:
            return 1
        for i in range(self.reservation_words):
            if held[i]:
                holds = True
        return not (compatible or holds)

    cdef int try_claim(self, int32_t c, int32_t class_id, bint opening) except -1 nogil:
        """ACCEPTED (then ``found_set``, ``found_types``, ``found_held``) or why a claim refuses."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t template = self.claim_template[c], r, i, s, base, relaxed
        cdef Template *t = self.templates[template]
        cdef int64_t *requests = &self.claim_requests[c * self.n_resources]
        cdef int64_t *most = &self.claim_most[c * self.n_resources]
        cdef uint64_t *held = &self.claim_types[c * self.n_words]
        cdef uint64_t *allowed
        cdef int reason = REQUIREMENTS
        cdef bint is_relaxed
        self.permanent = True
        if not k.tolerates[t.taints]:
            return TAINTS
        if not opening:
            for r in range(self.n_resources):
                if requests[r] + k.requests[r] > most[r]:
                    return TYPES
        if not k.any_claim_host:
            return REQUIREMENTS
        base = self.meet(LOOSE, self.claim_set[c], k.set_id)
        if base < 0:
            self.permanent = base == CONFLICT
            self.room_for_set(self.claim_set[c])
            self.refused_epoch[self.claim_set[c]] = self.epoch
            return REQUIREMENTS
        self.permanent = False
        if not self.host_allows(k, self.n_hosts + c):
            return TOPOLOGY
        for r in range(self.n_resources):
            self.need[r] = requests[r] + k.requests[r]
        for i in range(k.n_alternatives):
            self.permanent = False
            s = base
            if k.alternatives[2 * i] >= 0:
                reason = VOLUME
                if k.alternatives[2 * i + 1] >= 0 and not self.host_ok(
                    k.alternatives[2 * i + 1], self.n_hosts + c
                ):
                    continue
                s = self.meet(LOOSE, s, k.alternatives[2 * i])
                if s < 0:
                    continue
            reason = TOPOLOGY
            s = self.narrowed(LOOSE, k, s)
            if s < 0:
                if k.n_alternatives == 1:
                    # All claims of this set get the same answer in this attempt.
                    self.room_for_set(self.claim_set[c])
                    self.refused_epoch[self.claim_set[c]] = self.epoch
                continue
            reason = TYPES
            is_relaxed = False
            self.permanent = not k.has_zonal and k.n_alternatives == 1
            allowed = self.types(s, template)
            if not self.filter_types(t, held, allowed, k, self.claim_port_head[c]):
                if not opening and self.claim_stale[c]:
                    self.measure(c)
                continue
            if allowed[self.n_words]:
                reason = MIN_VALUES
                relaxed = self.ask_min_values(
                    template, s, self.found_types, opening and self.relax_min_values)
                if relaxed < 0:
                    continue
                is_relaxed = relaxed != s
                s = relaxed
            reason = RESERVED
            self.permanent = False
            if not self.reserve(template, s, &self.claim_held[c * self.reservation_words]):
                continue
            if opening:
                # Claims of a template share one annotation: the one opened last decides.
                self.relaxed_min_values[template] = is_relaxed
            self.found_set = s
            return ACCEPTED
        return reason

    cdef void measure(self, int32_t c) noexcept nogil:
        """Note how much the columns that are left can hold, so that most refusals are quick."""
        cdef Template *t = self.templates[self.claim_template[c]]
        cdef int64_t *most = &self.claim_most[c * self.n_resources]
        cdef int32_t r, w, column
        cdef uint64_t word
        for r in range(self.n_resources):
            most[r] = 0
        for w in range(self.n_words):
            word = self.claim_types[c * self.n_words + w]
            while word:
                column = 64 * w + pyscale_ctz(word)
                word &= word - 1
                for r in range(self.n_resources):
                    most[r] = max(most[r], t.allocatable[column * self.n_resources + r])
        for r in range(self.n_resources):
            most[r] -= t.least_overhead[r]
        self.claim_stale[c] = 0

    cdef int join(self, int32_t c, int32_t class_id) except -1 nogil:
        """Give the pod to the claim as the accepted attempt left it."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t r, i, w
        cdef uint64_t *held = &self.claim_held[c * self.reservation_words]
        cdef uint64_t gained, lost
        cdef int64_t *requests = &self.claim_requests[c * self.n_resources]
        memcpy(&self.claim_types[c * self.n_words], self.found_types,
               self.n_words * sizeof(uint64_t))
        for r in range(self.n_resources):
            requests[r] += k.requests[r]
        self.claim_set[c] = self.found_set
        self.claim_stale[c] = 1
        self.claim_port_head[c] = self.link_ports(self.claim_port_head[c], k.ports)
        self.claim_pods[c] += 1
        self.room_for_level(<int32_t>self.claim_pods[c] + 1)
        if self.n_reservations:
            for w in range(self.reservation_words):
                gained = self.found_held[w] & ~held[w]
                lost = held[w] & ~self.found_held[w]
                while gained:
                    i = 64 * w + pyscale_ctz(gained)
                    self.reservation_left[i] -= 1
                    gained &= gained - 1
                while lost:
                    i = 64 * w + pyscale_ctz(lost)
                    self.reservation_left[i] += 1
                    lost &= lost - 1
                held[w] = self.found_held[w]
        self.record(k, self.templates[self.claim_template[c]].taints, self.found_set,
                    self.n_hosts + c)
        return 0

    cdef int room_for_claim(self) except -1 nogil:
        cdef int32_t room = self.claim_room
        if self.n_claims < room:
            return 0
        room = max(64, 2 * room)
        self.claim_set = <int32_t *>grown(self.claim_set, room * sizeof(int32_t))
        self.claim_template = <int32_t *>grown(self.claim_template, room * sizeof(int32_t))
        self.claim_port_head = <int32_t *>grown(self.claim_port_head, room * sizeof(int32_t))
        self.claim_next = <int32_t *>grown(self.claim_next, room * sizeof(int32_t))
        self.claim_before = <int32_t *>grown(self.claim_before, room * sizeof(int32_t))
        self.claim_key = <int64_t *>grown(self.claim_key, room * sizeof(int64_t))
        self.claim_stale = <uint8_t *>grown(self.claim_stale, room)
        self.sorting = <int32_t *>grown(self.sorting, room * sizeof(int32_t))
        self.claim_pods = <double *>grown(self.claim_pods, room * sizeof(double))
        self.claim_types = <uint64_t *>grown(
            self.claim_types, <size_t>room * self.n_words * sizeof(uint64_t))
        self.claim_requests = <int64_t *>grown(
            self.claim_requests, <size_t>room * self.n_resources * sizeof(int64_t))
        self.claim_most = <int64_t *>grown(
            self.claim_most, <size_t>room * self.n_resources * sizeof(int64_t))
        self.claim_held = <uint64_t *>grown(
            self.claim_held, <size_t>room * self.reservation_words * sizeof(uint64_t))
        self.claim_room = room
        return 0

    cdef int open_claim(self, int32_t class_id, int8_t *reasons) except -1 nogil:
        """Open a claim of the first template that accepts; else the reason of the last one."""
        cdef int32_t template, r, i, column, c, n, words = self.n_words
        cdef int reason = REQUIREMENTS
        cdef Template *t
        cdef uint64_t any_left
        cdef int64_t *remaining
        for template in range(self.n_templates):
            t = self.templates[template]
            n = t.n_columns
            remaining = &self.remaining[template * self.n_resources]
            if t.limited_nodes and self.remaining_nodes[template] <= 0:
                # No type has a capacity of nodes, so that a negative rest refuses all of them.
                reason = LIMITS if self.remaining_nodes[template] else NODE_LIMITS
                reasons[template] = reason
                continue
            self.room_for_claim()
            c = self.n_claims
            memcpy(&self.claim_types[c * words], t.all_types, words * sizeof(uint64_t))
            if t.limited:
                for r in range(self.n_resources):
                    if not t.is_limited[r]:
                        continue
                    for i in range(n):
                        column = t.by_capacity[r * n + i]
                        if t.capacity[column * self.n_resources + r] <= remaining[r]:
                            break
                        self.claim_types[c * words + (column >> 6)] &= ~(
                            (<uint64_t>1) << (column & 63))
                any_left = 0
                for i in range(words):
                    any_left |= self.claim_types[c * words + i]
                if not any_left:
                    reasons[template] = reason = LIMITS
                    continue
            elif n == 0:
                reasons[template] = reason = LIMITS
                continue
            self.claim_template[c] = template
            self.claim_set[c] = t.set_id
            self.claim_port_head[c] = -1
            self.claim_pods[c] = 0
            memset(&self.claim_requests[c * self.n_resources], 0,
                   self.n_resources * sizeof(int64_t))
            for r in range(self.n_resources):
                self.claim_most[c * self.n_resources + r] = t.most[r] - t.least_overhead[r]
            memset(&self.claim_held[c * self.reservation_words], 0,
                   self.reservation_words * sizeof(uint64_t))
            reason = self.try_claim(c, class_id, True)
            reasons[template] = reason
            if reason == RESERVED:
                return reason
            if reason != ACCEPTED:
                continue
            self.n_claims += 1
            self.join(c, class_id)
            self.appended_claim = c
            if self.count_nodes:
                self.remaining_nodes[template] -= 1
            for r in range(self.n_resources):
                if t.limited and t.is_limited[r]:
                    for i in range(n):
                        column = t.by_capacity[r * n + i]
                        if bit(&self.claim_types[c * words], column):
                            remaining[r] -= t.capacity[column * self.n_resources + r]
                            break
            return ACCEPTED
        return reason
