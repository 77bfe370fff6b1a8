"""Event heap on the total order (time, priority, sequence).

The sequence number is given at the push, so that two events of one time and one priority come out
in the order they went in: same pushes, same pops, on every machine.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc


cdef inline bint before(const Event* a, const Event* b) noexcept nogil:
    if a.time != b.time:
        return a.time < b.time
    if a.priority != b.priority:
        return a.priority < b.priority
    return a.sequence < b.sequence


@cython.final
cdef class EventHeap:
    """A priority queue of events ordered by (time, priority, sequence).

    Parameters
    ----------
    room : int, optional
        How many events to make room for at the start; it grows by itself.

    Examples
    --------
    >>> heap = EventHeap()
    >>> heap.push(5, 0, 1, 70), heap.push(5, 0, 1, 71), heap.push(3, 9, 2, 72)
    (0, 1, 2)
    >>> heap.pop()
    (3, 9, 2, 2, 72)
    >>> heap.pop(), len(heap)
    ((5, 0, 0, 1, 70), 1)

    Notes
    -----
    Push and pop take O(log n). The heap has four children per node: half the depth of a binary
    heap, and the four lie in two or three cache lines. Not for use by two threads at once.
    """

    def __cinit__(self, Py_ssize_t room=64):
        self.reserve(room if room > 0 else 1)

    def __dealloc__(self):
        free(self._events)

    def __len__(self):
        return self._size

    cdef int reserve(self, Py_ssize_t n) except -1 nogil:
        """Make room for ``n`` events in all."""
        cdef Event* events
        if n <= self._room:
            return 0
        events = <Event*>realloc(self._events, <size_t>n * sizeof(Event))
        if events == NULL:
            with gil:
                raise MemoryError(f"no memory for {n} events")
        self._events = events
        self._room = n
        return 0

    cdef int64_t push_event(
        self, int64_t time, int32_t priority, int32_t kind, int64_t payload
    ) except -1 nogil:
        """Add an event and return its sequence number."""
        cdef Event event
        cdef Py_ssize_t i, parent
        if self._size == self._room:
            self.reserve(2 * self._room)
        event.time = time
        event.priority = priority
        event.kind = kind
        event.payload = payload
        event.sequence = self._next_sequence
        self._next_sequence += 1
        # Invariant: slot i is free, and its parent precedes everything below i.
        i = self._size
        self._size += 1
        while i > 0:
            parent = (i - 1) >> 2
            if not before(&event, &self._events[parent]):
                break
            self._events[i] = self._events[parent]
            i = parent
        self._events[i] = event
        return event.sequence

    cdef bint pop_event(self, Event* event) noexcept nogil:
        """Take the first event out; false when there is none."""
        cdef Event* last
        cdef Py_ssize_t i, child, best, stop
        if self._size == 0:
            return False
        event[0] = self._events[0]
        self._size -= 1
        last = &self._events[self._size]
        # Invariant: slot i is free; `last` goes there unless a child precedes it.
        i = 0
        while True:
            child = 4 * i + 1
            if child >= self._size:
                break
            stop = child + 4 if child + 4 < self._size else self._size
            best = child
            for child in range(child + 1, stop):
                if before(&self._events[child], &self._events[best]):
                    best = child
            if not before(&self._events[best], last):
                break
            self._events[i] = self._events[best]
            i = best
        if self._size:
            self._events[i] = last[0]
        return True

    cdef const Event* first(self) noexcept nogil:
        """The first event, or NULL; valid until the next push or pop."""
        return &self._events[0] if self._size else NULL

    def push(self, int64_t time, int32_t priority, int32_t kind, int64_t payload):
        """Add an event.

        Parameters
        ----------
        time : int
            Nanoseconds.
        priority : int
            Smaller comes first among equal times.
        kind, payload : int
            Given back by ``pop``; not compared.

        Returns
        -------
        int
            The event's sequence number.
        """
        return self.push_event(time, priority, kind, payload)

    def pop(self):
        """Take the first event out.

        Returns
        -------
        tuple of int
            (time, priority, sequence, kind, payload).

        Raises
        ------
        IndexError
            If there is none.
        """
        cdef Event event
        if not self.pop_event(&event):
            raise IndexError("pop from an empty event heap")
        return event.time, event.priority, event.sequence, event.kind, event.payload

    def peek(self):
        """Return what ``pop`` would, or None if there is no event."""
        cdef const Event* event = self.first()
        if event == NULL:
            return None
        return event.time, event.priority, event.sequence, event.kind, event.payload

    def clear(self):
        """Remove all events; sequence numbers start at 0 again."""
        self._size = 0
        self._next_sequence = 0
