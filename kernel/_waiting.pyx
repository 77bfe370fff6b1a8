"""The waiting lines of the event loop: whose turn it is, and who waits for something to happen.

This is kube-scheduler's queue (``policies/kube_scheduler/queue.py`` says it pod by pod) for pods in
classes.  Pods of one class are equal to the scheduler, so within one instant either all of them
find a node or, from one on, none does.  What tells them apart is when they came and how often they
failed: a class has one *line* for the pods that were never tried, one for those that failed once,
and so on; the last is for all beyond, whose backoff grows no more.  Each line is in the order of
creation, and when a class fails each line joins the next one whole, whatever its length.

Lines with pods to try are *active*, in a heap by the turn of their oldest pods: first those that
don't back off, by priority, timestamp and id; then, as a scheduler without other work does not wait
for the end of a backoff, the others by the second in which it ends.  A class for which no node was
found is *blocked*: it waits until it is *stirred* by something that may help.  Between two instants
nothing is active.

A pod's timestamp is its creation or its last failure, which it shares with its class.  The flush of
pods that wait too long is taken for the class as a whole, when its oldest failure is due.
"""

from libc.stdlib cimport calloc, free

from ._population cimport class_t, pod_t
from ._typedefs cimport index_t, time_ns_t

cdef enum:
    SECOND = 1_000_000_000

cdef enum:  # what stirred a blocked class
    IN_VAIN = 1
    HELPFUL = 2


cdef bint comes_before(const turn_t* a, const turn_t* b) noexcept nogil:
    if a.expiry != b.expiry:
        return a.expiry < b.expiry
    if a.priority != b.priority:
        return a.priority > b.priority
    if a.timestamp != b.timestamp:
        return a.timestamp < b.timestamp
    return a.pod < b.pod


