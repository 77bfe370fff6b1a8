"""What a round came to, copied: later rounds leave it alone.

Rounds are many and most of what one came to is never asked for, so that all of it is copied into
one piece of memory, and read from there.
"""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free


cdef class Outcome:
    """The outcome of a round of a :class:`pyscale.kernel._provision.Provisioner`.

    Attributes
    ----------
    n_pods, n_pending, n_leaving : int
        Pods of the batch: pending ones, then those that leave, then those that move anyway.
    n_nodes, n_claims : int
        Existing nodes, and claims to create.
    has_min_values : bool
        Whether a claim's requirement set has minValues.
    """

    cdef int make_room(self) except -1:
        """Make room for everything, in the sizes that have been set."""
        import numpy as np

        cdef size_t n = self.n_pods, m = self.n_claims
        self.data = np.empty(
            m * (8 * (self.n_resources + self.n_words + self.n_reservation_words) + 8)
            + n * (12 + self.n_templates) + self.n_templates + 1,
            dtype=np.uint8)
        self.view = self.data
        # The widest first.
        self.claim_requests = <int64_t *>self.piece(8 * m * self.n_resources)
        self.claim_types = <uint64_t *>self.piece(8 * m * self.n_words)
        self.claim_held = <uint64_t *>self.piece(8 * m * self.n_reservation_words)
        self.pod_place = <int32_t *>self.piece(4 * n)
        self.pod_class = <int32_t *>self.piece(4 * n)
        self.bound_moved = <int32_t *>self.piece(4 * (n - self.n_pending))
        self.claim_template = <int32_t *>self.piece(4 * m)
        self.claim_set = <int32_t *>self.piece(4 * m)
        self.pod_reasons = <int8_t *>self.piece(n * self.n_templates)
        self.relaxed = <uint8_t *>self.piece(self.n_templates)
        return 0

    cdef void *piece(self, size_t size) noexcept:
        cdef void *start = &self.view[0] + self.filled
        self.filled += size
        return start

    cdef object array(self, const void *start, size_t n, object dtype):
        cdef size_t first = <size_t>(<const uint8_t *>start - &self.view[0])
        return self.data[first:first + n].view(dtype)

    @property
    def place(self):
        """Node number, node count + claim number, or -1: ndarray of int32, shape (n_pods,)."""
        return self.array(self.pod_place, 4 * self.n_pods, "int32")

    @property
    def reasons(self):
        """Why each template refused the last attempt: ndarray of int8, shape (n_pods, n_templates).

        0: it was not tried.
        """
        found = self.array(self.pod_reasons, self.n_pods * self.n_templates, "int8")
        return found.reshape(self.n_pods, self.n_templates)

    @property
    def moved(self):
        """The bound pods of the batch: ndarray of int32, shape (n_pods - n_pending,)."""
        return self.array(self.bound_moved, 4 * (self.n_pods - self.n_pending), "int32")

    @property
    def classes(self):
        """The pods' classes before any relaxation: ndarray of int32, shape (n_pods,)."""
        return self.array(self.pod_class, 4 * self.n_pods, "int32")

    def claim(self, int i):
        """Return a claim's template, requirement set, and columns as little-endian words."""
        cdef const char *words = <const char *>&self.claim_types[i * self.n_words]
        return self.claim_template[i], self.claim_set[i], words[:8 * self.n_words]

    def requests(self, int i):
        """Return what the pods of a claim request, by resource."""
        return [self.claim_requests[i * self.n_resources + r] for r in range(self.n_resources)]

    def held(self, int i):
        """Return the reservations that a claim holds as little-endian words; empty for none."""
        cdef const uint64_t *words = &self.claim_held[i * self.n_reservation_words]
        cdef int w
        for w in range(self.n_reservation_words):
            if words[w]:
                return (<const char *>words)[:8 * self.n_reservation_words]
        return b""

    def relaxes_min_values(self, int i):
        """Say whether the claim opened last of a claim's template had its minValues relaxed."""
        return self.relaxed[self.claim_template[i]] != 0

    def pods_of_claims(self):
        """Return the pods of each claim, ascending."""
        cdef list pods = [[] for _ in range(self.n_claims)]
        cdef int pod
        for pod in range(self.n_pods):
            if self.pod_place[pod] >= self.n_nodes:
                (<list>pods[self.pod_place[pod] - self.n_nodes]).append(pod)
        return pods

    def nominated(self):
        """Return the numbers of the existing nodes that pending pods go to, ascending."""
        cdef uint8_t *is_named = <uint8_t *>calloc(self.n_nodes + 1, 1)
        cdef int pod, n
        if is_named == NULL:
            raise MemoryError
        for pod in range(self.n_pending):
            if 0 <= self.pod_place[pod] < self.n_nodes:
                is_named[self.pod_place[pod]] = 1
        found = [n for n in range(self.n_nodes) if is_named[n]]
        free(is_named)
        return found

    def unplaced(self, int n_sure):
        """Return the bound pods of the batch that find no place that is known to work.

        Nobody knows that of nodes from ``n_sure`` on; pods that move anyway may go there.
        """
        cdef list found = []
        cdef int pod
        for pod in range(self.n_pending, self.n_pods):
            if self.pod_place[pod] < 0 or (
                pod < self.n_pending + self.n_leaving
                and n_sure <= self.pod_place[pod] < self.n_nodes
            ):
                found.append(pod)
        return found
