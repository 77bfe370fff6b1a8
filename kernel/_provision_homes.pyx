"""What the nodes that leaving pods may go to have room for.

A *home* is an existing node that leaving pods may go to and that is known to work.  From look to
look few of them change: what was counted on all follows those that came and went.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free

from ._provision_batch cimport ProvisionBatch
from ._provision_blocks cimport PodBlock, drop_block, shared
from ._provision_tables cimport NODE_UNINITIALIZED, bit, grown

cdef enum:
    PLENTY = 1 << 20            # places of one class on one node, at most
    MOVES = 256                 # homes that came or went and are remembered

cdef double HUGE = 1e100            # and more: no limit
cdef double MOST = 1 << 62
cdef double SLACK = 1e-9            # so much more that no rounding matters


cdef class ProvisionHomes(ProvisionBatch):
    """The homes of a :class:`pyscale.kernel._provision.Provisioner`."""

    def __cinit__(self, *_):
        self.moves = <PodBlock **>grown(NULL, MOVES * sizeof(void *))
        self.move_sign = <int32_t *>grown(NULL, MOVES * sizeof(int32_t))

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_moves):
            drop_block(self.moves[i])
        for i in range(self.n_homes):
            drop_block(self.homes[i])
        free(self.moves)
        free(self.move_sign)
        free(self.is_home)
        free(self.homes)
        free(self.next_homes)
        free(self.rooms)
        free(self.takes)
        free(self.places)
        free(self.places_of)
        free(self.inverse)

    cdef int room_for_classes(self) except -1 nogil:
        """Make room for what is counted by class."""
        cdef int32_t i, n, room = max(64, 2 * self.n_classes)
        if self.n_classes > self.class_room:
            self.places = <int64_t *>grown(self.places, room * sizeof(int64_t))
            self.places_of = <int64_t *>grown(self.places_of, room * sizeof(int64_t))
            self.inverse = <double *>grown(
                self.inverse, <size_t>room * self.n_resources * sizeof(double))
            for i in range(self.class_room, room):
                self.places_of[i] = -1
            self.class_room = room
        while self.n_inverse < self.n_classes:
            for i in range(self.n_resources):
                n = self.n_inverse * self.n_resources + i
                self.inverse[n] = HUGE
                if self.classes[self.n_inverse].requests[i] > 0:
                    self.inverse[n] = 1 / <double>self.classes[self.n_inverse].requests[i]
            self.n_inverse += 1
        return 0

    cdef int begin_homes(self) except -1 nogil:
        """Find the homes; ``node_under`` is set."""
        cdef int32_t n, r, i = 0
        cdef bint is_same = True
        cdef PodBlock *block
        self.room_for_classes()
        if self.n_nodes > self.home_room:
            self.home_room = n = self.n_nodes + self.n_nodes // 2
            self.is_home = <uint8_t *>grown(self.is_home, n)
            self.homes = <PodBlock **>grown(self.homes, n * sizeof(void *))
            self.next_homes = <PodBlock **>grown(self.next_homes, n * sizeof(void *))
            self.takes = <double *>grown(self.takes, n * sizeof(double))
            self.rooms = <double *>grown(
                self.rooms, <size_t>n * self.n_resources * sizeof(double))
        for n in range(self.n_nodes):
            self.is_home[n] = (
                bit(self.node_usable_base, n) and not self.node_under[n]
                and not self.node_flags[n] & NODE_UNINITIALIZED)
            if self.is_home[n]:
                block = self.queues.lists[n]
                is_same = is_same and i < self.n_homes and self.homes[i] == block
                self.next_homes[i] = block
                i += 1
        if is_same and i == self.n_homes:
            return 0
        self.follow_homes(i)
        for r in range(self.n_resources):
            for i in range(self.n_homes):
                self.rooms[r * self.n_homes + i] = self.homes[i].room[r]
        return 0

    cdef void follow_homes(self, int32_t n) noexcept nogil:
        """Let the next ``n`` homes be the homes, and note which came and which went."""
        cdef int32_t i
        cdef PodBlock **before = self.homes
        self.mark += 2
        for i in range(n):
            self.next_homes[i].mark = self.mark
        for i in range(self.n_homes):
            if before[i].mark == self.mark:
                before[i].mark += 1
            else:
                self.move(before[i], -1)
        for i in range(n):
            if self.next_homes[i].mark == self.mark:
                self.move(self.next_homes[i], 1)
            shared(self.next_homes[i])
        for i in range(self.n_homes):
            drop_block(before[i])
        self.homes, self.next_homes, self.n_homes = self.next_homes, before, n

    cdef void move(self, PodBlock *block, int32_t sign) noexcept nogil:
        """Note that a home came (1) or went (-1)."""
        cdef int32_t i
        if self.n_moves == MOVES:
            for i in range(MOVES):
                drop_block(self.moves[i])
            self.n_forgotten += MOVES
            self.n_moves = 0
        self.moves[self.n_moves], self.move_sign[self.n_moves] = shared(block), sign
        self.n_moves += 1

    cdef int64_t places_on(self, const PodBlock *block, int32_t class_id) noexcept nogil:
        """How many pods of a class a node has room for if no others come; or more."""
        cdef const double *inverse = &self.inverse[class_id * self.n_resources]
        cdef double places = PLENTY, some
        cdef int32_t r
        for r in range(self.n_resources):
            some = block.room[r] * inverse[r]
            places = some if some < places else places
        return <int64_t>(places * (1 + SLACK))

    cdef int64_t places_for(self, int32_t class_id) noexcept nogil:
        """The same of all homes."""
        cdef int64_t now = self.n_forgotten + self.n_moves, then = self.places_of[class_id]
        cdef int64_t places = 0
        cdef int32_t i
        if then == now:
            return self.places[class_id]
        if then >= self.n_forgotten and now - then < self.n_homes:
            places = self.places[class_id]
            for i in range(<int32_t>(then - self.n_forgotten), self.n_moves):
                places += self.move_sign[i] * self.places_on(self.moves[i], class_id)
        else:
            for i in range(self.n_homes):
                places += self.places_on(self.homes[i], class_id)
        self.places_of[class_id], self.places[class_id] = now, places
        return places

    cdef double taken_by(
        self, const PodBlock *block, const double *ratio, const int32_t *asked, int32_t n_asked,
        int32_t r
    ) noexcept nogil:
        """How much of a resource pods of some classes use on a home at most.

        However they are chosen, they use no more of it than what the home has left of another one
        of the resources ``asked`` for lets in, at the greatest ratio that a class has of the two.
        """
        cdef int32_t i, q
        cdef double most = block.room[r]
        for i in range(n_asked):
            q = asked[i]
            if q != r and ratio[r * self.n_resources + q] < HUGE:
                most = min(most, ratio[r * self.n_resources + q] * block.room[q])
        return most

    cdef int64_t taken_by_all(
        self, const double *ratio, const int32_t *asked, int32_t n_asked, int32_t r
    ) noexcept nogil:
        """The same on all homes that are not excluded, or more."""
        cdef int32_t i, j, q
        cdef double *takes = self.takes
        cdef const double *rooms = &self.rooms[r * self.n_homes]
        cdef double factor, whole = 0, gone = 0
        for j in range(self.n_homes):
            takes[j] = rooms[j]
        for i in range(n_asked):
            q = asked[i]
            factor = ratio[r * self.n_resources + q]
            if q == r or factor >= HUGE:
                continue
            rooms = &self.rooms[q * self.n_homes]
            for j in range(self.n_homes):
                takes[j] = takes[j] if takes[j] < factor * rooms[j] else factor * rooms[j]
        for j in range(self.n_homes):
            whole += takes[j]
        for i in range(self.n_excluded):
            if self.is_home[self.excluded[i]]:
                gone += self.taken_by(
                    self.queues.lists[self.excluded[i]], ratio, asked, n_asked, r)
        return <int64_t>min(whole - gone + whole * SLACK, MOST) + 1
