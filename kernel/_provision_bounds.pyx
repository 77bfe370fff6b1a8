"""What must come of removing nodes, known without a round.

A *home* is an existing node that leaving pods may go to and that is known to work.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free

from ._provision_batch cimport ProvisionBatch
from ._provision_blocks cimport PodBlock, count_kinds
from ._provision_prices cimport ColumnBounds
from ._provision_tables cimport (
    CONFLICT, LOOSE, NODE_UNINITIALIZED, UNKNOWN, PodClass, Template, bit, grown)

cdef enum:
    PLENTY = 1 << 20            # places of one class on one node, at most

cdef double HUGE = 1e100            # and more: no limit
cdef double MOST = 1 << 62
cdef double SLACK = 1 + 1e-9        # so much more that no rounding matters


cdef class ProvisionBounds(ProvisionBatch):
    """Bounds on what-ifs of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, *_):
        self.lost = <int64_t *>grown(NULL, self.n_resources * sizeof(int64_t))
        self.beyond = <int64_t *>grown(NULL, self.n_resources * sizeof(int64_t))
        self.asked = <int32_t *>grown(NULL, self.n_resources * sizeof(int32_t))
        self.ratio = <double *>grown(
            NULL, self.n_resources * self.n_resources * sizeof(double))

    def __dealloc__(self):
        free(self.is_home)
        free(self.homes)
        free(self.slot_of)
        free(self.places)
        free(self.places_of)
        free(self.leaving)
        free(self.group_classes)
        free(self.certain)
        free(self.limits)
        free(self.lost)
        free(self.beyond)
        free(self.ratio)
        free(self.asked)
        free(self.inverse)

    cdef int begin_bounds(self) except -1 nogil:
        """Find the homes; ``node_under`` is set."""
        cdef int32_t i, n, room
        cdef bint is_home, is_known = self.homes_of_batch == self.n_batches
        if not is_known:
            self.homes_of_batch = self.n_batches
            self.is_home = <uint8_t *>grown(self.is_home, self.n_nodes)
            self.homes = <int32_t *>grown(self.homes, self.n_nodes * sizeof(int32_t))
        if self.n_classes > self.class_room:
            room = max(64, 2 * self.n_classes)
            self.slot_of = <int32_t *>grown(self.slot_of, room * sizeof(int32_t))
            self.places = <int64_t *>grown(self.places, room * sizeof(int64_t))
            self.places_of = <int64_t *>grown(self.places_of, room * sizeof(int64_t))
            self.leaving = <int64_t *>grown(self.leaving, room * sizeof(int64_t))
            self.group_classes = <int32_t *>grown(self.group_classes, room * sizeof(int32_t))
            self.certain = <int32_t *>grown(self.certain, room * sizeof(int32_t))
            self.limits = <ColumnBounds **>grown(self.limits, room * sizeof(void *))
            self.inverse = <double *>grown(
                self.inverse, <size_t>room * self.n_resources * sizeof(double))
            for i in range(self.class_room, room):
                self.slot_of[i], self.places_of[i], self.leaving[i] = 0, 0, 0
            self.class_room = room
        while self.n_inverse < self.n_classes:
            for i in range(self.n_resources):
                n = self.n_inverse * self.n_resources + i
                self.inverse[n] = HUGE
                if self.classes[self.n_inverse].requests[i] > 0:
                    self.inverse[n] = 1 / <double>self.classes[self.n_inverse].requests[i]
            self.n_inverse += 1
        self.n_homes = 0
        for n in range(self.n_nodes):
            is_home = (
                bit(self.node_usable_base, n) and not self.node_under[n]
                and not self.node_flags[n] & NODE_UNINITIALIZED)
            if is_home:
                self.homes[self.n_homes] = n
                self.n_homes += 1
            if self.is_home[n] != is_home or not is_known:
                self.is_home[n] = is_home
                is_known = False
        # Places on the same homes need not be counted again.
        self.n_scans += not is_known
        return 0

    cdef int64_t places_on(self, int32_t n, int32_t class_id) noexcept nogil:
        """How many pods of a class a home has room for if no others come; or more."""
        cdef const int64_t *requests = self.classes[class_id].requests
        cdef const double *inverse = &self.inverse[class_id * self.n_resources]
        cdef const int64_t *room = &self.node_room_base[n * self.n_resources]
        cdef double places = PLENTY
        cdef int32_t r
        for r in range(self.n_resources):
            if requests[r] > room[r]:
                return 0
            if requests[r] > 0:
                places = min(places, <double>room[r] * inverse[r])
        return <int64_t>(places * SLACK)

    cdef int64_t places_for(self, int32_t class_id) noexcept nogil:
        """The same of all homes."""
        cdef int64_t places = 0
        cdef int32_t i
        if self.places_of[class_id] != self.n_scans:
            self.places_of[class_id] = self.n_scans
            for i in range(self.n_homes):
                places += self.places_on(self.homes[i], class_id)
            self.places[class_id] = places
        return self.places[class_id]

    cdef void spread(self, int32_t m) noexcept nogil:
        """Take off ``lost`` what homes can take of it; ``m`` classes of the group leave.

        However the pods on a home are chosen, they use no more of one resource than what the home
        has left of another one lets in, at the greatest ratio that a class has of the two.
        """
        cdef int32_t i, j, r, q, n, k = self.n_resources, n_asked = 0
        cdef const int64_t *requests
        cdef const double *inverse
        cdef const int64_t *room
        cdef double *ratio
        cdef double most, total
        for r in range(k):
            for j in range(m):
                if self.classes[self.group_classes[j]].requests[r] > 0:
                    self.asked[n_asked] = r
                    n_asked += 1
                    break
        for i in range(n_asked):
            ratio = &self.ratio[i * n_asked]
            for q in range(n_asked):
                ratio[q] = 0
            for j in range(m):
                requests = self.classes[self.group_classes[j]].requests
                inverse = &self.inverse[self.group_classes[j] * k]
                r = self.asked[i]
                if requests[r] > 0:
                    for q in range(n_asked):
                        ratio[q] = max(ratio[q], <double>requests[r] * inverse[self.asked[q]])
        for i in range(n_asked):
            r = self.asked[i]
            ratio = &self.ratio[i * n_asked]
            total = 0
            for j in range(self.n_homes):
                n = self.homes[j]
                if self.node_excluded[n]:
                    continue
                room = &self.node_room_base[n * k]
                most = <double>max(0, room[r])
                for q in range(n_asked):
                    if ratio[q] < HUGE:
                        most = min(most, ratio[q] * <double>max(0, room[self.asked[q]]))
                total += most
            self.lost[r] -= <int64_t>min(total * SLACK, MOST) + 1

    cdef bint is_hopeless(self) except -1 nogil:
        """Whether no round without ``excluded`` can do with one claim below the group's price.

        Homes have room for so many pods of a class and for so much of a resource, since room only
        becomes less in a round and a pod keeps its requests when it is relaxed.  The leavers beyond
        that go to claims, or a pod of the group has no place that is known to work.  Two claims are
        too many; one is of a type that holds them all and that the sets of their classes allow, and
        costs no less than the least bound of these types.
        """
        cdef int32_t i, j, n, r, class_id, m = 0
        cdef PodBlock *block
        cdef int64_t left, count
        cdef int64_t *lost = self.lost
        cdef int64_t *beyond = self.beyond
        cdef const int64_t *requests
        cdef bint is_lost = False
        self.n_certain = 0
        for r in range(self.n_resources):
            lost[r] = beyond[r] = 0
        for i in range(self.n_excluded):
            block = self.queues.lists[self.excluded[i]]
            count_kinds(block, self.slot_of)
            for j in range(block.n_kinds):
                class_id = block.kind_class[j]
                if self.leaving[class_id] == 0:
                    self.group_classes[m] = class_id
                    m += 1
                self.leaving[class_id] += block.kind_count[j]
        for i in range(m):
            class_id = self.group_classes[i]
            requests = self.classes[class_id].requests
            count = left = self.leaving[class_id]
            self.leaving[class_id] = 0
            left -= self.places_for(class_id)
            for j in range(self.n_excluded):
                n = self.excluded[j]
                if self.is_home[n]:
                    left += self.places_on(n, class_id)
            if left > 0:
                self.certain[self.n_certain] = class_id
                self.n_certain += 1
            for r in range(self.n_resources):
                lost[r] += count * requests[r]
                beyond[r] += max(0, left) * requests[r]
        self.spread(m)
        for r in range(self.n_resources):
            lost[r] = max(lost[r], beyond[r])
            if lost[r] > 0:
                is_lost = True
        if not is_lost and self.n_certain == 0:
            return False
        for i in range(self.n_templates):
            if self.has_cheaper(i):
                return False
        return True

    cdef bint is_fixed(self, int32_t class_id) except -1 nogil:
        """Whether pods of a class stay what they are."""
        cdef PodClass *k = self.classes[class_id]
        if k.relaxed == UNKNOWN and self.ask_fixed(class_id):
            k.relaxed = -1
        return k.relaxed == -1

    cdef bint has_cheaper(self, int32_t template) except -1 nogil:
        """Whether a column holds what is lost and may cost less than the group."""
        cdef Template *t = self.templates[template]
        cdef const ColumnBounds *bounds = self.claim_prices.bounds_of(template, t.set_id)
        cdef ColumnBounds *limit
        cdef int32_t i, j, s, column, m = 0
        if bounds == NULL:
            return True
        for i in range(self.n_certain):
            if not self.is_fixed(self.certain[i]):
                continue
            s = self.meet(LOOSE, t.set_id, self.classes[self.certain[i]].set_id)
            if s == CONFLICT:
                return False
            if s >= 0:
                limit = self.claim_prices.bounds_of(template, s)
                if limit != NULL and limit != bounds and (m == 0 or self.limits[m - 1] != limit):
                    self.limits[m] = limit
                    m += 1
        i = 0
        while i < bounds.n and bounds.bounds[i] < self.price:
            column = bounds.columns[i]
            i += 1
            if not self.holds_lost(t, column):
                continue
            for j in range(m):
                if self.limits[j].of_column[column] >= self.price:
                    break
            else:
                return True
        return False

    cdef bint holds_lost(self, const Template *t, int32_t column) noexcept nogil:
        """Whether a column has room for what is lost and the least that daemons add."""
        cdef const int64_t *allocatable = &t.allocatable[column * self.n_resources]
        cdef int32_t r, g
        cdef int64_t lowest
        for r in range(self.n_resources):
            lowest = t.overhead[r]
            for g in range(1, t.n_groups):
                lowest = min(lowest, t.overhead[g * self.n_resources + r])
            if allocatable[r] < max(0, self.lost[r]) + lowest:
                return False
        return True
