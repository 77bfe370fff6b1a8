"""Topology groups in a round: created by their first owner, asked for domains, counted.

Requirements on the hostname are kept apart from the sets: every candidate pins its own hostname, so
that claims with the same history share one set, and groups over hostnames compare one number.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from ._provision_memo cimport ProvisionMemo
from ._provision_tables cimport (
    ANTI_AFFINITY, BOUND_COUNTS, BOUND_OWNS, HOSTNAME, NODE_KNOWN, SPREAD, Domains, Group,
    PodClass, Variant, bit, grown, set_bit)

cdef int64_t MAX_INT64 = 0x7FFFFFFFFFFFFFFF


cdef inline int32_t host_count(const Group *g, int32_t host) noexcept nogil:
    return g.count[host] if <size_t>host < g.capacity else 0


cdef class ProvisionTopology(ProvisionMemo):
    """The topology of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, *_):
        cdef int32_t domains = self.domain_words * 64
        self.masks = <uint64_t *>calloc(self.n_keys * self.domain_words, sizeof(uint64_t))
        self.mask_keys = <int32_t *>calloc(self.n_keys, sizeof(int32_t))
        self.key_seen = <uint64_t *>calloc(self.n_keys, sizeof(uint64_t))
        self.answer = <uint64_t *>calloc(self.domain_words, sizeof(uint64_t))
        self.dropped = <int32_t *>calloc(domains, sizeof(int32_t))

    def __dealloc__(self):
        free(self.masks)
        free(self.mask_keys)
        free(self.key_seen)
        free(self.answer)
        free(self.dropped)

    cdef int room_for_host(self, Group *g, int32_t host) except -1 nogil:
        cdef size_t room = g.capacity
        if <size_t>host < room:
            return 0
        room = max(2 * room, <size_t>host + 64)
        g.count = <int32_t *>grown(g.count, room * sizeof(int32_t))
        memset(g.count + g.capacity, 0, (room - g.capacity) * sizeof(int32_t))
        g.capacity = room
        return 0

    cdef int activate_group(self, int32_t group, int32_t variant) except -1 nogil:
        """Create a group in this round: the base counts less what the moved pods add to them."""
        cdef Group *g = self.groups[group]
        cdef Variant *v = self.variants[variant]
        cdef PodClass *k
        cdef int32_t i, j, d, pod, node, n_domains
        cdef bint contributes
        if g.active:
            return 0
        g.active = True
        g.variant = variant
        n_domains = self.n_domains[g.key]
        if g.key == HOSTNAME:
            n_domains += self.n_claims
        if n_domains:
            self.room_for_host(g, n_domains - 1)
        if v.n_base:
            memcpy(g.count, v.base_count, v.n_base * sizeof(int32_t))
        if g.capacity > <size_t>v.n_base:
            memset(g.count + v.n_base, 0, (g.capacity - v.n_base) * sizeof(int32_t))
        g.nonempty = v.base_nonempty
        for i in range(self.n_moved):
            pod = self.moved[i]
            node = self.bound_node[pod]
            if node < 0:
                continue
            k = self.classes[self.bound_class[pod]]
            contributes = False
            if g.inverse:
                if self.bound_flags[pod] & BOUND_OWNS:
                    for j in range(k.n_owned_inverse):
                        if k.owned_inverse[2 * j] == group:
                            contributes = True
            elif self.bound_flags[pod] & BOUND_COUNTS and v.passes[node]:
                contributes = <size_t>self.bound_class[pod] < g.counted_size and (
                    g.counted[self.bound_class[pod]])
            d = self.node_domain[g.key * self.n_nodes + node]
            if contributes and d >= 0:
                g.count[d] -= 1
                if g.count[d] == 0:
                    g.nonempty -= 1
        if g.key == HOSTNAME:
            return 0
        memcpy(g.known, v.universe, self.domain_words * sizeof(uint64_t))
        if self.n_excluded:
            memset(self.dropped, 0, self.domain_words * 64 * sizeof(int32_t))
            for i in range(self.n_excluded):
                node = self.excluded[i]
                d = self.node_domain[g.key * self.n_nodes + node]
                if d >= 0 and self.node_flags[node] & NODE_KNOWN and v.passes[node]:
                    self.dropped[d] += 1
        for d in range(self.n_domains[g.key]):
            i = v.node_known[d] - (self.dropped[d] if self.n_excluded else 0)
            if g.count[d] > 0 or i > 0:
                set_bit(g.known, d)
        return 0

    cdef int activate_class(self, PodClass *k) except -1 nogil:
        cdef int32_t i
        for i in range(k.n_owned_inverse):
            self.activate_group(k.owned_inverse[2 * i], k.owned_inverse[2 * i + 1])
        for i in range(k.n_own):
            self.activate_group(k.own[3 * i], k.own[3 * i + 1])
        return 0

    cdef int host_allows(self, PodClass *k, int32_t host) except -1 nogil:
        """What the groups over hostnames say about a candidate; sets ``permanent``."""
        cdef int32_t i, d, count
        cdef Group *g
        cdef bint occupied
        for i in range(k.n_own):
            g = self.groups[k.own[3 * i]]
            if g.key != HOSTNAME:
                continue
            count = host_count(g, host)
            if g.kind == SPREAD:
                if count + k.own[3 * i + 2] > g.max_skew:
                    self.permanent = True
                    return 0
            elif g.kind == ANTI_AFFINITY:
                if count:
                    self.permanent = True
                    return 0
            else:
                if k.strict_host >= 0 and not self.host_ok(k.strict_host, host):
                    self.permanent = True
                    return 0
                if count:
                    continue
                if not k.own[3 * i + 2]:
                    return 0
                if g.nonempty:
                    if k.strict_host < 0:
                        return 0
                    occupied = False
                    for d in range(<int32_t>g.capacity):
                        if g.count[d] > 0 and self.host_ok(k.strict_host, d):
                            occupied = True
                            break
                    if occupied:
                        return 0
        for i in range(k.n_inverse):
            g = self.groups[k.inverse[i]]
            if g.key == HOSTNAME and g.active and host_count(g, host):
                self.permanent = True
                return 0
        return 1

    cdef bint ask_group(
        self, Group *g, bint selects, const Domains *pod, const Domains *node, uint64_t *out
    ) noexcept nogil:
        """The domains that a group over another key than the hostname allows; False for none."""
        cdef int32_t d, best = -1, number = 0, n = self.n_domains[g.key]
        cdef int32_t *rank = self.domain_rank[g.key] if self.domain_rank != NULL else NULL
        cdef int64_t least = MAX_INT64, count, best_count = MAX_INT64
        cdef bint occupied = False, found = False
        cdef int32_t min_domains = self.variants[g.variant].min_domains
        memset(out, 0, self.domain_words * sizeof(uint64_t))
        if g.kind == SPREAD:
            for d in range(n):
                if bit(g.known, d) and bit(pod.has, d):
                    number += 1
                    if g.count[d] < least:
                        least = g.count[d]
            if min_domains >= 0 and number < min_domains:
                least = 0
            for d in range(n):
                if not bit(g.known, d) or not bit(node.has, d):
                    continue
                count = g.count[d] + selects
                if count - least > g.max_skew:
                    continue
                if count < best_count or (count == best_count and rank[d] < rank[best]):
                    best = d
                    best_count = count
            if best < 0:
                return False
            set_bit(out, best)
            return True
        if g.kind == ANTI_AFFINITY:
            for d in range(n):
                if bit(g.known, d) and g.count[d] == 0 and bit(pod.has, d) and bit(node.has, d):
                    set_bit(out, d)
                    found = True
            return found
        for d in range(n):
            if g.count[d] > 0 and bit(pod.has, d):
                occupied = True
                if bit(node.has, d):
                    set_bit(out, d)
                    found = True
        if found or not selects or (occupied and g.nonempty):
            return found
        # Bootstrap: one domain of pod and node, and one of the pod alone.
        for d in range(n):
            if bit(g.known, d) and bit(pod.has, d) and bit(node.has, d):
                if best < 0 or rank[d] < rank[best]:
                    best = d
        if best >= 0:
            set_bit(out, best)
            found = True
        best = -1
        for d in range(n):
            if bit(g.known, d) and bit(pod.has, d):
                if best < 0 or rank[d] < rank[best]:
                    best = d
        if best >= 0:
            set_bit(out, best)
            found = True
        return found

    cdef int32_t narrowed(self, int mode, PodClass *k, int32_t s) except? -9 nogil:
        """The set narrowed by the pod's groups over other keys than the hostname; -1 refuses."""
        cdef int32_t i, w, key, group, n_keys = 0, result
        cdef Group *g
        cdef uint64_t *mask
        cdef uint64_t *out = self.answer
        cdef bint selects
        if not k.has_zonal:
            return s
        self.room_for_set(s)
        if self.topology_epoch[mode][s] == self.epoch:
            return self.topology_result[mode][s]
        result = s
        memset(self.key_seen, 0, self.n_keys * sizeof(uint64_t))
        for i in range(k.n_own + k.n_inverse):
            if i < k.n_own:
                group, selects = k.own[3 * i], k.own[3 * i + 2]
            else:
                group, selects = k.inverse[i - k.n_own], True
            g = self.groups[group]
            key = g.key
            if key == HOSTNAME or not g.active:
                continue
            if not self.ask_group(
                g, selects, self.domains(k.strict_id, key), self.domains(s, key), out
            ):
                result = -1
                break
            mask = &self.masks[key * self.domain_words]
            if self.key_seen[key]:
                for w in range(self.domain_words):
                    mask[w] &= out[w]
            else:
                self.key_seen[key] = 1
                self.mask_keys[n_keys] = key
                n_keys += 1
                memcpy(mask, out, self.domain_words * sizeof(uint64_t))
        if result >= 0:
            for i in range(n_keys):
                key = self.mask_keys[i]
                result = self.pin(mode, result, key, &self.masks[key * self.domain_words])
                if result < 0:
                    result = -1
                    break
        self.room_for_set(s)
        self.topology_epoch[mode][s] = self.epoch
        self.topology_result[mode][s] = result
        return result

    cdef int count_domain(self, Group *g, int32_t d) except -1 nogil:
        if g.key == HOSTNAME:
            self.room_for_host(g, d)
        else:
            set_bit(g.known, d)
        if g.count[d] == 0:
            g.nonempty += 1
        g.count[d] += 1
        return 0

    cdef int record(self, PodClass *k, int32_t taints, int32_t s, int32_t host) except -1 nogil:
        """Count a pod that has just been placed."""
        cdef int32_t i, j
        cdef Group *g
        cdef Domains *d
        for i in range(k.n_records):
            g = self.groups[k.records[i]]
            if not g.active:
                continue
            if not self.passes(self.variants[g.variant].filter, taints, s, host):
                continue
            if g.key == HOSTNAME:
                self.count_domain(g, host)
                continue
            d = self.domains(s, g.key)
            if g.kind == ANTI_AFFINITY:
                for j in range(d.n_raw):
                    self.count_domain(g, d.raw[j])
            elif d.single >= 0:
                self.count_domain(g, d.single)
        for i in range(k.n_owned_inverse):
            g = self.groups[k.owned_inverse[2 * i]]
            if g.key == HOSTNAME:
                self.count_domain(g, host)
                continue
            d = self.domains(s, g.key)
            for j in range(d.n_raw):
                self.count_domain(g, d.raw[j])
        return 0
