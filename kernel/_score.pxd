"""The arithmetic of node scores: integers as upstream's int64, floats in the order written."""

from libc.math cimport fabs, sqrt
from libc.stdint cimport int32_t, int64_t, uint64_t

cdef enum:
    LEAST_ALLOCATED = 0
    MOST_ALLOCATED = 1
    REQUESTED_TO_CAPACITY_RATIO = 2

cdef enum:
    MAX_RESOURCES = 32   # resources in one scoring strategy
    MAX_POINTS = 64      # points of a shape

cdef struct strategy_t:
    int32_t type
    int32_t n_resources
    int32_t resource[MAX_RESOURCES]    # column of the resource, -1 never on a node
    int64_t weight[MAX_RESOURCES]
    int32_t n_points
    int64_t utilization[MAX_POINTS]
    int64_t score[MAX_POINTS]          # already times 10


cdef inline int64_t times_100(int64_t x) noexcept nogil:
    # Wraps as Go's int64 does; signed overflow is undefined in C.
    return <int64_t>(<uint64_t>x * 100)


cdef inline int64_t divide(int64_t x, int64_t y) noexcept nogil:
    """x / y truncated; through doubles where that is exact, which is several times faster.

    For 0 <= x < 2**53 and quotients of at most 100 * 2**10 or so the rounded double quotient can't
    reach the next integer: it is at least 1/y below it, and y < 2**53 / quotient.
    """
    if 0 <= x < (<int64_t>1 << 53) and y > 0:
        return <int64_t>(<double>x / <double>y)
    return x // y


cdef inline int64_t round_away(double x) noexcept nogil:
    """Half away from zero, as Go's math.Round."""
    cdef double whole = <double><int64_t>x
    if x >= 0:
        return <int64_t>whole + (1 if x - whole >= 0.5 else 0)
    return <int64_t>whole - (1 if whole - x >= 0.5 else 0)


cdef inline int64_t shape_score(strategy_t* strategy, int64_t utilization) noexcept nogil:
    """Linear interpolation over the shape's points."""
    cdef int32_t i
    for i in range(strategy.n_points):
        if utilization <= strategy.utilization[i]:
            if i == 0:
                return strategy.score[0]
            return strategy.score[i - 1] + (
                (strategy.score[i] - strategy.score[i - 1])
                * (utilization - strategy.utilization[i - 1])
                // (strategy.utilization[i] - strategy.utilization[i - 1])
            )
    return strategy.score[strategy.n_points - 1]


cdef inline int64_t resource_score(
    strategy_t* strategy, int64_t requested, int64_t allocatable
) noexcept nogil:
    """The score of one resource under the strategy."""
    if strategy.type == LEAST_ALLOCATED:
        if requested > allocatable:
            return 0
        return divide(times_100(allocatable - requested), allocatable)
    if strategy.type == MOST_ALLOCATED:
        return divide(
            times_100(requested if requested < allocatable else allocatable), allocatable
        )
    if requested > allocatable:
        return shape_score(strategy, 100)
    return shape_score(strategy, divide(times_100(requested), allocatable))


cdef inline int64_t balance(double* fractions, int32_t n) noexcept nogil:
    """100 * (1 - population standard deviation), truncated; 100 for fewer than two fractions."""
    cdef double total = 0.0, squares = 0.0, mean, deviation = 0.0
    cdef int32_t i
    if n == 2:
        deviation = fabs((fractions[0] - fractions[1]) / 2)
    elif n > 2:
        for i in range(n):
            total += fractions[i]
        mean = total / n
        for i in range(n):
            squares += (fractions[i] - mean) * (fractions[i] - mean)
        deviation = sqrt(squares / n)
    return <int64_t>((1 - deviation) * 100.0)


cdef inline int32_t heap_key(int64_t position) noexcept nogil:
    """A position's place in the pre-order of an implicit binary heap; the largest key is first.

    Building a max-heap in place, where a parent yields only to a strictly greater child and the
    right child wins only if strictly greater, leaves at the root the first of the best in
    pre-order: a parent comes before its left, the left before its right subtree.  The path from
    the root, one bit per level, left-aligned, then the depth, orders positions so, whatever the
    size of the heap.  Positions below 2**26.
    """
    cdef uint64_t node = <uint64_t>position + 1
    cdef uint64_t depth = 0
    cdef uint64_t path
    while (node >> depth) > 1:
        depth += 1
    path = (node - (<uint64_t>1 << depth)) << (26 - depth)
    return <int32_t>(<int64_t>0x7FFFFFFF - <int64_t>((path << 6) | depth))


cdef inline int64_t heap_position(int32_t key) noexcept nogil:
    """The position with a heap key."""
    cdef uint64_t rest = <uint64_t>(<int64_t>0x7FFFFFFF - key)
    cdef uint64_t depth = rest & 63
    return <int64_t>((<uint64_t>1 << depth) + ((rest >> 6) >> (26 - depth))) - 1
