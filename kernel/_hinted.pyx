"""Place pods where they were placed before, else by rotating scan.

Cluster Autoscaler's hinting simulator, pod by pod but without objects.  Pods are placed by
priority, highest first; of each priority first all whose hint still holds, then the others in
order, by the scan that begins behind the node that took the last one.
"""

cimport cython
from libc.stdint cimport INT64_MIN, int32_t, int64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memset

import numpy as np

from pyscale.kernel._bind cimport FITS, ClusterState
from pyscale.kernel._cluster cimport class_t, node_t
from pyscale.kernel._growth cimport reserve
from pyscale.kernel._hints cimport Hints
from pyscale.kernel._match cimport NAME_COLUMN
from pyscale.kernel._plain cimport is_plain_class
from pyscale.kernel._residents cimport DAEMON, Residents, facts_t, pods_t
from pyscale.kernel._sketch cimport Sketch

cdef extern from *:
    void fetch "__builtin_prefetch"(const void* address) noexcept nogil

cdef enum:
    MAX_FAILED_SHAPES = 10  # per controller, remembered as fitting nowhere
    LINE = 64               # bytes of a cache line
    FAR = 12                # how many nodes ahead their own facts are asked for ...
    NEAR = 6                # ... and what those point to


@cython.final
cdef class HintedPlacement:
    """Places pods in a state and its residents.

    Parameters
    ----------
    residents : Residents

    Attributes
    ----------
    last_match : int
        Place in the list of nodes where the rotating scan found one last.
    draw : Draw or None
        Draws nodes instead of the scan.
    """

    def __cinit__(self, Residents residents not None):
        self.residents = residents
        self.state = residents.state
        self.sketch = Sketch()

    def __dealloc__(self):
        free(self.named)
        free(self.dead_round)
        free(self.dead_at)
        free(self.alike_round)
        free(self.controller_round)
        free(self.controller_shapes)

    # --- one pod ---

    cdef int32_t scan(self, int32_t class_id, const uint8_t* accepted) except -2:
        """The node that the rotating scan finds, -1 if there is none."""
        cdef ClusterState state = self.state
        cdef class_t* pods = &state.classes[class_id]
        cdef int64_t i
        cdef int32_t place, node
        if self.sketch.is_on:
            place = self.sketch.first_fit(class_id, (self.last_match + 1) % self.sketch.alive.n)
            if place < 0:
                return -1
            self.last_match = place
            return state.order.at[self.sketch.alive.at[place]]
        if state.n_active == 0:
            return -1
        if pods.has_names:
            reserve(<void**>&self.named, &self.named_room, state.n_nodes, 1)
            memset(self.named, 0, <size_t>state.n_nodes)
            for i in range(pods.names.n):
                if pods.names.at[i] < state.node_of_name.n:
                    node = state.node_of_name.at[pods.names.at[i]]
                    if node >= 0:
                        self.named[node] = accepted[node]
            accepted = self.named
        if self.draw is not None:
            place = self.draw.place(state, class_id, accepted)
        else:
            place = state.first_fit(
                class_id, <int32_t>((self.last_match + 1) % state.n_active), accepted
            )
        if place < 0:
            return -1
        self.last_match = place
        self.fetch_ahead(place)
        return state.order.at[place]

    cdef int fetch_ahead(self, int64_t place) noexcept:
        """Ask memory for what the next pods write: the scan comes to the next nodes with them."""
        cdef ClusterState state = self.state
        cdef int64_t n = state.order.n
        cdef int32_t node
        cdef node_t* there
        cdef pods_t* held
        if place + FAR < n:
            node = state.order.at[place + FAR]
            there = &state.nodes[node]
            fetch(there)
            fetch(<char*>there + LINE)
            fetch(<char*>there + 2 * LINE)
            fetch(state.used + node * state.resource_stride)
            fetch(state.allocatable + node * state.resource_stride)
            if node < self.residents.n_lists:
                fetch(&self.residents.lists[node])
        if place + NEAR < n:
            node = state.order.at[place + NEAR]
            there = &state.nodes[node]
            fetch(there.classes.at)
            fetch(there.counts.at)
            if node < self.residents.n_lists:
                held = &self.residents.lists[node]
                fetch(held.at + held.n)
        return 0

    cdef int32_t hinted(
        self, Hints hints, int64_t key, int32_t class_id, const uint8_t* usable
    ) except -2:
        """The node of a pod's hint if it takes the pod, else -1."""
        cdef ClusterState state = self.state
        cdef class_t* pods = &state.classes[class_id]
        cdef int32_t name = hints.get(key), node
        cdef int64_t i
        if name < 0 or pods.refused:
            return -1
        node = state.node_of_name.at[name]
        if node < 0 or (usable != NULL and not usable[node]):
            return -1
        if self.sketch.is_on:
            return node if self.sketch.fits(class_id, node) else -1
        if pods.has_names:
            for i in range(pods.names.n):
                if pods.names.at[i] == name:
                    break
            else:
                return -1
        return node if state.check(class_id, node) == FITS else -1

    cdef bint is_hopeless(self, int32_t index) except -1:
        """Whether a pod need not be tried: one like it fitted nowhere, and that still holds."""
        cdef facts_t* facts = &self.residents.facts[index]
        if self.dead_round[index] == self.round:
            if self.dead_at[index] == self.n_placed:
                return True
            if is_plain_class(&self.state.classes[facts.class_id]):
                return True
        return (
            facts.controller >= 0
            and facts.alike >= 0
            and self.alike_round[facts.alike] == self.round
        )

    cdef int note_failure(self, int32_t index) except -1:
        cdef facts_t* facts = &self.residents.facts[index]
        cdef int32_t controller = facts.controller
        self.dead_round[index] = self.round
        self.dead_at[index] = self.n_placed
        if controller < 0 or facts.alike < 0 or facts.is_a & DAEMON:
            return 0
        if self.controller_round[controller] != self.round:
            self.controller_round[controller] = self.round
            self.controller_shapes[controller] = 0
        if self.controller_shapes[controller] < MAX_FAILED_SHAPES:
            self.controller_shapes[controller] += 1
            self.alike_round[facts.alike] = self.round
        return 0

    cdef int begin_round(self) except -1:
        """Make room for what a call remembers, and forget the last one's."""
        cdef int64_t n = self.residents.n_classes  # controllers and likenesses are no more
        self.round += 1
        self.n_placed = 0
        reserve(<void**>&self.dead_round, &self.dead_round_room, n, sizeof(int32_t))
        reserve(<void**>&self.dead_at, &self.dead_at_room, n, sizeof(int64_t))
        reserve(<void**>&self.alike_round, &self.alike_room, n, sizeof(int32_t))
        reserve(<void**>&self.controller_round, &self.controller_round_room, n, sizeof(int32_t))
        reserve(<void**>&self.controller_shapes, &self.controller_shapes_room, n, sizeof(int32_t))
        return 0

    # --- many pods ---

    cdef int64_t place_all(
        self, Hints hints, const int64_t* pods, const int64_t* keys, const int32_t* classes,
        int64_t n, const uint8_t* usable, const uint8_t* accepted, bint stop, int32_t* nodes,
    ) except -1:
        """Place pods by priority; nodes are filled with -1 where none takes a pod."""
        cdef facts_t* facts = self.residents.facts
        cdef int64_t i, level, lower, done = 0
        cdef int32_t node, index, class_id
        self.begin_round()
        lower = INT64_MIN
        for i in range(n):
            nodes[i] = -1
            lower = max(lower, <int64_t>facts[classes[i]].priority)
        while lower != INT64_MIN:
            level = lower
            lower = INT64_MIN
            for i in range(n):
                index = classes[i]
                if facts[index].priority != level:
                    if facts[index].priority < level:
                        lower = max(lower, <int64_t>facts[index].priority)
                    continue
                class_id = facts[index].class_id
                node = self.hinted(hints, keys[i], class_id, usable)
                if node >= 0:
                    self.settle(hints, i, pods[i], keys[i], index, node)
                    nodes[i] = node
                    done += 1
            for i in range(n):
                index = classes[i]
                if facts[index].priority != level or nodes[i] >= 0:
                    continue
                node = -1
                if not self.is_hopeless(index):
                    node = self.scan(facts[index].class_id, accepted)
                    if node < 0:
                        self.note_failure(index)
                if node >= 0:
                    self.settle(hints, i, pods[i], keys[i], index, node)
                    nodes[i] = node
                    done += 1
                elif stop:
                    break
        return done

    cdef int settle(
        self, Hints hints, int64_t i, int64_t pod, int64_t key, int32_t index, int32_t node
    ) except -1:
        """The i-th pod of a call comes to a node."""
        if self.sketch.is_on:
            self.sketch.arrive(self.residents.facts[index].class_id, node, i)
        else:
            self.residents.reach(node)
            self.residents.arrive(node, pod, key, index)
        hints.set(key, self.state.match.columns[NAME_COLUMN].value[node])
        self.n_placed += 1
        return 0

    def place(
        self, Hints hints not None, const int64_t[::1] pods not None,
        const int64_t[::1] keys not None, const int32_t[::1] classes not None,
        const uint8_t[::1] accepted not None,
    ):
        """Place what fits.

        Parameters
        ----------
        hints : Hints
            Read, and filled with where pods were placed.
        pods, keys : array of int64, shape (n_pods,)
        classes : array of int32, shape (n_pods,)
        accepted : array of uint8
            Per node, whether the scan may use it; hints may name any node.

        Returns
        -------
        ndarray of int32, shape (n_pods,)
            The node of each pod, -1 for none.
        """
        cdef int64_t n = pods.shape[0]
        found = np.empty(n, np.int32)
        cdef int32_t[::1] nodes = found
        self.sketch.is_on = False  # a round is over
        self.check_mask(accepted)
        self.residents.check_pods(pods, keys, classes)
        if n:
            self.place_all(
                hints, &pods[0], &keys[0], &classes[0], n, NULL, &accepted[0], False, &nodes[0]
            )
        return found

    cdef int check_mask(self, const uint8_t[::1] mask) except -1:
        if mask.shape[0] == 0 or mask.shape[0] < self.state.n_nodes:
            raise ValueError(
                f"a mask must have {self.state.n_nodes} entries, found {mask.shape[0]}"
            )
        return 0
