"""What disruption reads of the nodes of a run: facts of their kinds, and what changes with time."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport free
from libc.string cimport memset

from ._candidacy cimport (
    BLOCKED, DELETING, HAS_NODE, HAS_PODS_TO_MOVE, INITIALIZED, MARKED, NOMINATED, READY,
    TERMINATING, Candidacy, Facts)
from ._provision_tables cimport grown
from ._roster_rows cimport DRAINING, GOING, NEVER, RosterRows, Row, is_marked


cdef class RosterStanding(RosterRows):
    """The nodes of a :class:`pyscale.kernel._roster.Roster` as candidates."""

    def __dealloc__(self):
        free(self.kind_facts)

    cdef int room_for_facts(self) except -1:
        if self.n_kinds > self.n_known:
            self.kind_facts = <KindFacts *>grown(
                self.kind_facts, self.n_kinds * sizeof(KindFacts))
            memset(&self.kind_facts[self.n_known], 0,
                   (self.n_kinds - self.n_known) * sizeof(KindFacts))
            self.n_known = self.n_kinds
        return 0

    def forget_standing(self):
        """Forget what kinds and nodes are worth, since machines or pools have changed."""
        cdef int32_t i
        for i in range(self.n_known):
            self.kind_facts[i].is_known = False
        for i in range(self.n_rows):
            self.rows[i].sound_until_ns = NEVER

    def strange_kinds(self):
        """Return the kinds of nodes that nothing is known of, each with a row of the view."""
        cdef int32_t i
        cdef dict strange = {}
        self.room_for_facts()
        for i in range(self.n_rows):
            if not self.kind_facts[self.rows[i].kind].is_known:
                strange[self.rows[i].kind] = i
        return strange

    def set_kind(self, int kind, int flags, int pool, double price):
        """Set what the nodes of a kind share.

        Parameters
        ----------
        kind : int
        flags : int
            Flags of :class:`pyscale.kernel._candidacy.Candidacy`.
        pool : int
            Number of the pool, -1 without one.
        price : float
        """
        cdef KindFacts *facts
        self.room_for_kinds(kind + 1)
        self.room_for_facts()
        facts = &self.kind_facts[kind]
        facts.is_known = True
        facts.flags, facts.pool, facts.price = <uint16_t>flags, pool, price

    def kind_of(self, int number):
        """Return the kind of a node."""
        return self.order[number].kind

    def created_ns(self, int number):
        """Return when a node was created, in Unix time."""
        return self.order[number].created_ns + self.epoch_ns

    def nominate(self, int number, int64_t until_ns):
        """Spare a node until a moment in Unix time: pending pods have been placed there."""
        self.order[number].nominated_until_ns = until_ns

    def set_sound(self, int number, int64_t until_ns):
        """Say that a node is known not to drift until a moment in Unix time."""
        self.order[number].sound_until_ns = until_ns

    def stand(self, Candidacy candidacy, int64_t now_ns, const uint8_t[::1] blocks):
        """Set the nodes, which have been measured, as candidates.

        Parameters
        ----------
        candidacy : Candidacy
        now_ns : int
            The moment in Unix time.
        blocks : ndarray of uint8, shape (n_classes,) or (0,)
            Which classes of pods keep their node; empty for none.

        Returns
        -------
        list of int
            The numbers of the nodes that may have drifted.
        """
        cdef int32_t i, k
        cdef uint16_t flags
        cdef Row *row
        cdef Facts *facts
        cdef const KindFacts *kind
        cdef bint asks = blocks.shape[0] > 0
        cdef list doubtful = []
        candidacy.make_room(self.n_rows, now_ns)
        for i in range(self.n_rows):
            row = self.order[i]
            kind = &self.kind_facts[row.kind]
            facts = &candidacy.facts[i]
            flags = kind.flags | READY
            if i < self.n_first:
                flags |= HAS_NODE | INITIALIZED
            if row.state >= DRAINING:
                flags |= DELETING
            if is_marked(row):
                flags |= MARKED
            if row.state == GOING:
                flags |= TERMINATING
            if row.nominated_until_ns > now_ns:
                flags |= NOMINATED
            if row.n_to_move > 0:
                flags |= HAS_PODS_TO_MOVE
            for k in range(row.n_pods if asks else 0):
                if blocks[row.classes[k]]:
                    flags |= BLOCKED
                    break
            facts.flags, facts.pool, facts.price = flags, kind.pool, kind.price
            facts.reschedule_cost, facts.eviction_cost = row.reschedule_cost, row.eviction_cost
            facts.created_ns = row.created_ns + self.epoch_ns
            if row.last_event_ns != NEVER:
                facts.active_ns = row.last_event_ns
            elif row.ready_ns >= 0:
                facts.active_ns = row.ready_ns + self.epoch_ns
            else:
                facts.active_ns = facts.created_ns
            if kind.pool >= 0 and not flags & DELETING and now_ns > row.sound_until_ns:
                doubtful.append(i)
        candidacy.conclude()
        return doubtful
