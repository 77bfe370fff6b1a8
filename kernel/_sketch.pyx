"""What a round of removals does to plain pods, beside a state that is left as it is.

A round moves tens of thousands of pods, and all of it is undone when the round is over.  A pod that
looks at nothing but the node it comes to asks for little: the room that is left, in one row per
node, and which nodes still may take its class, one bit each.  Within a round room only gets less,
so a node that refused a class is not asked again, unless a move to it is taken back.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memmove, memset

from pyscale.kernel._bind cimport FITS, ClusterState
from pyscale.kernel._bits cimport bits_from, lowest_bit
from pyscale.kernel._cluster cimport class_t, node_t
from pyscale.kernel._filters cimport P_RESOURCES
from pyscale.kernel._growth cimport push, reserve


@cython.final
cdef class Sketch:
    """Room and moves of one round; only valid while the state does not change.

    Moves are numbered by the caller.
    """

    def __dealloc__(self):
        free(self.room)
        free(self.alive.at)
        free(self.gone.at)
        free(self.open)
        free(self.there)
        free(self.slots)
        free(self.maybe)
        free(self.last)
        free(self.arrivals)
        free(self.before.at)
        free(self.moves.at)

    cdef int begin(self, ClusterState state, const uint8_t* accepted) except -1:
        """Read a state; ``is_on`` says whether a sketch tells all that its profile asks for."""
        cdef int64_t i, r, n
        cdef int32_t node
        cdef node_t* there
        cdef int64_t* row
        self.is_on = not state.scoring and not state.n_rules and state.filters[P_RESOURCES]
        if not self.is_on:
            return 0
        state.refresh()
        self.state = state
        n = state.order.n
        self.width = state.n_resources + 1
        self.n_words = (n + 63) >> 6
        self.n_slots = 0
        self.alive.n = self.gone.n = 0
        reserve(
            <void**>&self.room, &self.room_capacity, state.n_nodes * self.width, sizeof(int64_t)
        )
        reserve(<void**>&self.open, &self.open_capacity, self.n_words, sizeof(uint64_t))
        reserve(<void**>&self.there, &self.there_capacity, self.n_words, sizeof(uint64_t))
        reserve(<void**>&self.slots, &self.slot_capacity, state.n_classes, sizeof(int32_t))
        reserve(<void**>&self.last, &self.last_capacity, state.n_nodes, sizeof(int32_t))
        reserve(<void**>&self.arrivals, &self.arrival_capacity, state.n_nodes, sizeof(int32_t))
        memset(self.open, 0, <size_t>self.n_words * sizeof(uint64_t))
        memset(self.there, 0, <size_t>self.n_words * sizeof(uint64_t))
        memset(self.slots, 0xFF, <size_t>state.n_classes * sizeof(int32_t))
        memset(self.arrivals, 0, <size_t>state.n_nodes * sizeof(int32_t))
        for i in range(n):
            node = state.order.at[i]
            there = &state.nodes[node]
            push(&self.alive, <int32_t>i)
            self.there[i >> 6] |= <uint64_t>1 << (i & 63)
            if accepted[node]:
                self.open[i >> 6] |= <uint64_t>1 << (i & 63)
            row = self.room + node * self.width
            row[0] = there.allowed_pods - there.pods
            for r in range(state.n_resources):
                row[1 + r] = (
                    state.allocatable[node * state.resource_stride + r]
                    - state.used[node * state.resource_stride + r]
                )
        return 0

    # --- questions ---

    cdef int32_t place_of(self, int32_t node) except -1:
        """The place of a node among those still there."""
        cdef int32_t wanted = self.state.position[node]
        cdef int64_t low = 0, high = self.alive.n, middle
        while low < high:
            middle = (low + high) >> 1
            if self.alive.at[middle] < wanted:
                low = middle + 1
            else:
                high = middle
        if low == self.alive.n or self.alive.at[low] != wanted:
            raise ValueError(f"node {node} is not there")
        return <int32_t>low

    cdef bint fits(self, int32_t class_id, int32_t node) except -1 nogil:
        """Whether a node takes a pod of a plain class."""
        cdef class_t* pods = &self.state.classes[class_id]
        cdef int64_t* row = self.room + node * self.width
        cdef int64_t i
        if row[0] < 1:
            return False
        for i in range(pods.need.n):
            if pods.need_amount[i] > row[1 + pods.need.at[i]]:
                return False
        return self.state.static_verdict(pods, node) == FITS

    cdef bint has_chance(self, int32_t class_id, int32_t apart) noexcept:
        """Whether any node apart from one may still take a class, open or not."""
        cdef int64_t slot = self.slots[class_id], word
        cdef int32_t own = self.state.position[apart]
        cdef uint64_t bits
        if slot < 0:
            return True
        for word in range(self.n_words):
            bits = self.maybe[slot * self.n_words + word] & self.there[word]
            if word == own >> 6:
                bits &= ~(<uint64_t>1 << (own & 63))
            if bits:
                return True
        return False

    cdef int32_t first_fit(self, int32_t class_id, int64_t start) except -2:
        """The first place from ``start`` on, going round, whose node is open and fits; -1 if none.

        Places are among the nodes still there.
        """
        cdef uint64_t* maybe = self.candidates(class_id)
        cdef int64_t _, rank, at = self.alive.at[start], word = at >> 6
        cdef uint64_t bits = maybe[word] & self.open[word] & bits_from(<int>(at & 63))
        for _ in range(self.n_words + 1):
            while bits:
                at = (word << 6) + lowest_bit(bits)
                if self.fits(class_id, self.state.order.at[at]):
                    rank = start if self.alive.at[start] <= at else 0
                    while self.alive.at[rank] < at:
                        rank += 1
                    return <int32_t>rank
                maybe[word] &= ~(bits & (~bits + 1))
                bits &= bits - 1
            word += 1
            if word == self.n_words:
                word = 0
            bits = maybe[word] & self.open[word]
        return -1

    cdef uint64_t* candidates(self, int32_t class_id) except NULL:
        """The places that are not known to refuse a class."""
        cdef int64_t slot = self.slots[class_id]
        if slot < 0:
            slot = self.slots[class_id] = <int32_t>self.n_slots
            self.n_slots += 1
            reserve(
                <void**>&self.maybe, &self.maybe_capacity, self.n_slots * self.n_words,
                sizeof(uint64_t),
            )
            memset(
                self.maybe + slot * self.n_words, 0xFF,
                <size_t>self.n_words * sizeof(uint64_t),
            )
        return self.maybe + slot * self.n_words

    # --- moves ---

    cdef int shift(self, int32_t class_id, int32_t node, int32_t sign) noexcept:
        cdef class_t* pods = &self.state.classes[class_id]
        cdef int64_t* row = self.room + node * self.width
        cdef int64_t i
        row[0] -= sign
        for i in range(pods.use.n):
            row[1 + pods.use.at[i]] -= sign * pods.use_amount[i]
        return 0

    cdef int arrive(self, int32_t class_id, int32_t node, int64_t i) except -1:
        """The i-th pod of a call comes to a node."""
        cdef int32_t move = self.first + <int32_t>i
        while self.before.n <= move:
            push(&self.before, -1)
        self.shift(class_id, node, 1)
        self.before.at[move] = self.last[node]
        self.last[node] = move
        self.arrivals[node] += 1
        return 0

    cdef int take_back(self, int32_t class_id, int32_t node) noexcept:
        """Undo a move to a node; of several, their order does not matter."""
        self.shift(class_id, node, -1)
        self.last[node] = self.before.at[self.last[node]]
        self.arrivals[node] -= 1
        return 0

    cdef int ask_again(self, int32_t class_id, int32_t node) noexcept:
        """A node that got room back may take a class that it has refused."""
        cdef int32_t place = self.state.position[node]
        cdef int64_t slot = self.slots[class_id]
        if slot >= 0:
            self.maybe[slot * self.n_words + (place >> 6)] |= <uint64_t>1 << (place & 63)
        return 0

    cdef bint close(self, int32_t node) except -1:
        """Let the scan pass a node over; whether it did not before."""
        cdef int32_t place = self.alive.at[self.place_of(node)]
        cdef uint64_t bit = <uint64_t>1 << (place & 63)
        cdef bint was_open = self.open[place >> 6] & bit != 0
        self.open[place >> 6] &= ~bit
        return was_open

    cdef int reopen(self, int32_t node) noexcept:
        cdef int32_t place = self.state.position[node]
        self.open[place >> 6] |= <uint64_t>1 << (place & 63)
        return 0

    cdef int remove(self, int32_t node) except -1:
        """A node goes, together with its pods."""
        cdef int32_t place = self.place_of(node)
        cdef int32_t at = self.alive.at[place]
        self.close(node)
        self.there[at >> 6] &= ~(<uint64_t>1 << (at & 63))
        self.alive.n -= 1
        memmove(
            self.alive.at + place, self.alive.at + place + 1,
            <size_t>(self.alive.n - place) * sizeof(int32_t),
        )
        push(&self.gone, node)
        return 0

    cdef int gather(self, int32_t node) except -1:
        """Write the moves to a node into ``moves``, in order."""
        cdef int64_t i = self.arrivals[node]
        cdef int32_t move = self.last[node]
        reserve(<void**>&self.moves.at, &self.moves.capacity, i, sizeof(int32_t))
        self.moves.n = i
        while i > 0:
            i -= 1
            self.moves.at[i] = move
            move = self.before.at[move]
        return 0
