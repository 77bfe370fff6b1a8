"""What must come of removing nodes, known without a round."""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from ._provision_blocks cimport PodBlock, count_kinds
from ._provision_homes cimport ProvisionHomes
from ._provision_prices cimport ColumnBounds
from ._provision_tables cimport CONFLICT, LOOSE, UNKNOWN, PodClass, Template, grown, lower_bound


cdef class ProvisionBounds(ProvisionHomes):
    """Bounds on what-ifs of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, *_):
        cdef size_t k = self.n_resources
        self.lost = <int64_t *>grown(NULL, k * sizeof(int64_t))
        self.group_requests = <int64_t *>grown(NULL, k * sizeof(int64_t))
        self.asked = <int32_t *>grown(NULL, k * sizeof(int32_t))
        self.group_ratio = <double *>grown(NULL, k * k * sizeof(double))

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_possible):
            free(self.possible[i])
        free(self.possible)
        free(self.possible_of)
        free(self.slot_of)
        free(self.leaving)
        free(self.group_classes)
        free(self.group_requests)
        free(self.group_ratio)
        free(self.certain)
        free(self.lost)
        free(self.asked)

    cdef int begin_bounds(self) except -1 nogil:
        """Find the homes; ``node_under`` is set."""
        cdef int32_t i, room = max(64, 2 * self.n_classes)
        self.begin_homes()
        if self.n_classes > self.bounds_room:
            self.slot_of = <int32_t *>grown(self.slot_of, room * sizeof(int32_t))
            self.leaving = <int64_t *>grown(self.leaving, room * sizeof(int64_t))
            self.group_classes = <int32_t *>grown(self.group_classes, room * sizeof(int32_t))
            self.certain = <int32_t *>grown(self.certain, room * sizeof(int32_t))
            for i in range(self.bounds_room, room):
                self.slot_of[i] = 0
                self.leaving[i] = 0
            self.bounds_room = room
        if self.n_possible < self.n_templates:
            self.possible = <uint64_t **>grown(self.possible, self.n_templates * sizeof(void *))
            self.possible_of = <int64_t *>grown(
                self.possible_of, self.n_templates * sizeof(int64_t))
            while self.n_possible < self.n_templates:
                self.possible[self.n_possible] = <uint64_t *>grown(
                    NULL, self.n_words * sizeof(uint64_t))
                self.possible_of[self.n_possible] = 0
                self.n_possible += 1
        return 0

    cdef int sum_up(self, PodBlock *block) except -1 nogil:
        """Count the leavers of a node by class, unless it has been done."""
        cdef int32_t i, r, q, class_id, k = self.n_resources
        cdef const int64_t *requests
        cdef const double *inverse
        if block.n_kinds >= 0:
            return 0
        memset(block.requests, 0, k * sizeof(int64_t))
        for r in range(k * k):
            block.ratio[r] = 0
        for i in range(count_kinds(block, self.slot_of)):
            class_id = block.kind_class[i]
            block.kind_places[i] = <int32_t>self.places_on(block, class_id)
            requests = self.classes[class_id].requests
            inverse = &self.inverse[class_id * k]
            for r in range(k):
                block.requests[r] += block.kind_count[i] * requests[r]
                if requests[r] > 0:
                    for q in range(k):
                        block.ratio[r * k + q] = max(
                            block.ratio[r * k + q], <double>requests[r] * inverse[q])
        return 0

    cdef int sum_up_group(self) except -1 nogil:
        """Sum up the leavers of all excluded nodes, and set what homes have no place for."""
        cdef int32_t i, j, r, n, class_id, m = 0, k = self.n_resources
        cdef int64_t left
        cdef PodBlock *block
        self.n_certain = 0
        memset(self.lost, 0, k * sizeof(int64_t))
        for i in range(self.n_excluded):
            block = self.queues.lists[self.excluded[i]]
            self.sum_up(block)
            if i == 0:
                memcpy(self.group_requests, block.requests, k * sizeof(int64_t))
                memcpy(self.group_ratio, block.ratio, k * k * sizeof(double))
                continue
            for r in range(k):
                self.group_requests[r] += block.requests[r]
            for r in range(k * k):
                self.group_ratio[r] = max(self.group_ratio[r], block.ratio[r])
        self.n_asked = 0
        for r in range(k if self.n_excluded else 0):
            if self.group_requests[r] > 0:
                self.asked[self.n_asked] = r
                self.n_asked += 1
        if self.n_excluded == 1:
            n = self.excluded[0]
            for i in range(block.n_kinds):
                left = block.kind_count[i] - self.places_for(block.kind_class[i])
                if self.is_home[n]:
                    left += block.kind_places[i]
                if left > 0:
                    self.lose(block.kind_class[i], left)
            return 0
        for i in range(self.n_excluded):
            block = self.queues.lists[self.excluded[i]]
            for j in range(block.n_kinds):
                class_id = block.kind_class[j]
                if self.leaving[class_id] == 0:
                    self.group_classes[m] = class_id
                    m += 1
                self.leaving[class_id] += block.kind_count[j]
        for i in range(m):
            class_id = self.group_classes[i]
            left = self.leaving[class_id] - self.places_for(class_id)
            self.leaving[class_id] = 0
            for j in range(self.n_excluded):
                n = self.excluded[j]
                if self.is_home[n]:
                    left += self.places_on(self.queues.lists[n], class_id)
            if left > 0:
                self.lose(class_id, left)
        return 0

    cdef void lose(self, int32_t class_id, int64_t left) noexcept nogil:
        """Note that homes have no place for some pods of a class."""
        cdef const int64_t *requests = self.classes[class_id].requests
        cdef int32_t r
        self.certain[self.n_certain] = class_id
        self.n_certain += 1
        for r in range(self.n_resources):
            self.lost[r] += left * requests[r]

    cdef bint is_hopeless(self) except -1 nogil:
        """Whether no round without ``excluded`` can do with one claim below the group's price.

        Homes have room for so many pods of a class and for so much of a resource, since room only
        becomes less in a round and a pod keeps its requests when it is relaxed.  The leavers beyond
        that go to claims, or a pod of the group has no place that is known to work.  Two claims are
        too many; one is of a type that holds them all and that the sets of their classes allow, and
        costs no less than the least bound of these types.
        """
        cdef int32_t i, r
        cdef int64_t left
        cdef bint is_more = False
        self.sum_up_group()
        self.n_losses += 1
        if self.n_certain and self.is_too_dear():
            return True
        for i in range(self.n_asked):
            r = self.asked[i]
            left = self.group_requests[r] - self.taken_by_all(
                self.group_ratio, self.asked, self.n_asked, r)
            if left > self.lost[r]:
                self.lost[r] = left
                is_more = True
        self.n_losses += is_more
        return is_more and self.is_too_dear()

    cdef bint is_too_dear(self) except -1 nogil:
        """Whether no claim that holds what is lost can be below the group's price."""
        cdef int32_t i
        cdef const uint64_t *columns
        cdef int32_t w
        for i in range(self.n_templates):
            columns = self.possible_columns(i)
            if columns == NULL:
                return False
            for w in range(self.n_words):
                if columns[w]:
                    return False
        return True

    cdef bint is_fixed(self, int32_t class_id) except -1 nogil:
        """Whether pods of a class stay what they are."""
        cdef PodClass *k = self.classes[class_id]
        if k.relaxed == UNKNOWN and self.ask_fixed(class_id):
            k.relaxed = -1
        return k.relaxed == -1

    cdef const uint64_t *possible_columns(self, int32_t template) except? NULL nogil:
        """Columns that hold what is lost and may cost less than the group; NULL if nobody knows."""
        cdef Template *t = self.templates[template]
        cdef uint64_t *columns = self.possible[template]
        cdef const ColumnBounds *bounds
        cdef const ColumnBounds *limit
        cdef const ColumnBounds *last
        cdef int32_t i, s
        if self.possible_of[template] == self.n_losses:
            return columns
        last = bounds = self.claim_prices.bounds_of(template, t.set_id)
        if bounds == NULL:
            return NULL
        self.possible_of[template] = self.n_losses
        if not self.hold_lost(template, columns) or not self.claim_prices.keep_cheaper(
            bounds, self.price, columns
        ):
            return columns
        for i in range(self.n_certain):
            if not self.is_fixed(self.certain[i]):
                continue
            s = self.meet(LOOSE, t.set_id, self.classes[self.certain[i]].set_id)
            if s == CONFLICT:
                memset(columns, 0, self.n_words * sizeof(uint64_t))
                return columns
            if s < 0:
                continue
            limit = self.claim_prices.bounds_of(template, s)
            if limit == NULL or limit == bounds or limit == last:
                continue
            last = limit
            if not self.claim_prices.keep_cheaper(limit, self.price, columns):
                return columns
        return columns

    cdef bint hold_lost(self, int32_t template, uint64_t *columns) noexcept nogil:
        """Find the columns with room for what is lost and the least that daemons add, if any."""
        cdef const Template *t = self.templates[template]
        cdef int32_t r, w, step, n = t.n_columns, words = self.n_words
        cdef uint64_t any_left = 0
        cdef const uint64_t *row
        memcpy(columns, t.all_types, words * sizeof(uint64_t))
        for r in range(self.n_resources):
            step = lower_bound(
                &t.steps[r * n], t.n_steps[r], max(0, self.lost[r]) + t.least_overhead[r])
            if step:
                row = &t.suffix[(r * (n + 1) + step) * words]
                for w in range(words):
                    columns[w] &= row[w]
        for w in range(words):
            any_left |= columns[w]
        return any_left != 0
