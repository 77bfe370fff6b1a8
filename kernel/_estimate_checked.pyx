"""The estimate of ``_estimate`` where filters look at more than room: every pod is checked."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from pyscale.kernel._bind cimport FITS, NODE_NAME, SPREAD, ClusterState
from pyscale.kernel._draw cimport Draw


@cython.final
cdef class CheckedNodes:
    """The estimate with every filter asked for every pod, inside a fork of the caller's.

    Parameters
    ----------
    state : ClusterState
    kind : int
        Kind of a new node.
    own : array of int32
        Classes of the pods that start with a node.
    new_names : callable
        Returns ``(name id, hostname id)`` of the n-th new node.
    last_match, limit : int
        As for ``NewNodes``.
    open_nodes : array of uint8
        Per node id, whether the scan over all nodes may use it: those that are not cordoned.
    draw : Draw, optional
        Draws nodes instead of the scan.
    """

    cdef ClusterState state
    cdef int32_t kind
    cdef object own
    cdef object new_names
    cdef readonly int64_t last_match
    cdef int64_t limit
    cdef int64_t permitted
    cdef readonly int64_t arithmetic_nodes
    cdef readonly list nodes
    cdef readonly dict held
    cdef uint8_t* is_new
    cdef uint8_t* may_use
    cdef int64_t capacity
    cdef int32_t latest
    cdef Draw draw

    def __cinit__(
        self, ClusterState state not None, int32_t kind, object own, object new_names,
        int64_t last_match, int64_t limit, const uint8_t[::1] open_nodes not None,
        Draw draw=None,
    ):
        cdef int64_t i
        self.state = state
        self.kind = kind
        self.own = own
        self.new_names = new_names
        self.last_match = last_match
        self.limit = limit
        self.draw = draw
        self.nodes = []
        self.held = {}
        self.latest = -1
        self.grow(max(state.n_nodes + 64, open_nodes.shape[0]))
        for i in range(open_nodes.shape[0]):
            self.may_use[i] = open_nodes[i]

    def __dealloc__(self):
        free(self.is_new)
        free(self.may_use)

    cdef int grow(self, int64_t need) except -1:
        cdef int64_t capacity = self.capacity
        cdef void* moved
        if need <= capacity:
            return 0
        capacity = max(need, 2 * capacity)
        moved = realloc(self.is_new, <size_t>capacity)
        if moved == NULL:
            raise MemoryError
        self.is_new = <uint8_t*>moved
        moved = realloc(self.may_use, <size_t>capacity)
        if moved == NULL:
            raise MemoryError
        self.may_use = <uint8_t*>moved
        memset(self.is_new + self.capacity, 0, <size_t>(capacity - self.capacity))
        memset(self.may_use + self.capacity, 0, <size_t>(capacity - self.capacity))
        self.capacity = capacity
        return 0

    cdef bint permit(self) noexcept:
        if self.limit < 0 or (self.limit > 0 and self.permitted >= self.limit):
            return False
        self.permitted += 1
        return True

    cdef bint open(self) except -1:
        """Open one node if that is permitted."""
        cdef int32_t name, host
        if not self.permit():
            return False
        name, host = self.new_names(len(self.nodes))
        self.latest = self.state.insert_node(self.kind, name, host)
        self.grow(self.latest + 1)
        self.is_new[self.latest] = 1
        self.may_use[self.latest] = not self.state.kinds[self.kind].cordoned
        for class_id in self.own:
            self.state.put(class_id, self.latest)
        self.nodes.append(self.latest)
        self.held[self.latest] = {}
        return True

    cdef int record(self, int32_t class_id, int32_t group, int32_t node, int64_t* placed) except -1:
        self.state.put(class_id, node)
        counts = self.held.setdefault(node, {})
        counts[group] = counts.get(group, 0) + 1
        placed[0] += 1
        return 0

    cdef int32_t scan(self, int32_t class_id, const uint8_t* accepted) except -2:
        cdef int32_t place
        if self.state.n_active == 0:
            return -1
        if self.draw is not None:
            place = self.draw.place(self.state, class_id, accepted)
        else:
            place = self.state.first_fit(
                class_id, <int32_t>((self.last_match + 1) % self.state.n_active), accepted
            )
        if place < 0:
            return -1
        self.last_match = place
        return self.state.order.at[place]

    cdef int64_t fill(
        self, int32_t class_id, int32_t group, int64_t count, int64_t* placed
    ) except -1:
        cdef int64_t done
        cdef int32_t node
        cdef uint8_t cordoned = self.state.kinds[self.kind].cordoned
        if not self.nodes or cordoned:
            return 0
        for done in range(count):
            node = self.scan(class_id, self.is_new)
            if node < 0:
                return done
            self.record(class_id, group, node, placed)
        return count

    cdef bint extend(
        self, int32_t class_id, int32_t group, int64_t count, bint fits, bint spreads,
        int64_t* placed,
    ) except -1:
        """Fill the latest node, open another when it refuses; false if none may be opened."""
        cdef int64_t _k
        cdef int32_t node
        cdef int verdict
        for _k in range(count):
            if self.latest >= 0:
                verdict = self.state.check(class_id, self.latest) if fits else NODE_NAME
                if verdict == FITS:
                    self.record(class_id, group, self.latest, placed)
                    continue
                if spreads and verdict == SPREAD:
                    self.may_use[self.latest] = 0
                    node = self.scan(class_id, self.may_use)
                    self.may_use[self.latest] = not self.state.kinds[self.kind].cordoned
                    if node >= 0:
                        self.record(class_id, group, node, placed)
                        continue
                if not self.held[self.latest]:
                    return True
            if not self.open():
                return False
            if not fits or self.state.check(class_id, self.latest) != FITS:
                return True
            self.record(class_id, group, self.latest, placed)
        return True

    cdef bint extend_one_by_one(
        self, int32_t class_id, int32_t group, int64_t count, bint fits, bint spreads,
        bint may_add, int64_t* placed,
    ) except -1:
        """As many groups of one pod each."""
        cdef int64_t _k, before
        for _k in range(count):
            before = placed[0]
            if fits:
                self.fill(class_id, group, 1, placed)
            if placed[0] == before and may_add:
                may_add = self.extend(class_id, group, 1, fits, spreads, placed)
        return may_add

    cdef bint extend_by_arithmetic(
        self, int32_t class_id, int32_t group, int64_t count, bint fits, int64_t* placed
    ) except -1:
        cdef int64_t each = 0, left, _k
        if count == 0:
            return True
        if not self.open():
            return False
        while fits and each < count and self.state.check(class_id, self.latest) == FITS:
            self.record(class_id, group, self.latest, placed)
            each += 1
        if each == 0:
            return True
        left = count - each
        for _k in range((count + each - 1) // each - 1):
            if not self.permit():
                return False
            self.arithmetic_nodes += 1
            placed[0] += min(each, left)
            left -= min(each, left)
        return True

    def deal(
        self, const int32_t[::1] classes not None, const int64_t[::1] counts not None,
        const uint8_t[::1] fits not None, const uint8_t[::1] spreads not None,
        const uint8_t[::1] alone not None, int64_t[::1] placed not None, int64_t arithmetic=-1,
    ):
        """Place groups of pods, in the order given.

        ``fits`` is 0 for groups that PreFilter keeps from every new node, ``spreads`` 1 for those
        with a spread constraint over hostnames; the rest as in ``NewNodes.deal``.
        """
        cdef int64_t g, rest
        cdef bint may_add = True
        for g in range(classes.shape[0]):
            placed[g] = 0
            if alone[g]:
                may_add = self.extend_one_by_one(
                    classes[g], <int32_t>g, counts[g], fits[g], spreads[g], may_add, &placed[g]
                )
                continue
            if fits[g]:
                self.fill(classes[g], <int32_t>g, counts[g], &placed[g])
            if not may_add:
                continue
            rest = counts[g] - placed[g]
            if g == arithmetic:
                may_add = self.extend_by_arithmetic(
                    classes[g], <int32_t>g, rest, fits[g], &placed[g]
                )
            else:
                may_add = self.extend(
                    classes[g], <int32_t>g, rest, fits[g], spreads[g], &placed[g]
                )
