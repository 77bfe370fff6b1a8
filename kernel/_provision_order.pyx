"""The order of open claims: by number of pods, as Go's unstable sort leaves them.

Upstream sorts before every attempt.  One claim has changed since the last time, so the order is a
linked list with the first and the last claim of each number of pods, and a step is O(1); where Go's
algorithm does something else than a stable sort would, it is run.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free

from ._gosort cimport go_sort
from ._provision_tables cimport grown
from ._provision_topology cimport ProvisionTopology

cdef enum:
    STAMP_BITS = 41         # a key is the number of pods, then the place among equals


cdef class ProvisionOrder(ProvisionTopology):
    """The order of the claims of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __dealloc__(self):
        free(self.claim_pods)
        free(self.claim_next)
        free(self.claim_before)
        free(self.claim_key)
        free(self.first_of)
        free(self.last_of)
        free(self.n_of)
        free(self.sorting)

    cdef int room_for_level(self, int32_t pods) except -1 nogil:
        cdef int32_t room = self.level_room, i
        if pods < room:
            return 0
        room = max(64, 2 * room, pods + 1)
        self.first_of = <int32_t *>grown(self.first_of, room * sizeof(int32_t))
        self.last_of = <int32_t *>grown(self.last_of, room * sizeof(int32_t))
        self.n_of = <int32_t *>grown(self.n_of, room * sizeof(int32_t))
        for i in range(self.level_room, room):
            self.first_of[i] = -1
            self.last_of[i] = -1
            self.n_of[i] = 0
        self.level_room = room
        return 0

    cdef void forget_claims(self) noexcept nogil:
        cdef int32_t i
        for i in range(self.most_pods + 1):
            self.first_of[i] = -1
            self.last_of[i] = -1
            self.n_of[i] = 0
        self.n_claims = 0
        self.first_claim = self.grown_claim = self.appended_claim = -1
        self.most_pods = 0
        self.low_stamp = self.high_stamp = 0
        if self.level_room == 0:
            self.most_pods = -1

    cdef int sort_claims(self) except -1 nogil:
        """Bring the open claims into the order that Go's unstable sort gives them, or a stable one.

        Since the last time one claim grew or was added.  With at most 12 claims, and with 50 and
        more, the sort moves a grown claim behind its former equals and a new one behind the others
        of one pod, unless the misplaced pair is sampled for the pivot; then, and in between, the
        real sort runs.
        """
        cdef int32_t n = self.n_claims, c = self.grown_claim, pods, last, before, following
        if self.appended_claim >= 0:
            if 12 < n < 50 and not self.stable_order:
                self.sort_really()
            else:
                self.append_claim(self.appended_claim)
            self.appended_claim = -1
            return 0
        if c < 0:
            return 0
        self.grown_claim = -1
        pods = <int32_t>self.claim_pods[c] - 1
        last = self.last_of[pods]
        if last != c and n > 12 and not self.stable_order and (
            n < 50 or self.is_sampled(c, pods)
        ):
            self.sort_really()
            return 0
        before, following = self.claim_before[c], self.claim_next[c]
        if last == c:
            # It stays in its place, and leads the next level from there.
            if self.first_of[pods] == c:
                self.first_of[pods] = self.last_of[pods] = -1
            else:
                self.last_of[pods] = before
        else:
            if self.first_of[pods] == c:
                self.first_of[pods] = following
            self.claim_before[following] = before
            if before < 0:
                self.first_claim = following
            else:
                self.claim_next[before] = following
            self.link_behind(c, last)
        self.n_of[pods] -= 1
        self.n_of[pods + 1] += 1
        self.first_of[pods + 1] = c
        if self.last_of[pods + 1] < 0:
            self.last_of[pods + 1] = c
        self.low_stamp -= 1
        self.claim_key[c] = (<int64_t>(pods + 1) << STAMP_BITS) + self.low_stamp
        self.most_pods = max(self.most_pods, pods + 1)
        return 0

    cdef bint is_sampled(self, int32_t c, int32_t pods) noexcept nogil:
        """Whether the misplaced pair of a claim and its follower is sampled for the pivot."""
        cdef int32_t first = 0, end, i, v, quarter = self.n_claims // 4
        cdef bint near = False
        for v in range(pods):
            first += self.n_of[v]
        end = first + self.n_of[pods]
        for i in range(1, 4):
            if first <= i * quarter and i * quarter - 1 < end:
                near = True
        if not near:
            return False
        i = self.first_of[pods]
        while i != c:
            first += 1
            i = self.claim_next[i]
        return first % quarter in (0, quarter - 1) and quarter - 1 <= first <= 3 * quarter

    cdef void link_behind(self, int32_t c, int32_t before) noexcept nogil:
        cdef int32_t following = self.first_claim if before < 0 else self.claim_next[before]
        self.claim_before[c] = before
        self.claim_next[c] = following
        if before < 0:
            self.first_claim = c
        else:
            self.claim_next[before] = c
        if following >= 0:
            self.claim_before[following] = c

    cdef void append_claim(self, int32_t c) noexcept nogil:
        self.link_behind(c, self.last_of[1])
        if self.first_of[1] < 0:
            self.first_of[1] = c
        self.last_of[1] = c
        self.n_of[1] += 1
        self.high_stamp += 1
        self.claim_key[c] = (<int64_t>1 << STAMP_BITS) + self.high_stamp
        self.most_pods = max(self.most_pods, 1)

    cdef void sort_really(self) noexcept nogil:
        """Run Go's sort on the array as it is now, and take the list from it."""
        cdef int32_t n = 0, i, c = self.first_claim, pods
        while c >= 0:
            self.sorting[n] = c
            n += 1
            c = self.claim_next[c]
        if self.appended_claim >= 0:
            self.sorting[n] = self.appended_claim
            n += 1
        go_sort(self.sorting, n, self.claim_pods)
        for i in range(self.most_pods + 2):
            self.first_of[i] = -1
            self.last_of[i] = -1
            self.n_of[i] = 0
        self.first_claim = self.sorting[0]
        for i in range(n):
            c = self.sorting[i]
            pods = <int32_t>self.claim_pods[c]
            self.claim_before[c] = self.sorting[i - 1] if i else -1
            self.claim_next[c] = self.sorting[i + 1] if i + 1 < n else -1
            self.claim_key[c] = (<int64_t>pods << STAMP_BITS) + i
            if self.first_of[pods] < 0:
                self.first_of[pods] = c
            self.last_of[pods] = c
            self.n_of[pods] += 1
        self.most_pods = <int32_t>self.claim_pods[self.sorting[n - 1]]
        self.low_stamp = 0
        self.high_stamp = n
