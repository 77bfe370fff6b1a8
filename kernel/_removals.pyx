"""Can the pods of a node live elsewhere?  If so, they do from here on.

Cluster Autoscaler's simulation of a removal, pod by pod but without objects.
"""

cimport cython
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.stdlib cimport free

import numpy as np

from pyscale.kernel._bind cimport ClusterState
from pyscale.kernel._growth cimport reserve
from pyscale.kernel._hinted cimport HintedPlacement
from pyscale.kernel._hints cimport Hints
from pyscale.kernel._plain cimport is_plain_class
from pyscale.kernel._residents cimport DAEMON, Residents, facts_t, pods_t
from pyscale.kernel._sketch cimport Sketch

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
cdef class Removals:
    """Takes nodes out of a state, one after the other, and moves their pods.

    Parameters
    ----------
    placement : HintedPlacement
        Places the pods.
    """

    cdef HintedPlacement placement
    cdef Residents residents
    cdef ClusterState state
    cdef Sketch sketch            # instead of the state while all that moves is plain
    # a round
    cdef Hints hints
    cdef uint8_t[::1] usable
    cdef uint8_t[::1] accepted
    cdef const int8_t[::1] outcomes
    cdef object ask
    cdef object taint
    # the node asked for last
    cdef bint is_plain            # what it is to lose, as far as it was looked at
    cdef readonly int64_t first
    cdef readonly bint waits
    cdef readonly int64_t blocking
    cdef readonly int outcome
    # the round's moves, in order
    cdef int64_t* pods
    cdef int64_t* keys
    cdef int32_t* classes
    cdef int32_t* nodes
    cdef int64_t pods_room
    cdef int64_t keys_room
    cdef int64_t classes_room
    cdef int64_t nodes_room
    cdef int64_t n

    def __cinit__(self, HintedPlacement placement not None):
        self.placement = placement
        self.residents = placement.residents
        self.state = placement.state
        self.sketch = placement.sketch

    def __dealloc__(self):
        free(self.pods)
        free(self.keys)
        free(self.classes)
        free(self.nodes)

    def begin(
        self, Hints hints not None, uint8_t[::1] usable not None, uint8_t[::1] accepted not None,
        const int8_t[::1] outcomes not None, object ask, object taint=None,
    ):
        """Begin a round inside a fork of the caller's: say how nodes are to be removed.

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
        self.placement.check_mask(usable)
        self.placement.check_mask(accepted)
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
        if self.placement.draw is None:
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
        self.sketch.first = <int32_t>self.first
        return self.placement.place_all(
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
