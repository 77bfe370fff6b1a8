"""Fixed-width bitsets over interned ids, one row of 64-bit words per set.

The functions of the ``.pxd`` work on one row each and are inlined where kernels need them; those
below work on whole tables.  Assumes ids within the width, rows of equal width.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from ._typedefs cimport mask_t


def fill_rows(const int64_t[::1] starts, const int32_t[::1] ids, mask_t[:, ::1] rows):
    """Write sets given as lists of ids.

    Parameters
    ----------
    starts : memoryview of int64, shape (n_rows + 1,)
        The ids of row ``i`` are ``ids[starts[i]:starts[i + 1]]``.
    ids : memoryview of int32
        Members, in any order, repeats allowed.
    rows : memoryview of uint64, shape (n_rows, n_words)
        Overwritten.
    """
    cdef Py_ssize_t i, j
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            rows[i, j] = 0
        for j in range(starts[i], starts[i + 1]):
            rows[i, ids[j] >> 6] |= (<mask_t>1) << (ids[j] & 63)


def count_rows(const mask_t[:, ::1] rows, int64_t[::1] out):
    """Count the members of every row.

    Parameters
    ----------
    rows : memoryview of uint64, shape (n_rows, n_words)
        Sets.
    out : memoryview of int64, shape (n_rows,)
        Number of members.
    """
    cdef Py_ssize_t i, j
    for i in range(rows.shape[0]):
        out[i] = 0
        for j in range(rows.shape[1]):
            out[i] += popcount(rows[i, j])


def members(const mask_t[::1] row, int32_t[::1] out):
    """List the members of one set in ascending order.

    Parameters
    ----------
    row : memoryview of uint64, shape (n_words,)
        The set.
    out : memoryview of int32
        Room for all members.

    Returns
    -------
    int
        How many were written.
    """
    cdef Py_ssize_t n = 0
    cdef Py_ssize_t bit
    if row.shape[0] == 0:
        return 0
    bit = next_bit(&row[0], row.shape[0], 0)
    while bit >= 0:
        out[n] = <int32_t>bit
        n += 1
        bit = next_bit(&row[0], row.shape[0], bit + 1)
    return n


def rows_intersecting(const mask_t[:, ::1] rows, const mask_t[::1] other, uint8_t[::1] out):
    """Tell for every row whether it shares a member with one other set.

    Parameters
    ----------
    rows : memoryview of uint64, shape (n_rows, n_words)
        Sets.
    other : memoryview of uint64, shape (n_words,)
        The set to compare with.
    out : memoryview of uint8, shape (n_rows,)
        1 or 0.
    """
    cdef Py_ssize_t i
    for i in range(rows.shape[0]):
        out[i] = rows.shape[1] > 0 and intersects(&rows[i, 0], &other[0], rows.shape[1])


def rows_within(const mask_t[:, ::1] rows, const mask_t[::1] other, uint8_t[::1] out):
    """Tell for every row whether all its members are in one other set.

    Parameters
    ----------
    rows : memoryview of uint64, shape (n_rows, n_words)
        Sets.
    other : memoryview of uint64, shape (n_words,)
        The set to compare with.
    out : memoryview of uint8, shape (n_rows,)
        1 or 0.
    """
    cdef Py_ssize_t i
    for i in range(rows.shape[0]):
        out[i] = rows.shape[1] == 0 or is_subset(&rows[i, 0], &other[0], rows.shape[1])


def common_members(const mask_t[::1] a, const mask_t[::1] b, int32_t[::1] out):
    """List the ids that both sets have, in ascending order.

    Parameters
    ----------
    a, b : memoryview of uint64, shape (n_words,)
        Sets.
    out : memoryview of int32
        Room for all of them.

    Returns
    -------
    int
        How many were written.
    """
    cdef Py_ssize_t n = 0
    cdef Py_ssize_t bit
    if a.shape[0] == 0:
        return 0
    bit = next_common_bit(&a[0], &b[0], a.shape[0], 0)
    while bit >= 0:
        out[n] = <int32_t>bit
        n += 1
        bit = next_common_bit(&a[0], &b[0], a.shape[0], bit + 1)
    return n
