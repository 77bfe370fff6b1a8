"""Go's ``sort.Slice``: pattern-defeating quicksort, with the ties that it leaves.

Upstream sorts with ``less`` on one number, so an item here is an int32 and its key a float64.  The
steps are those of Go 1.26 ``sort/zsortfunc.go``; the result is a total order only where keys
differ, and equal keys end where Go's swaps put them.
"""

from libc.stdint cimport int32_t, uint64_t

cdef enum:
    INSERTION_LIMIT = 12
    SAMPLED_LIMIT = 50      # from here the pivot is a median of medians
    MAX_REPAIRS = 5
    UNKNOWN = 0
    INCREASING = 1
    DECREASING = 2


cdef inline bint less(const int32_t *a, int32_t i, int32_t j, const double *key) noexcept nogil:
    return key[a[i]] < key[a[j]]


cdef inline void swap(int32_t *a, int32_t i, int32_t j) noexcept nogil:
    cdef int32_t held = a[i]
    a[i] = a[j]
    a[j] = held


cdef int bit_length(uint64_t x) noexcept nogil:
    cdef int n = 0
    while x:
        n += 1
        x >>= 1
    return n


cdef void insertion_sort(int32_t *v, int32_t a, int32_t b, const double *key) noexcept nogil:
    cdef int32_t i, j
    for i in range(a + 1, b):
        j = i
        while j > a and less(v, j, j - 1, key):
            swap(v, j, j - 1)
            j -= 1


cdef void sift_down(
    int32_t *v, int32_t root, int32_t end, int32_t first, const double *key
) noexcept nogil:
    cdef int32_t child
    while True:
        child = 2 * root + 1
        if child >= end:
            return
        if child + 1 < end and less(v, first + child, first + child + 1, key):
            child += 1
        if not less(v, first + root, first + child, key):
            return
        swap(v, first + root, first + child)
        root = child


cdef void heap_sort(int32_t *v, int32_t a, int32_t b, const double *key) noexcept nogil:
    cdef int32_t n = b - a, i = (n - 1) // 2
    while i >= 0:
        sift_down(v, i, n, a, key)
        i -= 1
    i = n - 1
    while i >= 0:
        swap(v, a, a + i)
        sift_down(v, 0, i, a, key)
        i -= 1


cdef inline void order2(
    const int32_t *v, int32_t *x, int32_t *y, int *swaps, const double *key
) noexcept nogil:
    cdef int32_t held
    if less(v, y[0], x[0], key):
        swaps[0] += 1
        held = x[0]
        x[0] = y[0]
        y[0] = held


cdef int32_t median(
    const int32_t *v, int32_t x, int32_t y, int32_t z, int *swaps, const double *key
) noexcept nogil:
    order2(v, &x, &y, swaps, key)
    order2(v, &y, &z, swaps, key)
    order2(v, &x, &y, swaps, key)
    return y


cdef int32_t choose_pivot(
    const int32_t *v, int32_t a, int32_t b, int *hint, const double *key
) noexcept nogil:
    cdef int32_t n = b - a, i = a + n // 4, j = a + (n // 4) * 2, k = a + (n // 4) * 3
    cdef int swaps = 0
    if n >= 8:
        if n >= SAMPLED_LIMIT:
            i = median(v, i - 1, i, i + 1, &swaps, key)
            j = median(v, j - 1, j, j + 1, &swaps, key)
            k = median(v, k - 1, k, k + 1, &swaps, key)
        j = median(v, i, j, k, &swaps, key)
    hint[0] = INCREASING if swaps == 0 else DECREASING if swaps == 12 else UNKNOWN
    return j


cdef int32_t partition(
    int32_t *v, int32_t a, int32_t b, int32_t pivot, bint *already, const double *key
) noexcept nogil:
    cdef int32_t i = a + 1, j = b - 1
    swap(v, a, pivot)
    while i <= j and less(v, i, a, key):
        i += 1
    while i <= j and not less(v, j, a, key):
        j -= 1
    if i > j:
        swap(v, j, a)
        already[0] = True
        return j
    swap(v, i, j)
    i += 1
    j -= 1
    while True:
        while i <= j and less(v, i, a, key):
            i += 1
        while i <= j and not less(v, j, a, key):
            j -= 1
        if i > j:
            break
        swap(v, i, j)
        i += 1
        j -= 1
    swap(v, j, a)
    already[0] = False
    return j


