"""Stable total orders of rows of integers, and exact sizes of requests to sort by.

A size may need more than 64 bits: it is written as several key columns, the most significant
first, so that one comparison of rows serves every order.  Columns are signed; a column that holds a
word of a larger number has its top bit flipped, which keeps the order of unsigned words.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef extern from "_wide.h" nogil:
    uint64_t pyscale_multiply(uint64_t a, uint64_t b, uint64_t* high) noexcept
    void pyscale_add_wide(
        uint64_t* high, uint64_t* low, uint64_t add_high, uint64_t add_low
    ) noexcept

cdef enum:
    SHORT = 12  # below this insertion is quicker than merging


cdef inline int64_t as_column(uint64_t word) noexcept nogil:
    return <int64_t>(word ^ ((<uint64_t>1) << 63))


cdef inline bint precedes(
    const int64_t* a, const int64_t* b, Py_ssize_t n_columns, const uint8_t* descending
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n_columns):
        if a[i] != b[i]:
            return (a[i] > b[i]) == descending[i]
    return False


cdef void sort_row_ids(
    const int64_t* keys, Py_ssize_t n_rows, Py_ssize_t n_columns, const uint8_t* descending,
    int32_t* order, int32_t* scratch,
) noexcept nogil:
    """Merge sort bottom up: rows that compare equal keep their order."""
    cdef Py_ssize_t start, middle, stop, i, j, k, width
    cdef int32_t row
    cdef int32_t* source = order
    cdef int32_t* target = scratch
    start = 0
    while start < n_rows:
        stop = start + SHORT if start + SHORT < n_rows else n_rows
        for i in range(start, stop):
            row = <int32_t>i
            j = i
            while j > start and precedes(
                keys + row * n_columns, keys + order[j - 1] * n_columns, n_columns, descending
            ):
                order[j] = order[j - 1]
                j -= 1
            order[j] = row
        start = stop
    width = SHORT
    while width < n_rows:
        start = 0
        while start < n_rows:
            middle = start + width if start + width < n_rows else n_rows
            stop = start + 2 * width if start + 2 * width < n_rows else n_rows
            i = start
            j = middle
            # Invariant: target[start:k] holds the first k - start rows of both halves in order.
            for k in range(start, stop):
                if i < middle and (j >= stop or not precedes(
                    keys + source[j] * n_columns, keys + source[i] * n_columns, n_columns,
                    descending,
                )):
                    target[k] = source[i]
                    i += 1
                else:
                    target[k] = source[j]
                    j += 1
            start = stop
        source, target = target, source
        width *= 2
    if source != order:
        for i in range(n_rows):
            order[i] = source[i]


def sort_rows(
    const int64_t[:, ::1] keys, const uint8_t[::1] descending, int32_t[::1] order,
    int32_t[::1] scratch,
):
    """Sort rows by their columns, the first column first; equal rows keep their order.

    Parameters
    ----------
    keys : memoryview of int64, shape (n_rows, n_columns)
        Rows to compare.
    descending : memoryview of uint8, shape (n_columns,)
        1 where larger values come first.
    order : memoryview of int32, shape (n_rows,)
        The row at each place.
    scratch : memoryview of int32, shape (n_rows,)
        Overwritten.
    """
    if keys.shape[0] == 0:
        return
    if keys.shape[1] == 0:
        for i in range(keys.shape[0]):
            order[i] = <int32_t>i
        return
    with nogil:
        sort_row_ids(
            &keys[0, 0], keys.shape[0], keys.shape[1], &descending[0], &order[0], &scratch[0])


def weighted_sums(
    const int64_t[:, ::1] requests, const int64_t[::1] weights, int64_t[:, :] columns
):
    """Write each row's weighted sum as two key columns (128 bits).

    Parameters
    ----------
    requests : memoryview of int64, shape (n_classes, n_resources)
        Not negative, at most 2^61.
    weights : memoryview of int64, shape (n_resources,)
        Not negative, at most 2^62; at most 16 resources with a weight.
    columns : memoryview of int64, shape (n_classes, 2)
        Keys, the high word first.
    """
    cdef Py_ssize_t i, r
    cdef uint64_t high, low, more_high, more_low
    for i in range(requests.shape[0]):
        high = low = 0
        for r in range(requests.shape[1]):
            more_low = pyscale_multiply(
                <uint64_t>requests[i, r], <uint64_t>weights[r], &more_high)
            pyscale_add_wide(&high, &low, more_high, more_low)
        columns[i, 0] = as_column(high)
        columns[i, 1] = as_column(low)


def weighted_maxima(
    const int64_t[:, ::1] requests, const int64_t[::1] weights, int64_t[:, :] columns
):
    """Write each row's largest weighted entry as two key columns (128 bits).

    Parameters
    ----------
    requests : memoryview of int64, shape (n_classes, n_resources)
        Not negative.
    weights : memoryview of int64, shape (n_resources,)
        Not negative.
    columns : memoryview of int64, shape (n_classes, 2)
        Keys, the high word first.
    """
    cdef Py_ssize_t i, r
    cdef uint64_t high, low, here_high, here_low
    for i in range(requests.shape[0]):
        high = low = 0
        for r in range(requests.shape[1]):
            here_low = pyscale_multiply(
                <uint64_t>requests[i, r], <uint64_t>weights[r], &here_high)
            if here_high > high or (here_high == high and here_low > low):
                high = here_high
                low = here_low
        columns[i, 0] = as_column(high)
        columns[i, 1] = as_column(low)


def products(const int64_t[:, ::1] requests, int64_t[:, :] columns):
    """Write each row's product as ``n_resources`` key columns (64 bits each, never overflowing).

    Parameters
    ----------
    requests : memoryview of int64, shape (n_classes, n_resources)
        Not negative.
    columns : memoryview of int64, shape (n_classes, n_resources)
        Keys, the highest word first.
    """
    cdef Py_ssize_t i, r, limb
    cdef Py_ssize_t n = requests.shape[1]
    cdef uint64_t high, low, carry
    for i in range(requests.shape[0]):
        for limb in range(n):
            columns[i, limb] = 0
        columns[i, n - 1] = 1
        for r in range(n):
            # After r factors the product fills the last r words at most.
            carry = 0
            for limb in range(n - 1, n - 2 - r, -1):
                low = pyscale_multiply(
                    <uint64_t>columns[i, limb], <uint64_t>requests[i, r], &high)
                pyscale_add_wide(&high, &low, 0, carry)
                columns[i, limb] = <int64_t>low
                carry = high
        for limb in range(n):
            columns[i, limb] = as_column(<uint64_t>columns[i, limb])
