"""One pod of a round: existing nodes, open claims, a new claim, relaxation."""

from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from ._provision_claims cimport ACCEPTED, REQUIREMENTS, RESERVED, TOPOLOGY, ProvisionClaims
from ._provision_tables cimport UNKNOWN, PodClass, grown, pyscale_ctz, set_bit

cdef enum:
    FEW = 64                # living claims that are picked out instead of walking the order,
    MANY = 16               # where at least so many are dead


cdef class ProvisionPods(ProvisionClaims):
    """The single pod of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __dealloc__(self):
        free(self.node_usable)
        free(self.touched)
        free(self.reasons)

    cdef int is_dead(self, PodClass *k, int32_t i) noexcept nogil:
        cdef size_t w = <size_t>(i >> 6)
        return w < k.dead_words and (k.dead[w] >> (i & 63)) & 1

    cdef int bury(self, PodClass *k, int32_t i) except -1 nogil:
        cdef size_t w = <size_t>(i >> 6), room
        if w >= k.dead_words:
            room = max(2 * k.dead_words, w + 8)
            k.dead = <uint64_t *>grown(k.dead, room * sizeof(uint64_t))
            memset(k.dead + k.dead_words, 0, (room - k.dead_words) * sizeof(uint64_t))
            k.dead_words = room
        set_bit(k.dead, i)
        return 0

    cdef int begin_dead(self, PodClass *k) except -1 nogil:
        """Forget the refusals of other nodes, unless they are of these."""
        cdef size_t words = <size_t>(self.n_nodes + 63) >> 6
        if k.dead_base_of == self.n_batches:
            return 0
        if words > k.dead_base_words:
            k.dead_base = <uint64_t *>grown(k.dead_base, words * sizeof(uint64_t))
            k.dead_base_words = words
        if words:
            memset(k.dead_base, 0, words * sizeof(uint64_t))
        k.dead_base_of = self.n_batches
        return 0

    cdef int32_t place_on_node(self, int32_t class_id, bint settles) except -1000 nogil:
        """The first existing node that accepts, or -1."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t w, n, reason
        cdef uint64_t word
        self.begin_dead(k)
        for w in range((self.n_nodes + 63) >> 6):
            word = self.node_usable[w] & ~k.dead_base[w]
            if <size_t>w < k.dead_words:
                word &= ~k.dead[w]
            while word:
                n = 64 * w + pyscale_ctz(word)
                word &= word - 1
                if not settles and self.node_under[n]:
                    continue
                reason = self.try_node(n, class_id)
                if reason == ACCEPTED:
                    self.settle(n, class_id)
                    return n
                if not self.permanent:
                    continue
                if reason == TOPOLOGY or self.node_dirty[n]:
                    self.bury(k, n)
                    continue
                set_bit(k.dead_base, n)
        return -1

    cdef int32_t place_on_claim(self, int32_t class_id) except -1000 nogil:
        """The first open claim that accepts, fewest pods first, or -1."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t c, s
        self.sort_claims()
        if k.n_dead_claims >= MANY and self.n_claims - k.n_dead_claims <= FEW:
            return self.place_on_living(class_id)
        c = self.first_claim
        while c >= 0:
            s = self.claim_set[c]
            if not self.is_dead(k, self.n_nodes + c) and (
                s >= self.set_room or self.refused_epoch[s] != self.epoch
            ):
                if self.try_claim(c, class_id, False) == ACCEPTED:
                    self.join(c, class_id)
                    self.grown_claim = c
                    return c
                if self.permanent:
                    self.bury(k, self.n_nodes + c)
                    k.n_dead_claims += 1
            c = self.claim_next[c]
        return -1

    cdef int32_t place_on_living(self, int32_t class_id) except -1000 nogil:
        """The same where few claims are alive for the class: the first of them is picked out."""
        cdef PodClass *k = self.classes[class_id]
        cdef int32_t[FEW] living
        cdef int32_t n = 0, c, i, best, first = self.n_nodes, w
        cdef int32_t last = self.n_nodes + self.n_claims
        cdef uint64_t word
        if k.n_dead_claims == self.n_claims:
            return -1
        for w in range(first >> 6, ((last - 1) >> 6) + 1):
            word = ~(k.dead[w] if <size_t>w < k.dead_words else <uint64_t>0)
            while word:
                c = 64 * w + pyscale_ctz(word) - first
                word &= word - 1
                if 0 <= c < self.n_claims:
                    living[n] = c
                    n += 1
        while n:
            best = 0
            for i in range(1, n):
                if self.claim_key[living[i]] < self.claim_key[living[best]]:
                    best = i
            c = living[best]
            n -= 1
            living[best] = living[n]
            if self.try_claim(c, class_id, False) == ACCEPTED:
                self.join(c, class_id)
                self.grown_claim = c
                return c
            if self.permanent:
                self.bury(k, self.n_nodes + c)
                k.n_dead_claims += 1
        return -1

    cdef int32_t add_pod(self, int32_t class_id, bint settles) except -1000 nogil:
        """Node number, node count + claim number, or minus the reason."""
        cdef int32_t where, reason
        self.epoch += 1
        where = self.place_on_node(class_id, settles)
        if where >= 0:
            return where
        where = self.place_on_claim(class_id)
        if where >= 0:
            return self.n_nodes + where
        if self.n_templates == 0:
            return -REQUIREMENTS
        reason = self.open_claim(class_id, self.reasons)
        if reason == ACCEPTED:
            return self.n_nodes + self.n_claims - 1
        return -reason

    cdef int32_t schedule(self, int32_t class_id, bint settles) except -1000 nogil:
        """Relax until the pod finds a place; minus the reason if it finds none."""
        cdef int32_t k = class_id, place, after
        memset(self.reasons, 0, self.n_templates)
        while True:
            place = self.add_pod(k, settles)
            if place >= 0 or place == -RESERVED:
                return place
            after = self.classes[k].relaxed
            if after == UNKNOWN:
                after = self.ask_relax(k)
                self.classes[k].relaxed = after
            if after < 0:
                return place
            k = after
            self.touch(k)

    cdef int touch(self, int32_t class_id) except -1 nogil:
        """Use the class in this round: its groups exist from here, and it is cleared after it."""
        cdef PodClass *k = self.classes[class_id]
        if k.in_round:
            return 0
        k.in_round = True
        if self.n_touched == self.touched_room:
            self.touched_room = max(64, 2 * self.touched_room)
            self.touched = <int32_t *>grown(self.touched, self.touched_room * sizeof(int32_t))
        self.touched[self.n_touched] = class_id
        self.n_touched += 1
        self.activate_class(k)
        return 0