cdef class WaitingLines(Population):
    """Pods that pend.

    Parameters
    ----------
    request, priority, restart, gated, row_class, row_arrival, row_duration
        As for :class:`Population`.

    Notes
    -----
    A blocked class costs O(lines) each time it is stirred, however many pods wait.
    """

    def __cinit__(self, *_):
        self.flush_every = 1
        self.patience = -1

    def __dealloc__(self):
        free(self.backoff)
        free(self.lines)
        free(self.active)
        free(self.blocked)

    cdef int set_queue(self, object backoff, time_ns_t flush_every, time_ns_t patience) except -1:
        """Set the durations of the backoffs, and when waiting pods are flushed (-1: never)."""
        cdef index_t i, n
        self.n_lines = <index_t>len(backoff) + 1 if len(backoff) else 2
        self.flush_every = flush_every
        self.patience = patience
        n = self.n_classes * self.n_lines
        self.backoff = <time_ns_t*>calloc(<size_t>self.n_lines, sizeof(time_ns_t))
        self.lines = <line_t*>calloc(<size_t>(n + 1), sizeof(line_t))
        self.active = <index_t*>calloc(<size_t>(n + 1), sizeof(index_t))
        self.blocked = <index_t*>calloc(<size_t>(self.n_classes + 1), sizeof(index_t))
        if (
            self.backoff == NULL or self.lines == NULL
            or self.active == NULL or self.blocked == NULL
        ):
            raise MemoryError(f"no memory for {n} waiting lines")
        for i in range(<index_t>len(backoff)):
            self.backoff[i + 1] = backoff[i]
        for i in range(n):
            self.lines[i].turn.pod = -1
            self.lines[i].tail = -1
            self.lines[i].place = -1
        for i in range(self.n_classes):
            self.classes[i].place = -1
            self.classes[i].failed = -1
        return 0

    # --- whose turn it is ---

    cdef int give_turn(self, index_t line, index_t pod, turn_t* turn) except -1 nogil:
        """Write when a pod of a line has its turn."""
        cdef class_t* its = &self.classes[line / self.n_lines]
        cdef index_t failures = line % self.n_lines
        turn.pod = pod
        turn.priority = its.priority
        turn.expiry = -1
        turn.timestamp = its.failed
        if failures < 2 and self.created_of(pod) > its.failed:
            turn.timestamp = self.created_of(pod)
        if failures and self.backoff[failures]:
            turn.expiry = turn.timestamp + self.backoff[failures]
            turn.expiry -= turn.expiry % SECOND
            if turn.expiry < self.now - self.now % SECOND:
                turn.expiry = -1
        return 0

    cdef int set_head(self, index_t line, index_t pod) except -1 nogil:
        """Say who is the oldest of a line, -1 for nobody; the heap is the caller's."""
        if pod < 0:
            self.lines[line].turn.pod = -1
            return 0
        return self.give_turn(line, pod, &self.lines[line].turn)

    cdef int sift_up(self, index_t place) except -1 nogil:
        cdef index_t moving = self.active[place]
        cdef index_t parent
        while place > 0:
            parent = (place - 1) >> 1
            if not comes_before(
                &self.lines[moving].turn, &self.lines[self.active[parent]].turn
            ):
                break
            self.active[place] = self.active[parent]
            self.lines[self.active[place]].place = place
            place = parent
        self.active[place] = moving
        self.lines[moving].place = place
        return 0

    cdef int sift_down(self, index_t place) except -1 nogil:
        cdef index_t moving = self.active[place]
        cdef index_t child
        while True:
            child = 2 * place + 1
            if child >= self.n_active:
                break
            if child + 1 < self.n_active and comes_before(
                &self.lines[self.active[child + 1]].turn, &self.lines[self.active[child]].turn
            ):
                child += 1
            if not comes_before(&self.lines[self.active[child]].turn, &self.lines[moving].turn):
                break
            self.active[place] = self.active[child]
            self.lines[self.active[place]].place = place
            place = child
        self.active[place] = moving
        self.lines[moving].place = place
        return 0

    cdef int activate(self, index_t line) except -1 nogil:
        self.active[self.n_active] = line
        self.n_active += 1
        return self.sift_up(self.n_active - 1)

    cdef int deactivate(self, index_t line) except -1 nogil:
        cdef index_t place = self.lines[line].place
        cdef index_t last = self.active[self.n_active - 1]
        self.n_active -= 1
        self.lines[line].place = -1
        if last != line:
            self.active[place] = last
            self.lines[last].place = place
            self.sift_down(place)
            self.sift_up(self.lines[last].place)
        return 0

    cdef int renew(self, index_t line) except -1 nogil:
        """Put an active line where its oldest pod belongs."""
        if self.lines[line].turn.pod < 0:
            return self.deactivate(line)
        self.sift_down(self.lines[line].place)
        return self.sift_up(self.lines[line].place)

    cdef index_t turn_of(self, index_t line, index_t most) except -1 nogil:
        """How many pods of the line on top, at most ``most``, come before every other line."""
        cdef const turn_t* rival
        cdef turn_t turn = self.lines[line].turn
        cdef index_t count = 0
        if self.n_active == 1:
            rival = NULL
        else:
            rival = &self.lines[self.active[1]].turn
            if self.n_active > 2 and comes_before(&self.lines[self.active[2]].turn, rival):
                rival = &self.lines[self.active[2]].turn
        while rival == NULL or comes_before(&turn, rival):
            count += 1
            turn.pod = self.pods[turn.pod].next
            if count == most or turn.pod < 0:
                break
            if rival != NULL:
                self.give_turn(line, turn.pod, &turn)
        return count

    # --- classes that wait ---

    cdef int block(self, index_t pod_class) except -1 nogil:
        """No node was found for a class: it waits until something happens."""
        cdef class_t* its = &self.classes[pod_class]
        cdef index_t i
        cdef line_t* line = &self.lines[pod_class * self.n_lines]
        for i in range(self.n_lines):
            if line[i].place >= 0:
                self.deactivate(pod_class * self.n_lines + i)
        self.fail(pod_class, self.now)
        its.blocked = True
        its.stirred = 0
        its.place = self.n_blocked
        self.blocked[self.n_blocked] = pod_class
        self.n_blocked += 1
        self.n_watching += its.watches
        return 0

    cdef int fail(self, index_t pod_class, time_ns_t time) except -1 nogil:
        """All pods of a class fail once more: each line joins the next."""
        cdef line_t* line = &self.lines[pod_class * self.n_lines]
        cdef index_t last = self.n_lines - 1
        cdef index_t i
        if line[last].turn.pod < 0:
            line[last].turn = line[last - 1].turn
            line[last].tail = line[last - 1].tail
        elif line[last - 1].turn.pod >= 0:
            self.pods[line[last].tail].next = line[last - 1].turn.pod
            self.pods[line[last - 1].turn.pod].previous = line[last].tail
            line[last].tail = line[last - 1].tail
        for i in range(last - 1, 0, -1):
            line[i].turn = line[i - 1].turn
            line[i].tail = line[i - 1].tail
        line[0].turn.pod = -1
        line[0].tail = -1
        self.classes[pod_class].failed = time
        return 0

    cdef int flush(self, index_t pod_class, time_ns_t until) except -1 nogil:
        """Let a blocked class fail at the times at which it was tried for waiting too long."""
        cdef class_t* its = &self.classes[pod_class]
        cdef time_ns_t due, skipped
        cdef index_t i = 0
        if self.patience < 0:
            return 0
        while True:
            due = its.failed + self.patience
            due += self.flush_every - due % self.flush_every
            if due > until:
                return 0
            self.fail(pod_class, due)
            i += 1
            if i == self.n_lines:
                # All pods are in the last line, and stay there.
                skipped = self.patience + self.flush_every - self.patience % self.flush_every
                its.failed += (until - its.failed) / skipped * skipped
                return 0

    cdef int unblock(self, index_t pod_class) except -1 nogil:
        """Take a class out of the blocked ones; its lines are active if pods wait in them."""
        cdef class_t* its = &self.classes[pod_class]
        cdef index_t last = self.blocked[self.n_blocked - 1]
        cdef index_t i, line
        self.n_blocked -= 1
        self.n_watching -= its.watches
        self.blocked[its.place] = last
        self.classes[last].place = its.place
        its.blocked = False
        its.stirred = 0
        its.place = -1
        for i in range(self.n_lines):
            line = pod_class * self.n_lines + i
            if self.lines[line].turn.pod >= 0:
                self.set_head(line, self.lines[line].turn.pod)
                self.activate(line)
        return 0

    cdef int stir(self, index_t pod_class, bint helps) except -1 nogil:
        """Something happened for which a blocked class is tried again, in vain unless ``helps``."""
        cdef class_t* its = &self.classes[pod_class]
        if not its.stirred:
            self.flush(pod_class, self.now - 1)
            its.stirred = IN_VAIN
            self.n_stirred += 1
        if helps and its.stirred == IN_VAIN:
            its.stirred = HELPFUL
            self.n_helped += 1
        return 0

    cdef int settle(self) except -1 nogil:
        """Make the classes active that may find a node now."""
        cdef index_t i
        # Unblocking fills the hole with the last one, which was looked at before.
        for i in range(self.n_blocked - 1, -1, -1):
            if self.classes[self.blocked[i]].stirred == HELPFUL:
                self.unblock(self.blocked[i])
                self.n_stirred -= 1
        self.n_helped = 0
        return 0

    cdef int give_up(self) except -1 nogil:
        """At the end of an instant: the classes that were stirred in vain have failed again."""
        cdef index_t i
        for i in range(self.n_blocked):
            if self.classes[self.blocked[i]].stirred:
                self.classes[self.blocked[i]].stirred = 0
                self.fail(self.blocked[i], self.now)
        self.n_stirred = 0
        return 0

    # --- pods come and go ---

    cdef int enqueue(self, index_t pod) except -1 nogil:
        """Let a new pod wait.

        Nobody looks for a node for a pod of a class that waits: it failed once already.
        """
        cdef index_t pod_class = self.class_of(pod)
        cdef class_t* its = &self.classes[pod_class]
        cdef index_t line = pod_class * self.n_lines
        its.n_pending += 1
        self.pending_version += 1
        if its.gated:
            return self.insert(line, pod)
        if its.blocked and not its.stirred:
            self.flush(pod_class, self.now)
            return self.insert(line + 1, pod)
        self.insert(line, pod)
        if not its.blocked and self.lines[line].place < 0:
            self.activate(line)
        return 0

    cdef int insert(self, index_t line, index_t pod) except -1 nogil:
        """Put a pod into a line in the order of creation; the heap is the caller's."""
        cdef index_t before = self.lines[line].tail
        cdef index_t after = -1
        while before > pod:
            after = before
            before = self.pods[before].previous
        self.pods[pod].previous = before
        self.pods[pod].next = after
        if after >= 0:
            self.pods[after].previous = pod
        else:
            self.lines[line].tail = pod
        if before >= 0:
            self.pods[before].next = pod
        else:
            self.set_head(line, pod)
        return 0

    cdef index_t line_of(self, index_t pod) except -1 nogil:
        """Find the line that begins or ends with a pod; of another pod, any line of its class."""
        cdef index_t line = self.class_of(pod) * self.n_lines
        cdef index_t i
        for i in range(self.n_lines):
            if self.lines[line + i].turn.pod == pod or self.lines[line + i].tail == pod:
                return line + i
        return line

    cdef int unlink(self, index_t line, index_t pod) except -1 nogil:
        """Take a pod out of its line; the heap is the caller's."""
        cdef pod_t* record = &self.pods[pod]
        if record.next >= 0:
            self.pods[record.next].previous = record.previous
        else:
            self.lines[line].tail = record.previous
        if record.previous >= 0:
            self.pods[record.previous].next = record.next
        else:
            self.set_head(line, record.next)
        return 0

    cdef int leave_line(self, index_t pod) except -1 nogil:
        """A pod does not wait any more."""
        cdef index_t line = self.line_of(pod)
        self.unlink(line, pod)
        if self.lines[line].place >= 0:
            self.renew(line)
        self.classes[self.class_of(pod)].n_pending -= 1
        self.pending_version += 1
        return 0
