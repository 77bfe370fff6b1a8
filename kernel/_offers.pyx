"""The cheapest of the machines that the cloud sells, among those that somebody would take."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._typedefs cimport index_t

import numpy as np


cdef struct rank_t:            # the smaller is taken, field by field
    int64_t price
    index_t kind
    index_t word
    index_t zone


cdef inline bint is_better(const rank_t* a, const rank_t* b) noexcept nogil:
    if a.price != b.price:
        return a.price < b.price
    if a.kind != b.kind:
        return a.kind < b.kind
    if a.word != b.word:
        return a.word < b.word
    return a.zone < b.zone


cdef class Offers:
    """Machines as columns, those of one type side by side.

    Parameters
    ----------
    first : ndarray of int32, shape (n_types + 1,)
        Offers of type ``t`` are ``first[t]`` up to ``first[t + 1]``.
    zone, word : ndarray of int32, shape (n_offers,)
        Indices of each offer's zone and capacity type.
    price : ndarray of int64, shape (n_offers,)
        Kept and read at each call, as ``sold`` is.
    sold : ndarray of bool, shape (n_offers,)

    Notes
    -----
    Assumes that indices and ``first`` are valid.
    """

    cdef const int32_t[::1] first
    cdef const int32_t[::1] zone
    cdef const int32_t[::1] word
    cdef const int64_t[::1] price
    cdef const uint8_t[::1] sold
    cdef int32_t[::1] zone_rank    # place in the choice that is asked about, -1 outside
    cdef int32_t[::1] word_rank

    def __cinit__(
        self,
        const int32_t[::1] first,
        const int32_t[::1] zone,
        const int32_t[::1] word,
        const int64_t[::1] price,
        sold,
    ):
        self.first = first
        self.zone = zone
        self.word = word
        self.price = price
        self.sold = sold.view(np.uint8)
        self.zone_rank = np.zeros(int(np.max(zone, initial=-1)) + 1, np.int32)
        self.word_rank = np.zeros(int(np.max(word, initial=-1)) + 1, np.int32)

    def cheapest(self, list types, list zones, list words, is_full not None):
        """Return the index of the cheapest offer of a choice, -1 if there is none.

        Parameters
        ----------
        types, zones, words : list of int or None
            What would be taken, the dearest wish first, -1 for what nobody sells; None for all,
            none before the others.
        is_full : ndarray of bool, shape (n_offers,)
            Offers that have no capacity left.

        Notes
        -----
        Ties: order of ``types``, then of ``words``, then of ``zones``, then of the offers.
        O(offers of the types).
        """
        cdef const uint8_t[::1] full = is_full.view(np.uint8)
        cdef rank_t best, rank
        cdef index_t i, kind, found = -1
        cdef Py_ssize_t k, n = self.first.shape[0] - 1 if types is None else len(types)
        if full.shape[0] != self.zone.shape[0]:
            raise ValueError(f"is_full must have shape ({self.zone.shape[0]},)")
        rank_places(self.zone_rank, zones)
        rank_places(self.word_rank, words)
        for k in range(n):
            kind = <index_t>k if types is None else types[k]
            if kind < 0:
                continue
            if kind >= self.first.shape[0] - 1:
                raise IndexError(f"expected a type below {self.first.shape[0] - 1}, found {kind}")
            rank.kind = 0 if types is None else <index_t>k
            for i in range(self.first[kind], self.first[kind + 1]):
                rank.price = self.price[i]
                rank.word = self.word_rank[self.word[i]]
                rank.zone = self.zone_rank[self.zone[i]]
                if rank.word < 0 or rank.zone < 0 or full[i] or not self.sold[i]:
                    continue
                if found < 0 or is_better(&rank, &best):
                    best = rank
                    found = i
        return found


cdef int rank_places(int32_t[::1] ranks, list wanted) except -1:
    """Write the place of each index in a choice, the first of equal ones; -1 outside."""
    cdef Py_ssize_t i
    cdef index_t index
    ranks[:] = 0 if wanted is None else -1
    if wanted is not None:
        for i in range(len(wanted) - 1, -1, -1):
            index = wanted[i]
            if 0 <= index < ranks.shape[0]:
                ranks[index] = <int32_t>i
    return 0