cdef int32_t partition_equal(
    int32_t *v, int32_t a, int32_t b, int32_t pivot, const double *key
) noexcept nogil:
    cdef int32_t i = a + 1, j = b - 1
    swap(v, a, pivot)
    while True:
        while i <= j and not less(v, a, i, key):
            i += 1
        while i <= j and less(v, a, j, key):
            j -= 1
        if i > j:
            return i
        swap(v, i, j)
        i += 1
        j -= 1


cdef bint partial_insertion_sort(
    int32_t *v, int32_t a, int32_t b, const double *key
) noexcept nogil:
    cdef int32_t i = a + 1, j
    cdef int _repair
    for _repair in range(MAX_REPAIRS):
        while i < b and not less(v, i, i - 1, key):
            i += 1
        if i == b:
            return True
        if b - a < SAMPLED_LIMIT:
            return False
        swap(v, i, i - 1)
        if i - a >= 2:
            j = i - 1
            while j >= 1 and less(v, j, j - 1, key):
                swap(v, j, j - 1)
                j -= 1
        if b - i >= 2:
            j = i + 1
            while j < b and less(v, j, j - 1, key):
                swap(v, j, j - 1)
                j += 1
    return False


cdef void scatter(int32_t *v, int32_t a, int32_t b) noexcept nogil:
    cdef int32_t n = b - a, base, position, other
    cdef uint64_t state = <uint64_t>n, mask
    if n < 8:
        return
    mask = ((<uint64_t>1) << bit_length(<uint64_t>n)) - 1
    base = a + (n // 4) * 2 - 1
    for position in range(base, base + 3):
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        other = <int32_t>(state & mask)
        if other >= n:
            other -= n
        swap(v, position, a + other)


cdef void pdq(int32_t *v, int32_t a, int32_t b, int limit, const double *key) noexcept nogil:
    cdef bint balanced = True, partitioned = True
    cdef int hint
    cdef int32_t n, pivot, middle, left, right, i, j
    while True:
        n = b - a
        if n <= INSERTION_LIMIT:
            insertion_sort(v, a, b, key)
            return
        if limit == 0:
            heap_sort(v, a, b, key)
            return
        if not balanced:
            scatter(v, a, b)
            limit -= 1
        pivot = choose_pivot(v, a, b, &hint, key)
        if hint == DECREASING:
            i, j = a, b - 1
            while i < j:
                swap(v, i, j)
                i += 1
                j -= 1
            pivot = (b - 1) - (pivot - a)
            hint = INCREASING
        if balanced and partitioned and hint == INCREASING:
            if partial_insertion_sort(v, a, b, key):
                return
        if a > 0 and not less(v, a - 1, pivot, key):
            a = partition_equal(v, a, b, pivot, key)
            continue
        middle = partition(v, a, b, pivot, &partitioned, key)
        left = middle - a
        right = b - middle
        if left < right:
            balanced = left >= n // 8
            pdq(v, a, middle, limit, key)
            a = middle + 1
        else:
            balanced = right >= n // 8
            pdq(v, middle + 1, b, limit, key)
            b = middle


cdef void go_sort(int32_t *items, int32_t n, const double *key) noexcept nogil:
    """Sort ``n`` items in place by ``key[item]``; O(n log n)."""
    pdq(items, 0, n, bit_length(<uint64_t>n), key)


def go_resort(int32_t[::1] items, const double[::1] keys):
    """Sort item numbers in place by ``keys[item]``, starting from the order that they are in.

    Parameters
    ----------
    items : ndarray of int32, shape (m,)
        Each a valid index into ``keys``.
    keys : ndarray of float64, shape (n,)

    Raises
    ------
    IndexError
        If an item has no key.
    """
    cdef int32_t item
    cdef Py_ssize_t i
    for i in range(items.shape[0]):
        item = items[i]
        if item < 0 or item >= keys.shape[0]:
            raise IndexError(f"items: expected 0 to {keys.shape[0] - 1}, found {item}")
    if items.shape[0] > 1:
        go_sort(&items[0], <int32_t>items.shape[0], &keys[0])
