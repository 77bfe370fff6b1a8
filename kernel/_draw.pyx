"""A node drawn at random from those that take a pod.

Cluster Autoscaler's list of nodes comes from a map whenever a pod was placed, so its rotating scan
is a fair draw among the nodes that take the pod.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free

from pyscale.kernel._bind cimport FITS, ClusterState
from pyscale.kernel._growth cimport reserve

cdef enum:
    TRIES = 32  # places guessed before all are looked at


@cython.final
cdef class Draw:
    """Draws places in the list of nodes.

    Parameters
    ----------
    seed : int
        64 bits.
    """

    def __cinit__(self, uint64_t seed):
        self.seed = seed

    def __dealloc__(self):
        free(self.places)

    cdef uint64_t next(self) noexcept nogil:
        """The next number of SplitMix64."""
        cdef uint64_t z
        self.seed += <uint64_t>0x9E3779B97F4A7C15
        z = self.seed
        z = (z ^ (z >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
        z = (z ^ (z >> 27)) * <uint64_t>0x94D049BB133111EB
        return z ^ (z >> 31)

    cdef int64_t below(self, int64_t n) noexcept nogil:
        """A number below n < 2**32, each equally likely but for a part in 2**31."""
        return <int64_t>(((self.next() >> 32) * <uint64_t>n) >> 32)

    cdef int32_t place(
        self, ClusterState state, int32_t class_id, const uint8_t* accepted
    ) except -2:
        """The place of a node that passes all filters, -1 if there is none.

        A place that is guessed and fits is a fair draw; where few fit, all are looked at.
        """
        cdef int64_t n, _try, place, n_fitting = 0
        cdef int32_t node
        state.refresh()
        n = state.order.n
        if n == 0 or state.classes[class_id].refused:
            return -1
        for _try in range(TRIES):
            place = self.below(n)
            node = state.order.at[place]
            if accepted[node] and state.check(class_id, node) == FITS:
                return <int32_t>place
        reserve(<void**>&self.places, &self.room, n, sizeof(int32_t))
        for place in range(n):
            node = state.order.at[place]
            if accepted[node] and state.check(class_id, node) == FITS:
                self.places[n_fitting] = <int32_t>place
                n_fitting += 1
        return self.places[self.below(n_fitting)] if n_fitting else -1
