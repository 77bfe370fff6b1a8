"""How much of a workload's load its ready pods serve, accounted exactly.

Load is a step function in thousandths of a unit; it spreads evenly over the ready pods, each of
which serves at most its capacity.  Between two changes of load or readiness everything is constant,
so sums are exact, however long nobody looks.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memmove

from ._growth cimport reserve
from ._typedefs cimport index_t, time_ns_t

cdef extern from "_wide.h" nogil:
    uint64_t pyscale_multiply(uint64_t a, uint64_t b, uint64_t* high)
    void pyscale_add_wide(
        uint64_t* high, uint64_t* low, uint64_t add_high, uint64_t add_low
    )

cdef int64_t MICRO = 1000000


cdef inline void add_product(wide_t* sum, int64_t a, int64_t b) noexcept nogil:
    cdef uint64_t high = 0
    cdef uint64_t low = pyscale_multiply(<uint64_t>a, <uint64_t>b, &high)
    pyscale_add_wide(&sum.high, &sum.low, high, low)


cdef int settle(served_t* it) noexcept nogil:
    """Work out what the ready pods do for the load, unless neither of them changed."""
    cdef int64_t work
    if it.n_ready == it.of_ready and it.load == it.of_load:
        return 0
    it.of_ready = it.n_ready
    it.of_load = it.load
    it.serves = 0
    it.use = 0
    it.share = 0
    if it.n_ready == 0:
        return 0
    it.serves = it.load
    # Divided, because pods times capacity may be beyond 64 bits.
    if it.capacity >= 0 and it.load / it.n_ready >= it.capacity:
        it.serves = it.capacity * it.n_ready
    work = it.serves * it.cost
    it.use = it.idle + (work + MICRO * it.n_ready - 1) / (MICRO * it.n_ready)
    it.share = it.serves / it.n_ready
    return 0


cdef bint is_short(served_t* it) noexcept nogil:
    """Whether load stays unserved now."""
    settle(it)
    return it.serves < it.load


cdef index_t pass_time(served_t* it, time_ns_t now) noexcept nogil:
    """Account up to ``now``; changes of this instant are in effect afterwards.

    Returns
    -------
    int
        The last pod that got ready in the last instant with changes, -1 if none did or the load
        changed as well.
    """
    cdef time_ns_t until
    cdef int64_t length
    cdef index_t pod = -1
    while True:
        until = now
        if it.n_steps and it.time[0] < until:
            until = it.time[0]
        if it.next < it.n_starting and it.starting[it.next].ready < until:
            until = it.starting[it.next].ready
        if until > it.at:
            length = until - it.at
            settle(it)
            add_product(&it.served, it.serves, length)
            if it.serves < it.load:
                add_product(&it.unserved, it.load - it.serves, length)
                it.short_ns += length
            it.cpu += it.use * length
            it.rate += it.share * length
            it.at = until
        pod = -1
        while it.next < it.n_starting and it.starting[it.next].ready <= it.at:
            if it.starting[it.next].is_alive:
                it.starting[it.next].cpu = it.cpu
                it.starting[it.next].rate = it.rate
                it.n_ready += 1
                pod = it.starting[it.next].pod
            it.next += 1
        if it.n_steps and it.time[0] <= it.at:
            if it.value[0] < it.load:
                pod = -1
            it.load = it.value[0]
            it.time += 1
            it.value += 1
            it.n_steps -= 1
        if it.at >= now or is_short(it) != (it.short_since >= 0):
            return pod


cdef int add_starting(served_t* it, time_ns_t ready, index_t pod) except -1 nogil:
    """Note a pod that will be ready; never before one noted earlier."""
    cdef int64_t kept = it.n_starting - it.first
    if it.n_starting == it.room and 2 * it.first > it.room:
        memmove(it.starting, it.starting + it.first, <size_t>kept * sizeof(starting_t))
        it.next -= it.first
        it.first = 0
        it.n_starting = kept
    reserve(<void**>&it.starting, &it.room, it.n_starting + 1, sizeof(starting_t))
    it.starting[it.n_starting].ready = ready
    it.starting[it.n_starting].pod = pod
    it.starting[it.n_starting].is_alive = True
    it.n_starting += 1
    return 0


cdef int drop_starting(served_t* it, time_ns_t before) noexcept nogil:
    """Forget those that got ready by ``before``."""
    while it.first < it.next and it.starting[it.first].ready <= before:
        it.first += 1
    return 0
