"""How many new nodes of one template the pods of a node group need.

Cluster Autoscaler's binpacking estimator: every group of alike pods first goes to the nodes opened
before, by the rotating scan; the first pod that none of them takes opens nodes, and only the latest
one is tried before another is opened.  A fresh node that refuses ends its group; a node left empty
ends the next group too.  Permission is asked before each new node.

Here pods are counted: those that nothing but room and the node itself restricts are dealt to runs
of equal nodes, round by round, without looking at single pods or nodes.  Where a filter looks
further, ``_estimate_checked`` asks it pod by pod.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memmove

from pyscale.kernel._bind cimport ClusterState
from pyscale.kernel._cluster cimport class_t


cdef struct run_t:
    int64_t first    # position of the first node among the new ones
    int64_t size
    int64_t copies   # of the class at hand, per node
    int64_t taken    # by the class at hand, per node
    int32_t content  # what its nodes hold: entry of the content list, -1 nothing


@cython.final
cdef class NewNodes:
    """Nodes opened by an estimate, as runs of equal ones, and what they hold.

    Parameters
    ----------
    state : ClusterState
    template : int
        A node of the template in its fresh state: only its pods that start with the node.
    n_base : int
        Nodes in the list before the new ones.
    last_match : int
        Place in the list where the rotating scan found a node last.
    limit : int
        Nodes that may be opened; 0 any number, negative none.
    """

    cdef ClusterState state
    cdef int32_t n_resources
    cdef int64_t* fresh          # room of a fresh node per resource, the last one in pods
    cdef int64_t* room           # [run][resource]
    cdef run_t* runs
    cdef int64_t* takers         # runs with room for the class at hand, in order
    cdef int64_t n_takers
    cdef int64_t join_at
    cdef int64_t capacity
    cdef readonly int64_t n_runs
    cdef readonly int64_t n_nodes
    cdef int64_t n_base
    cdef readonly int64_t last_match
    cdef int64_t limit
    cdef int64_t permitted
    cdef readonly int64_t arithmetic_nodes
    cdef int32_t* content_group
    cdef int64_t* content_count
    cdef int32_t* content_parent
    cdef int64_t content_capacity
    cdef int32_t n_contents

    def __cinit__(
        self, ClusterState state not None, int32_t template, int64_t n_base, int64_t last_match,
        int64_t limit,
    ):
        cdef int64_t r, base = template * state.resource_stride
        self.state = state
        self.n_resources = state.n_resources + 1
        self.fresh = <int64_t*>malloc(<size_t>self.n_resources * sizeof(int64_t))
        if self.fresh == NULL:
            raise MemoryError
        for r in range(state.n_resources):
            self.fresh[r] = state.allocatable[base + r] - state.used[base + r]
        self.fresh[state.n_resources] = (
            state.nodes[template].allowed_pods - state.nodes[template].pods
        )
        self.n_base = n_base
        self.last_match = last_match
        self.limit = limit
        self.join_at = 64
        self.reserve_runs(16)

    def __dealloc__(self):
        free(self.fresh)
        free(self.room)
        free(self.runs)
        free(self.takers)
        free(self.content_group)
        free(self.content_count)
        free(self.content_parent)

    cdef int reserve_runs(self, int64_t need) except -1:
        cdef int64_t capacity = self.capacity
        cdef void* moved
        if need <= capacity:
            return 0
        capacity = max(need, 2 * capacity)
        moved = realloc(self.runs, <size_t>capacity * sizeof(run_t))
        if moved == NULL:
            raise MemoryError
        self.runs = <run_t*>moved
        moved = realloc(self.room, <size_t>(capacity * self.n_resources) * sizeof(int64_t))
        if moved == NULL:
            raise MemoryError
        self.room = <int64_t*>moved
        moved = realloc(self.takers, <size_t>(capacity + 2) * sizeof(int64_t))
        if moved == NULL:
            raise MemoryError
        self.takers = <int64_t*>moved
        self.capacity = capacity
        return 0

    cdef int64_t copies(self, class_t* pods, int64_t* room) noexcept nogil:
        """How many pods of the class fit into a room."""
        cdef int64_t most = room[self.n_resources - 1], i, fit
        for i in range(pods.need.n):
            if room[pods.need.at[i]] < pods.need_amount[i]:
                return 0
            fit = room[pods.need.at[i]] // pods.need_amount[i]
            if fit < most:
                most = fit
        return most if most > 0 else 0

    cdef int32_t content(self, int32_t parent, int32_t group, int64_t count) except -1:
        """Return a new entry of the content list."""
        cdef int64_t capacity
        cdef void* moved
        if self.n_contents == self.content_capacity:
            capacity = 2 * self.content_capacity + 64
            moved = realloc(self.content_group, <size_t>capacity * sizeof(int32_t))
            if moved == NULL:
                raise MemoryError
            self.content_group = <int32_t*>moved
            moved = realloc(self.content_count, <size_t>capacity * sizeof(int64_t))
            if moved == NULL:
                raise MemoryError
            self.content_count = <int64_t*>moved
            moved = realloc(self.content_parent, <size_t>capacity * sizeof(int32_t))
            if moved == NULL:
                raise MemoryError
            self.content_parent = <int32_t*>moved
            self.content_capacity = capacity
        self.content_group[self.n_contents] = group
        self.content_count[self.n_contents] = count
        self.content_parent[self.n_contents] = parent
        self.n_contents += 1
        return self.n_contents - 1

    cdef int split(self, int64_t run, int64_t size) except -1:
        """Cut a run after ``size`` nodes."""
        cdef int64_t stride = self.n_resources
        self.reserve_runs(self.n_runs + 1)
        memmove(
            &self.runs[run + 1], &self.runs[run], <size_t>(self.n_runs - run) * sizeof(run_t)
        )
        memmove(
            self.room + (run + 1) * stride, self.room + run * stride,
            <size_t>((self.n_runs - run) * stride) * sizeof(int64_t),
        )
        self.n_runs += 1
        self.runs[run].size = size
        self.runs[run + 1].first += size
        self.runs[run + 1].size -= size
        return 0

    cdef int append(self, class_t* pods, int32_t group, int64_t nodes, int64_t each) except -1:
        """Open nodes that take ``each`` pods of a class."""
        cdef run_t* run
        cdef int64_t i
        cdef int64_t* room
        if nodes == 0:
            return 0
        self.reserve_runs(self.n_runs + 1)
        run = &self.runs[self.n_runs]
        room = self.room + self.n_runs * self.n_resources
        run.first = self.n_nodes
        run.size = nodes
        run.content = self.content(-1, group, each) if each else -1
        memcpy(room, self.fresh, <size_t>self.n_resources * sizeof(int64_t))
        for i in range(pods.use.n):
            room[pods.use.at[i]] -= each * pods.use_amount[i]
        room[self.n_resources - 1] -= each
        self.n_runs += 1
        self.n_nodes += nodes
        return 0

    cdef int64_t fill(self, int32_t class_id, int32_t group, int64_t count) except -1:
        """Deal pods of a class to the open nodes by rotating scan; return how many were taken."""
        cdef class_t* pods = &self.state.classes[class_id]
        cdef int64_t i, k, total = 0, most = 0, low, high, middle, rounds, extra, dealt, place
        cdef int64_t start, last = -1
        cdef int64_t* room = self.room
        cdef run_t* run
        self.n_takers = 0
        for i in range(self.n_runs):
            k = self.copies(pods, room)
            room += self.n_resources
            if k == 0:
                continue
            run = &self.runs[i]
            run.copies = k
            run.taken = 0
            total += k * run.size
            if k > most:
                most = k
            self.takers[self.n_takers] = i
            self.n_takers += 1
        if total == 0 or count == 0:
            return 0
        dealt = count if count < total else total
        # The most full rounds that the pods allow, and what is left for one more.
        low = 0
        high = most
        while low < high:
            middle = (low + high + 1) // 2
            if self.in_rounds(middle) <= dealt:
                low = middle
            else:
                high = middle - 1
        rounds = low
        extra = dealt - self.in_rounds(rounds)
        # The circle begins behind the node that took the last pod.
        place = (self.last_match + 1) % (self.n_base + self.n_nodes) - self.n_base
        if place < 0:
            place = 0
        start = 0
        while start < self.n_takers:
            run = &self.runs[self.takers[start]]
            if run.first + run.size > place:
                break
            start += 1
        if start == self.n_takers:
            start = 0
        elif self.runs[self.takers[start]].first < place:
            self.split_taker(start, place - self.runs[self.takers[start]].first)
            start += 1
        k = 0
        while k < self.n_takers:
            i = start + k
            if i >= self.n_takers:
                i -= self.n_takers
            run = &self.runs[self.takers[i]]
            run.taken = min(run.copies, rounds)
            if run.copies > rounds and extra > 0:
                if extra < run.size:
                    self.split_taker(i, extra)  # the second half comes next, and gets no more
                    if i < start:
                        start += 1
                    run = &self.runs[self.takers[i]]
                run.taken = rounds + 1
                extra -= run.size
                last = run.first + run.size - 1
            k += 1
        if last < 0:
            # No extra round: the last pod went to the last of those that took part in the last.
            for k in range(self.n_takers - 1, -1, -1):
                i = start + k
                if i >= self.n_takers:
                    i -= self.n_takers
                run = &self.runs[self.takers[i]]
                if run.copies >= rounds:
                    last = run.first + run.size - 1
                    break
        self.last_match = self.n_base + last
        self.settle(pods, group)
        return dealt

    cdef int split_taker(self, int64_t taker, int64_t size) except -1:
        """Cut the run of a taker after ``size`` nodes; the second half is the next taker."""
        cdef int64_t i
        self.split(self.takers[taker], size)
        for i in range(self.n_takers - 1, taker, -1):
            self.takers[i + 1] = self.takers[i] + 1
        self.takers[taker + 1] = self.takers[taker] + 1
        self.n_takers += 1
        return 0

    cdef int64_t in_rounds(self, int64_t rounds) noexcept nogil:
        """How many pods so many full rounds deal."""
        cdef int64_t i, total = 0
        cdef run_t* run
        for i in range(self.n_takers):
            run = &self.runs[self.takers[i]]
            total += run.size * (run.copies if run.copies < rounds else rounds)
        return total

    cdef int settle(self, class_t* pods, int32_t group) except -1:
        """Take the room of what was dealt; join neighbours that hold the same now and then."""
        cdef int64_t i, j, k, stride = self.n_resources
        cdef int64_t* room
        cdef int32_t parent = -2, content = -1, before
        cdef int64_t amount = -1
        cdef run_t* run
        for k in range(self.n_takers):
            i = self.takers[k]
            run = &self.runs[i]
            if run.taken == 0:
                continue
            before = run.content
            if before != parent or run.taken != amount:
                content = self.content(before, group, run.taken)
                parent = before
                amount = run.taken
            run.content = content
            room = self.room + i * stride
            for j in range(pods.use.n):
                room[pods.use.at[j]] -= run.taken * pods.use_amount[j]
            room[stride - 1] -= run.taken
        if self.n_runs > self.join_at:
            self.join()
            self.join_at = 2 * self.n_runs + 64
        return 0

    cdef int join(self) noexcept:
        """Make one run of neighbours that hold the same."""
        cdef int64_t i, kept = 0, stride = self.n_resources
        cdef run_t* run
        for i in range(self.n_runs):
            run = &self.runs[i]
            if kept and run.content == self.runs[kept - 1].content and run.content >= 0:
                self.runs[kept - 1].size += run.size
                continue
            if kept != i:
                self.runs[kept] = run[0]
                memcpy(
                    self.room + kept * stride, self.room + i * stride,
                    <size_t>stride * sizeof(int64_t),
                )
            kept += 1
        self.n_runs = kept
        return 0

    cdef int64_t permit(self, int64_t wanted) noexcept nogil:
        """How many of so many nodes may be opened; they are."""
        cdef int64_t allowed = wanted
        if self.limit < 0:
            allowed = 0
        elif self.limit > 0 and self.limit - self.permitted < wanted:
            allowed = self.limit - self.permitted
        self.permitted += allowed
        return allowed

    cdef bint open(
        self, int32_t class_id, int32_t group, int64_t count, bint fits, bint alone,
        int64_t* placed,
    ) except -1:
        """Open nodes for pods that no open node takes; false if no more may be opened.

        Groups of one pod each look for room by rotating scan before a node is opened, so all but
        the first pod of a node move the scan.
        """
        cdef class_t* pods = &self.state.classes[class_id]
        cdef int64_t each, nodes, allowed, full
        if count == 0:
            return True
        if self.n_runs and self.runs[self.n_runs - 1].content < 0:
            return True
        each = self.copies(pods, self.fresh) if fits else 0
        if each == 0:
            if self.permit(1) == 0:
                return False
            self.append(pods, group, 1, 0)
            return True
        nodes = (count + each - 1) // each
        allowed = self.permit(nodes)
        full = allowed if allowed < nodes else count // each
        self.append(pods, group, full, each)
        placed[0] += full * each
        if alone and full and each > 1:
            self.last_match = self.n_base + self.n_nodes - 1
        if allowed < nodes:
            return False
        if full < nodes:
            self.append(pods, group, 1, count - full * each)
            placed[0] = placed[0] + count - full * each
            if alone and count - full * each > 1:
                self.last_match = self.n_base + self.n_nodes - 1
        return True

    cdef bint open_by_arithmetic(
        self, int32_t class_id, int32_t group, int64_t count, bint fits, int64_t* placed
    ) except -1:
        """Fill one node, and count further ones that take as many each."""
        cdef class_t* pods = &self.state.classes[class_id]
        cdef int64_t each, nodes, allowed
        if count == 0:
            return True
        if self.permit(1) == 0:
            return False
        each = min(count, self.copies(pods, self.fresh)) if fits else 0
        self.append(pods, group, 1, each)
        if each == 0:
            return True
        placed[0] += each
        nodes = (count + each - 1) // each - 1
        allowed = self.permit(nodes)
        self.arithmetic_nodes += allowed
        placed[0] += min(allowed * each, count - each)
        return allowed == nodes

    def deal(
        self, const int32_t[::1] classes not None, const int64_t[::1] counts not None,
        const uint8_t[::1] fits not None, const uint8_t[::1] alone not None,
        int64_t[::1] placed not None, int64_t arithmetic=-1,
    ):
        """Place groups of pods, in the order given.

        Parameters
        ----------
        classes : array of int32, shape (n_groups,)
            All of them plain.
        counts : array of int64, shape (n_groups,)
            Pods of each group.
        fits : array of uint8, shape (n_groups,)
            Whether the template's labels and taints let the group in at all.
        alone : array of uint8, shape (n_groups,)
            1 for groups that stand for as many groups of one pod each.
        placed : array of int64, shape (n_groups,)
            Filled with the pods placed, which are the first of each group.
        arithmetic : int
            The group placed by arithmetic, -1 for none.
        """
        cdef int64_t g, rest
        cdef bint may_add = True
        for g in range(classes.shape[0]):
            placed[g] = 0
            if fits[g] and self.n_nodes:
                placed[g] = self.fill(classes[g], <int32_t>g, counts[g])
            if not may_add:
                continue
            rest = counts[g] - placed[g]
            if g == arithmetic:
                may_add = self.open_by_arithmetic(
                    classes[g], <int32_t>g, rest, fits[g], &placed[g]
                )
            else:
                may_add = self.open(
                    classes[g], <int32_t>g, rest, fits[g], alone[g], &placed[g]
                )

    @property
    def used_nodes(self):
        """Number of nodes that hold pods, those that were only counted included."""
        cdef int64_t i, total = self.arithmetic_nodes
        for i in range(self.n_runs):
            if self.runs[i].content >= 0:
                total += self.runs[i].size
        return total

    def contents(self):
        """Return ``[(nodes, {group: pods})]`` of the nodes opened, in order of creation."""
        cdef int64_t i
        cdef int32_t entry
        found = []
        for i in range(self.n_runs):
            held = []
            entry = self.runs[i].content
            while entry >= 0:
                held.append((self.content_group[entry], self.content_count[entry]))
                entry = self.content_parent[entry]
            counts = {}
            for group, count in reversed(held):
                counts[group] = counts.get(group, 0) + count
            found.append((self.runs[i].size, counts))
        return found
