"""Fixed-width bitsets: a set over interned ids is a row of ``words_for(n)`` 64-bit words.

Ids are counted from 0; both sets of an operation have the same width.
"""

from libc.stdint cimport uint64_t

from ._typedefs cimport mask_t

cdef extern from "_bits.h" nogil:
    int lowest_bit "pyscale_lowest"(uint64_t word) noexcept
    int popcount "pyscale_popcount"(uint64_t word) noexcept
    uint64_t bits_from "pyscale_bits_from"(int bit) noexcept
    uint64_t low_bits "pyscale_low_bits"(int n) noexcept


cdef inline Py_ssize_t words_for(Py_ssize_t n_ids) noexcept nogil:
    """How many words hold ``n_ids`` bits."""
    return (n_ids + 63) >> 6


cdef inline bint has_bit(const mask_t* row, Py_ssize_t bit) noexcept nogil:
    """Is the id in the set?"""
    return (row[bit >> 6] >> (bit & 63)) & 1


cdef inline void set_bit(mask_t* row, Py_ssize_t bit) noexcept nogil:
    """Add the id."""
    row[bit >> 6] |= (<mask_t>1) << (bit & 63)


cdef inline void clear_bit(mask_t* row, Py_ssize_t bit) noexcept nogil:
    """Remove the id."""
    row[bit >> 6] &= ~((<mask_t>1) << (bit & 63))


cdef inline bint is_empty(const mask_t* row, Py_ssize_t n_words) noexcept nogil:
    """Has the set no member?"""
    cdef Py_ssize_t i
    for i in range(n_words):
        if row[i]:
            return False
    return True


cdef inline bint intersects(const mask_t* a, const mask_t* b, Py_ssize_t n_words) noexcept nogil:
    """Do the sets share a member?"""
    cdef Py_ssize_t i
    for i in range(n_words):
        if a[i] & b[i]:
            return True
    return False


cdef inline bint is_subset(const mask_t* a, const mask_t* b, Py_ssize_t n_words) noexcept nogil:
    """Is every member of ``a`` in ``b``?"""
    cdef Py_ssize_t i
    for i in range(n_words):
        if a[i] & ~b[i]:
            return False
    return True


cdef inline bint is_equal(const mask_t* a, const mask_t* b, Py_ssize_t n_words) noexcept nogil:
    """Have the sets the same members?"""
    cdef Py_ssize_t i
    for i in range(n_words):
        if a[i] != b[i]:
            return False
    return True


cdef inline bint intersect_into(mask_t* a, const mask_t* b, Py_ssize_t n_words) noexcept nogil:
    """Keep in ``a`` what is also in ``b``; is anything left?"""
    cdef Py_ssize_t i
    cdef mask_t left = 0
    for i in range(n_words):
        a[i] &= b[i]
        left |= a[i]
    return left != 0


cdef inline void unite_into(mask_t* a, const mask_t* b, Py_ssize_t n_words) noexcept nogil:
    """Add the members of ``b`` to ``a``."""
    cdef Py_ssize_t i
    for i in range(n_words):
        a[i] |= b[i]


cdef inline void subtract_into(mask_t* a, const mask_t* b, Py_ssize_t n_words) noexcept nogil:
    """Remove the members of ``b`` from ``a``."""
    cdef Py_ssize_t i
    for i in range(n_words):
        a[i] &= ~b[i]


cdef inline Py_ssize_t count_bits(const mask_t* row, Py_ssize_t n_words) noexcept nogil:
    """How many members has the set?"""
    cdef Py_ssize_t i, n = 0
    for i in range(n_words):
        n += popcount(row[i])
    return n


cdef inline Py_ssize_t next_bit(
    const mask_t* row, Py_ssize_t n_words, Py_ssize_t start
) noexcept nogil:
    """The smallest member not below ``start``, or -1."""
    cdef Py_ssize_t i = start >> 6
    cdef mask_t word
    if i >= n_words:
        return -1
    word = row[i] & bits_from(<int>(start & 63))
    while not word:
        i += 1
        if i == n_words:
            return -1
        word = row[i]
    return (i << 6) + lowest_bit(word)


cdef inline Py_ssize_t next_common_bit(
    const mask_t* a, const mask_t* b, Py_ssize_t n_words, Py_ssize_t start
) noexcept nogil:
    """The smallest id not below ``start`` that both sets have, or -1."""
    cdef Py_ssize_t i = start >> 6
    cdef mask_t word
    if i >= n_words:
        return -1
    word = a[i] & b[i] & bits_from(<int>(start & 63))
    while not word:
        i += 1
        if i == n_words:
            return -1
        word = a[i] & b[i]
    return (i << 6) + lowest_bit(word)
