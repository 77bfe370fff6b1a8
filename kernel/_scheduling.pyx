"""Pods begin and end, and the scheduler's turn in between; without a clock of its own.

The scheduler sees pods in the order of the waiting lines.  A class for which it found no node is
not tried again before something happens that may help: a node joins or is uncordoned that may take
it, a pod leaves a node where it may fit, or a pod is bound next to which it wants to be.  So 10**5
equal pods that fit nowhere cost one look.

A pod that finds no node may preempt less important ones.  They leave at once; the pod is tried
again, first on the node that was nominated for it, when those that are active had their turn.
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport free

from ._growth cimport reserve
from ._ledger cimport Ledger
from ._population cimport node_t
from ._typedefs cimport index_t, time_ns_t
from ._waiting cimport comes_before

cdef enum:  # what becomes of an evicted pod
    LOST = 0
    REMAINING = 1
    FULL = 2

cdef enum:
    SECOND = 1_000_000_000

cdef enum:
    RUN = 256           # pods that the placer gets at once


cdef class SchedulingEngine(Ledger):
    """Pods on nodes and pods that wait, with a placer; the caller says when it is whose turn."""

    def __dealloc__(self):
        free(self.node_of_slot)
        free(self.nominees)

    cdef int place(self, index_t pod, index_t node) except -1 nogil:
        """Let a pod that waits nowhere run on a node; the placer has taken the room."""
        cdef time_ns_t duration = self.duration_of(pod)
        self.attach(pod, node)
        if duration >= 0:
            self.heap.push_event(self.now + duration, DEPARTURE, DEPARTURE, pod)
        if self.n_watching:
            self.stir_watchers(self.class_of(pod))
        return 0

    cdef int stir_watchers(self, index_t bound_class) except -1 nogil:
        """A pod was bound: let those try again that want to be near it, or even with it."""
        cdef index_t i, pod_class
        for i in range(self.n_blocked):
            pod_class = self.blocked[i]
            if self.classes[pod_class].watches and self.placer.lets_in(pod_class, bound_class):
                self.stir(pod_class, True)
        return 0

    cdef int stir_blocked(self, index_t node, bint is_exit) except -1 nogil:
        """Something happened on a node: let those try again that it may help.

        The end of a pod makes upstream's scheduler try everybody who waits for room; those whom
        it can't help fail once more.
        """
        cdef node_t* host = &self.nodes[node]
        cdef index_t i, pod_class
        for i in range(self.n_blocked):
            pod_class = self.blocked[i]
            if self.classes[pod_class].n_pending == 0:
                continue
            if self.placer.may_help(pod_class, host.slot) or (
                self.placer.preempts and self.classes[pod_class].preempts
                and not host.cordoned and self.placer.may_preempt(self, pod_class, node)
            ):
                self.stir(pod_class, True)
            elif is_exit and self.classes[pod_class].awaits_room:
                self.stir(pod_class, False)
        return 0

    cdef int release(self, index_t pod) except -1 nogil:
        """End a running pod, give its room back and let those try again that it may help."""
        cdef index_t node = self.pods[pod].node
        self.detach(pod)
        self.placer.release(self.class_of(pod), self.nodes[node].slot)
        self.woken |= POD_GONE
        if self.n_blocked:
            self.stir_blocked(node, True)
        return 0

    cdef int note_pending(self, index_t pod_class) except -1 nogil:
        """A pod is about to wait: if its class does so already, that is all that happens."""
        if self.classes[pod_class].blocked:
            self.woken |= POD_PENDING
        return 0

    cdef int open_up(self, index_t node) except -1 nogil:
        """A node takes pods from now on."""
        cdef index_t i
        self.stir_blocked(node, False)
        for i in range(self.n_blocked):
            if self.classes[self.blocked[i]].n_pending:
                self.woken |= POD_PENDING
        return 0

    cdef index_t end_early(self, index_t pod) except -2 nogil:
        """Evict a pod that runs; the id of the pod that takes its place, or -1."""
        cdef index_t pod_class = self.class_of(pod)
        cdef int restart = self.classes[pod_class].restart
        cdef time_ns_t duration = self.duration_of(pod)
        cdef index_t new
        self.n_events += 1
        self.release(pod)
        if restart == LOST:
            return -1
        if restart == REMAINING and duration >= 0:
            duration -= self.now - self.pods[pod].bound
        new = self.new_later(pod_class, duration, pod)
        self.note_pending(pod_class)
        self.enqueue(new)
        return new

    # --- the scheduler ---

    cdef int schedule(self) except -1 nogil:
        """Bind the pods of all active lines, or block their class."""
        cdef index_t[RUN] slots
        cdef index_t line, wanted, done, i, pod
        while True:
            if self.n_helped:
                self.settle()
            if self.n_nominees and self.retry_nominee():
                continue
            if self.n_active == 0:
                if self.n_stirred:
                    self.give_up()
                return 0
            line = self.active[0]
            # A pod that lets in others may change whose turn it is.
            wanted = self.turn_of(line, 1 if self.n_watching else RUN)
            done = self.placer.bind_run(line / self.n_lines, wanted, slots)
            for i in range(done):
                pod = self.lines[line].turn.pod
                self.unlink(line, pod)
                self.classes[line / self.n_lines].n_pending -= 1
                self.place(pod, self.node_of_slot[slots[i]])
            if done:
                self.pending_version += 1
                self.renew(line)
            if done < wanted and not self.preempt(line):
                self.no_node(line / self.n_lines)

    cdef int no_node(self, index_t pod_class) except -1 nogil:
        """A class waits until something happens."""
        self.block(pod_class)
        self.classes[pod_class].awaits_room = self.placer.awaits_room(pod_class)
        self.woken |= POD_PENDING
        return 0

    # --- preemption ---

    cdef bint has_victims(self, index_t pod_class) noexcept nogil:
        """Whether anything runs that is less important than a class."""
        cdef index_t i
        if not self.classes[pod_class].preempts or not self.placer.preempts:
            return False
        for i in range(self.n_classes):
            if (
                self.classes[i].n_bound
                and self.classes[i].priority < self.classes[pod_class].priority
            ):
                return True
        return False

    cdef int preempt(self, index_t line) except -1 nogil:
        """Make room for the first pod of a line; 0 if that can't be done."""
        cdef index_t pod = self.lines[line].turn.pod
        cdef index_t slot
        cdef nominee_t* nominee
        if not self.has_victims(line / self.n_lines):
            return 0
        slot = self.placer.preempt(self, self.node_of_slot, pod)
        if slot < 0:
            return 0
        self.unlink(line, pod)
        self.renew(line)
        reserve(
            <void**>&self.nominees, &self.nominee_room, self.n_nominees + 1, sizeof(nominee_t)
        )
        nominee = &self.nominees[self.n_nominees]
        self.n_nominees += 1
        nominee.turn.pod = pod
        nominee.failures = line % self.n_lines
        self.make_room(nominee, slot)
        return 1

    cdef int make_room(self, nominee_t* nominee, index_t slot) except -1 nogil:
        """Let the victims of the last search go, and a pod wait for their room."""
        cdef index_t pod = nominee.turn.pod
        cdef nominee_t* other
        cdef int64_t i
        nominee.slot = slot
        if nominee.failures < self.n_lines - 1:
            nominee.failures += 1
        nominee.turn.priority = self.classes[self.class_of(pod)].priority
        nominee.turn.timestamp = self.now
        nominee.turn.expiry = -1
        if self.backoff[nominee.failures]:
            nominee.turn.expiry = self.now + self.backoff[nominee.failures]
            nominee.turn.expiry -= nominee.turn.expiry % SECOND
        self.placer.nominate(self.class_of(pod), pod, slot)
        # Less important pods that wait for the same node are told to look elsewhere.
        for i in range(self.n_nominees):
            other = &self.nominees[i]
            if other.slot == slot and other.turn.priority < nominee.turn.priority:
                self.placer.withdraw(other.turn.pod, slot)
                other.slot = -1
        for i in range(self.placer.victims.n):
            self.n_preempted += 1
            if self.end_early(self.placer.victims.at[i]) < 0:
                self.n_preempted_lost += 1
        return 0

    cdef int retry_nominee(self) except -1 nogil:
        """Try the nominee whose turn it is; 0 if others come first."""
        cdef nominee_t* nominee
        cdef index_t i, pod, pod_class, slot, best = 0
        for i in range(1, self.n_nominees):
            if comes_before(&self.nominees[i].turn, &self.nominees[best].turn):
                best = i
        nominee = &self.nominees[best]
        if self.n_active and not comes_before(
            &nominee.turn, &self.lines[self.active[0]].turn
        ):
            return 0
        pod = nominee.turn.pod
        pod_class = self.class_of(pod)
        slot = self.placer.retry(pod_class, pod, nominee.slot)
        if nominee.slot >= 0:
            self.placer.withdraw(pod, nominee.slot)
        if slot < 0 and self.has_victims(pod_class):
            slot = self.placer.preempt(self, self.node_of_slot, pod)
            if slot >= 0:
                self.make_room(nominee, slot)
                return 1
        i = nominee.failures
        self.n_nominees -= 1
        self.nominees[best] = self.nominees[self.n_nominees]
        if slot >= 0:
            self.classes[pod_class].n_pending -= 1
            self.pending_version += 1
            self.place(pod, self.node_of_slot[slot])
            return 1
        if self.classes[pod_class].blocked:
            self.insert(pod_class * self.n_lines + min(i + 1, self.n_lines - 1), pod)
        else:
            self.insert(pod_class * self.n_lines + i, pod)
            self.no_node(pod_class)
        return 1
