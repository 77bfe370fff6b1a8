"""What claims cost at least, as a run of what-ifs asks for it again and again.

Prices are float64, as upstream compares them.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from ._provision_tables cimport copied32, copied_words, grown, set_bit

cdef enum:
    FIRST = 1024            # slots
    WIDTH = 3               # numbers per claim
    MOST = 32768            # slots; a table that would need more starts anew
    MOST_SETS = 512         # of which bounds are kept


cdef class ClaimPrices:
    """Remembers the price of a claim by its template, requirement set and columns.

    Parameters
    ----------
    source : object
        Answers what is asked for the first time: ``least(template, set, types)`` with the least
        price that a claim may have to be below, whatever its capacity type and for spot alone (-1
        without), and the number of its types; ``bounds(template, set)`` with a float64 per column
        that no such price is below, however the set is narrowed.
    n_words : int
        Words of a bitset of columns.
    """

    def __cinit__(self, source, int n_words):
        self.source, self.n_words = source, n_words
        self.cheap = <uint64_t *>grown(NULL, n_words * sizeof(uint64_t))

    def __dealloc__(self):
        cdef int32_t i
        for i in range(self.n_bounds):
            if self.bounds[i] != NULL:
                free(self.bounds[i].columns)
                free(self.bounds[i].bounds)
                free(self.bounds[i].first)
                free(self.bounds[i])
        free(self.bounds)
        free(self.cheap)
        free(self.keys)
        free(self.prices)

    def __len__(self):
        return self.used

    def find(self, int template, int set_id, types):
        """Return the least price, that of spot alone, and the number of types.

        ``types`` are little-endian words.
        """
        cdef uint64_t *words = copied_words(types, self.n_words)
        cdef double *found
        try:
            found = self.least(template, set_id, words)
            return found[0], found[1], <int64_t>found[2]
        finally:
            free(words)

    cdef size_t slot(self, uint64_t head, const uint64_t *types) noexcept nogil:
        """Where the claim is, or would be put."""
        cdef uint64_t h = head * <uint64_t>0x9E3779B97F4A7C15
        cdef size_t i
        cdef int32_t w
        cdef uint64_t *key
        for w in range(self.n_words):
            h = (h ^ types[w] ^ (h >> 29)) * <uint64_t>0xBF58476D1CE4E5B9
        i = (h >> 32) & (self.size - 1)
        while True:
            key = &self.keys[i * (self.n_words + 1)]
            # Heads are never 0.
            if key[0] == 0 or (
                key[0] == head and not memcmp(key + 1, types, self.n_words * sizeof(uint64_t))
            ):
                return i
            i = (i + 1) & (self.size - 1)

    cdef double *least(self, int32_t template, int32_t s, const uint64_t *types) except NULL nogil:
        """The least price of a claim, that of spot alone or -1, and the number of its types."""
        cdef uint64_t head = (<uint64_t>(template + 1) << 32) | <uint64_t>s
        cdef size_t i
        if self.size:
            i = self.slot(head, types)
            if self.keys[i * (self.n_words + 1)]:
                return &self.prices[WIDTH * i]
        return self.ask(template, s, types)

    cdef double *ask(
        self, int32_t template, int32_t s, const uint64_t *types
    ) except NULL with gil:
        cdef uint64_t head = (<uint64_t>(template + 1) << 32) | <uint64_t>s
        cdef double price, spot, n_types
        cdef size_t i
        price, spot, n_types = self.source.least(
            template, s, (<const char *>types)[:self.n_words * sizeof(uint64_t)])
        self.make_room()
        i = self.slot(head, types)
        self.keys[i * (self.n_words + 1)] = head
        memcpy(&self.keys[i * (self.n_words + 1) + 1], types, self.n_words * sizeof(uint64_t))
        self.prices[WIDTH * i], self.prices[WIDTH * i + 1] = price, spot
        self.prices[WIDTH * i + 2] = n_types
        self.used += 1
        return &self.prices[WIDTH * i]

    cdef int make_room(self) except -1:
        """See to it that one more fits in, at most half of the slots being used."""
        cdef uint64_t *keys = self.keys
        cdef double *prices = self.prices
        cdef size_t size = self.size, width = self.n_words + 1, i, j
        if 2 * (self.used + 1) <= size:
            return 0
        if size == MOST:
            memset(keys, 0, size * width * sizeof(uint64_t))
            self.used = 0
            return 0
        self.size = max(<size_t>FIRST, 2 * size)
        self.keys = <uint64_t *>calloc(self.size * width, sizeof(uint64_t))
        self.prices = <double *>calloc(WIDTH * self.size, sizeof(double))
        if self.keys == NULL or self.prices == NULL:
            free(self.keys)
            free(self.prices)
            self.keys, self.prices, self.size = keys, prices, size
            raise MemoryError
        for i in range(size):
            if keys[i * width]:
                j = self.slot(keys[i * width], &keys[i * width + 1])
                memcpy(&self.keys[j * width], &keys[i * width], width * sizeof(uint64_t))
                memcpy(&self.prices[WIDTH * j], &prices[WIDTH * i], WIDTH * sizeof(double))
        free(keys)
        free(prices)
        return 0

    cdef ColumnBounds *bounds_of(self, int32_t template, int32_t s) except? NULL nogil:
        """What the columns of a claim cost at least; NULL where too many sets were asked for."""
        if s < self.n_bounds and self.bounds[s] != NULL:
            return self.bounds[s]
        if self.n_asked >= MOST_SETS:
            return NULL
        return self.ask_bounds(template, s)

    cdef ColumnBounds *ask_bounds(self, int32_t template, int32_t s) except NULL with gil:
        import numpy as np

        cdef int32_t i, room, row
        cdef uint64_t *words
        cdef ColumnBounds *b
        cdef const double[::1] found = self.source.bounds(template, s)
        order = np.argsort(found, kind="stable").astype(np.int32)
        if s >= self.n_bounds:
            room = max(2 * self.n_bounds, s + 64)
            self.bounds = <ColumnBounds **>grown(self.bounds, room * sizeof(void *))
            memset(&self.bounds[self.n_bounds], 0, (room - self.n_bounds) * sizeof(void *))
            self.n_bounds = room
        b = self.bounds[s] = <ColumnBounds *>grown(NULL, sizeof(ColumnBounds))
        memset(b, 0, sizeof(ColumnBounds))
        self.n_asked += 1
        b.columns = copied32(order)
        b.bounds = <double *>grown(NULL, len(order) * sizeof(double))
        b.n = len(order)
        b.first = <uint64_t *>calloc((b.n // 64 + 1) * self.n_words, sizeof(uint64_t))
        if b.first == NULL:
            raise MemoryError
        for i in range(b.n):
            b.bounds[i] = found[b.columns[i]]
        for row in range(1, b.n // 64 + 1):
            words = &b.first[row * self.n_words]
            memcpy(words, words - self.n_words, self.n_words * sizeof(uint64_t))
            for i in range(64 * (row - 1), 64 * row):
                set_bit(words, b.columns[i])
        return b

    cdef bint keep_cheaper(
        self, const ColumnBounds *bounds, double price, uint64_t *columns
    ) noexcept nogil:
        """Keep of some columns those that may cost less than a price; whether any is left."""
        cdef int32_t low = 0, high = bounds.n, middle, w
        cdef uint64_t any_left = 0
        while low < high:
            middle = (low + high) >> 1
            if bounds.bounds[middle] < price:
                low = middle + 1
            else:
                high = middle
        memcpy(self.cheap, &bounds.first[low // 64 * self.n_words],
               self.n_words * sizeof(uint64_t))
        for middle in range(low // 64 * 64, low):
            set_bit(self.cheap, bounds.columns[middle])
        for w in range(self.n_words):
            columns[w] &= self.cheap[w]
            any_left |= columns[w]
        return any_left != 0
