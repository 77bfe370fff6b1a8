"""Place pods where they were placed before, else by rotating scan; can a node's pods move?

Cluster Autoscaler's hinting simulator and its simulation of a removal, pod by pod but without
objects.  Pods are placed by priority, highest first; of each priority first all whose hint still
holds, then the others in order, by the scan that begins behind the node that took the last one.
"""

cimport cython
from libc.stdint cimport INT64_MIN, int8_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport free
from libc.string cimport memset

import numpy as np

from pyscale.kernel._bind cimport FITS, ClusterState
from pyscale.kernel._cluster cimport class_t, node_t
from pyscale.kernel._draw cimport Draw
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

cdef enum:  # outcomes of the drain rules; from BLOCKS on the pod forbids the removal
    UNKNOWN = 0
    SKIPPED = 1
    MOVED = 2
    WAITS = 3
    BLOCKS = 4

# How a removal ends; also known to the planner.
REMOVABLE = 0
BLOCKED = 1
NO_PLACE = 2


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

    cdef readonly Residents residents
    cdef public Draw draw
    cdef ClusterState state
    cdef public int64_t last_match
    # a round of removals
    cdef Hints hints
    cdef uint8_t[::1] usable
    cdef uint8_t[::1] accepted
    cdef const int8_t[::1] outcomes
    cdef object ask
    cdef object taint
    cdef Sketch sketch            # instead of the state while all that moves is plain
    cdef bint is_plain            # what the node is to lose, as far as it was looked at
    cdef readonly int64_t first
    cdef readonly bint waits
    cdef readonly int64_t blocking
    cdef readonly int outcome
    # its moves, in order
    cdef int64_t* pods
    cdef int64_t* keys
    cdef int32_t* classes
    cdef int32_t* nodes
    cdef int64_t pods_room
    cdef int64_t keys_room
    cdef int64_t classes_room
    cdef int64_t nodes_room
    cdef int64_t n
    cdef uint8_t* named           # mask of the nodes that a class names
    cdef int64_t named_room
    # memory of one call: what fits nowhere, by class, controller and likeness
    cdef int32_t round
    cdef int32_t* dead_round
    cdef int64_t* dead_at
    cdef int32_t* alike_round
    cdef int32_t* controller_round
    cdef int32_t* controller_shapes
    cdef int64_t dead_round_room
    cdef int64_t dead_at_room
    cdef int64_t alike_room
    cdef int64_t controller_round_room
    cdef int64_t controller_shapes_room
    cdef int64_t n_placed

    def __cinit__(self, Residents residents not None):
        self.residents = residents
        self.state = residents.state
        self.sketch = Sketch()

    def __dealloc__(self):
        free(self.pods)
        free(self.keys)
        free(self.classes)
        free(self.nodes)
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
            self.sketch.arrive(
                self.residents.facts[index].class_id, node, <int32_t>(self.first + i)
            )
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

    # --- removals ---

    def begin_removals(
        self, Hints hints not None, uint8_t[::1] usable not None, uint8_t[::1] accepted not None,
        const int8_t[::1] outcomes not None, object ask, object taint=None,
    ):
        """Say how nodes are to be removed from here on, inside a fork of the caller's.

        The round ends when the fork is reverted.  The state may not have learned of what was done
        in it: see :meth:`publish`.

        Parameters
        ----------
        hints : Hints
        usable, accepted : array of uint8
            Per node, whether a hint and whether the scan may use it; the entries of nodes that go
            become 0.
        outcomes : array of int8
            Per class: 1 its pods do not count, 2 they move, 3 they are to complete first; from 4
            on they forbid the removal; 0 says that the pod decides.  Read anew for each node.
        ask : callable
            Returns the outcome of a pod, given its id and class.
        taint : callable, optional
            Marks a node once it is empty.
        """
        self.check_mask(usable)
        self.check_mask(accepted)
        if outcomes.shape[0] < self.residents.n_classes:
            raise ValueError(
                f"outcomes must have {self.residents.n_classes} entries, found {outcomes.shape[0]}"
            )
        self.hints = hints
        self.usable = usable
        self.accepted = accepted
        self.outcomes = outcomes
        self.ask = ask
        self.taint = taint
        self.n = 0
        self.sketch.is_on = False
        if self.draw is None:
            self.sketch.begin(self.state, &accepted[0])

    def remove(self, int32_t node):
        """Take a node away and its pods to other nodes.

        If that is impossible everything stays as it was, but for hints and the scan's memory.

        Returns
        -------
        int
            0 if the node went: see ``first``, ``last``, ``waits`` and :meth:`moves`; 1 if a pod
            forbids it: see ``blocking`` and ``outcome``; 2 if a pod finds no place.
        """
        cdef int64_t n
        cdef uint8_t was_usable = self.usable[node], was_accepted = self.accepted[node]
        self.first = n = self.n
        self.waits = False
        self.is_plain = True
        if self.collect(node, &n):
            return BLOCKED
        if not self.has_chance(node, n):
            return NO_PLACE
        self.fetch_moved(node, n)
        if not self.is_plain:
            self.publish()
        self.usable[node] = self.accepted[node] = 0
        if not (self.try_out(node, n) if self.sketch.is_on else self.move_all(node, n)):
            self.usable[node], self.accepted[node] = was_usable, was_accepted
            return NO_PLACE
        self.n = n
        return REMOVABLE

    cdef bint collect(self, int32_t node, int64_t* n) except -1:
        """Append the pods of a node that move, up to ``n``; whether one of its pods forbids it."""
        cdef facts_t* facts = self.residents.facts
        cdef pods_t* here
        cdef int64_t i, end = self.n
        cdef int32_t index, last = -1
        cdef int outcome
        cdef bint moves = False
        self.residents.reach(node)
        here = &self.residents.lists[node]
        self.sketch.moves.n = 0
        if self.sketch.is_on:
            self.sketch.gather(node)
        self.reserve_pods(self.n + here.n + self.sketch.moves.n)
        for i in range(here.n):
            self.classes[end] = here.at[i].index
            end += 1
        for i in range(self.sketch.moves.n):
            self.classes[end] = self.classes[self.sketch.moves.at[i]]
            end += 1
        for i in range(self.n, end):
            index = self.classes[i]
            if index != last or self.outcomes[index] == UNKNOWN:  # neighbours are often alike
                last = index
                outcome = self.outcomes[index]
                if outcome == UNKNOWN:
                    outcome = self.ask(self.pod_at(here, i - self.n), index)
                if outcome >= BLOCKS:
                    self.blocking = self.pod_at(here, i - self.n)
                    self.outcome = outcome
                    return True
                if outcome == WAITS:
                    self.waits = True
                moves = outcome == MOVED and not facts[index].is_a & DAEMON
                if moves:
                    self.is_plain &= is_plain_class(&self.state.classes[facts[index].class_id])
            if moves:
                self.nodes[n[0]] = <int32_t>(i - self.n)  # for fetch_moved, until it has a node
                self.classes[n[0]] = index
                n[0] += 1
        return False

    cdef int64_t pod_at(self, pods_t* here, int64_t i) noexcept:
        """The i-th pod of the node that was gathered last: what it had, then what moved to it."""
        return here.at[i].pod if i < here.n else self.pods[self.sketch.moves.at[i - here.n]]

    cdef bint has_chance(self, int32_t node, int64_t n) except -1:
        """Whether any of what was collected may find a place; where all is full, none does."""
        cdef facts_t* facts = self.residents.facts
        cdef int64_t i
        if n == self.first or not self.is_plain or not self.sketch.is_on:
            return True
        for i in range(self.first, n):
            if i > self.first and self.classes[i] == self.classes[i - 1]:
                continue
            if self.sketch.has_chance(facts[self.classes[i]].class_id, node):
                return True
        return False

    cdef int fetch_moved(self, int32_t node, int64_t n) except -1:
        """Write the ids and keys of what was collected."""
        cdef pods_t* here = &self.residents.lists[node]
        cdef int64_t i, move
        for i in range(self.first, n):
            if self.nodes[i] < here.n:
                self.pods[i] = here.at[self.nodes[i]].pod
                self.keys[i] = here.at[self.nodes[i]].key
            else:
                move = self.sketch.moves.at[self.nodes[i] - here.n]
                self.pods[i] = self.pods[move]
                self.keys[i] = self.keys[move]
        return 0

    cdef bint move(self, int64_t n) except -1:
        """Place what was collected; whether all of it found a place."""
        return self.place_all(
            self.hints, self.pods + self.first, self.keys + self.first,
            self.classes + self.first, n - self.first, &self.usable[0], &self.accepted[0],
            True, self.nodes + self.first,
        ) == n - self.first

    cdef bint move_all(self, int32_t node, int64_t n) except -1:
        """Place what was collected and remove the node; if that fails all is as before."""
        cdef ClusterState state = self.state
        if n > self.first:
            state.fork()
            self.residents.fork()
            # Pods that look at nothing but the node they come to do not care what is left here.
            if not self.is_plain:
                while state.nodes[node].classes.n:
                    state.take(state.nodes[node].classes.at[state.nodes[node].classes.n - 1], node)
                if self.taint is not None:
                    self.taint(node)
            if not self.move(n):
                self.residents.revert()
                state.revert()
                return False
            self.residents.commit()
            state.commit()
        state.remove_node(node)
        return True

    cdef bint try_out(self, int32_t node, int64_t n) except -1:
        """The same in the sketch."""
        cdef Sketch sketch = self.sketch
        cdef facts_t* facts = self.residents.facts
        cdef int64_t i, k
        cdef bint was_open = sketch.close(node)
        if self.move(n):
            sketch.remove(node)
            return True
        for i in range(self.first, n):
            if self.nodes[i] >= 0:
                sketch.take_back(facts[self.classes[i]].class_id, self.nodes[i])
        for k in range(self.first, n):
            if k > self.first and self.classes[k] == self.classes[k - 1]:
                continue
            for i in range(self.first, n):
                if self.nodes[i] >= 0:
                    sketch.ask_again(facts[self.classes[k]].class_id, self.nodes[i])
        if was_open:
            sketch.reopen(node)
        return False

    cpdef int publish(self) except -1:
        """Tell the state and the residents what was done; from here on they learn of it at once."""
        cdef Sketch sketch = self.sketch
        cdef int64_t i, k, move
        cdef int32_t node
        if not sketch.is_on:
            return 0
        sketch.is_on = False
        for i in range(sketch.alive.n):
            node = self.state.order.at[sketch.alive.at[i]]
            sketch.gather(node)
            self.residents.reach(node)
            for k in range(sketch.moves.n):
                move = sketch.moves.at[k]
                self.residents.arrive(
                    node, self.pods[move], self.keys[move], self.classes[move]
                )
        for i in range(sketch.gone.n):
            self.state.remove_node(sketch.gone.at[i])
        return 0

    @property
    def last(self):
        """Behind the last move of the node that went last."""
        return self.n

    def moves(self, int64_t first=0):
        """Return pods (int64), classes and nodes (int32) of all moves, or of those from one on."""
        cdef int64_t i
        pods = np.empty(self.n - first, np.int64)
        classes = np.empty(self.n - first, np.int32)
        nodes = np.empty(self.n - first, np.int32)
        cdef int64_t[::1] to_pods = pods
        cdef int32_t[::1] to_classes = classes
        cdef int32_t[::1] to_nodes = nodes
        for i in range(self.n - first):
            to_pods[i] = self.pods[first + i]
            to_classes[i] = self.classes[first + i]
            to_nodes[i] = self.nodes[first + i]
        return pods, classes, nodes

    cdef int reserve_pods(self, int64_t n) except -1:
        reserve(<void**>&self.pods, &self.pods_room, n, sizeof(int64_t))
        reserve(<void**>&self.keys, &self.keys_room, n, sizeof(int64_t))
        reserve(<void**>&self.classes, &self.classes_room, n, sizeof(int32_t))
        reserve(<void**>&self.nodes, &self.nodes_room, n, sizeof(int32_t))
        return 0
