"""First, best and worst fit of pod classes on runs of nodes.

The work follows the number of distinct things: identical pods come as one class with a count,
identical nodes as one run.  In one class only the last run touched can be broken, so there are at
most (initial runs + 4 x classes) of them, whatever the number of pods and nodes.

Why a class at a time gives what a pod at a time gives.  *First fit*: rooms only shrink, so the
first node that fits never moves left, and identical pods fill nodes left to right.  *Best fit* (the
least weighted room, then the leftmost): the node that took a pod has less room than before, hence
stays the choice until it is full.  *Worst fit* (the most weighted room, then the leftmost): the m
pods go to the m largest values among ``score - t * weight``, t = 0, 1, ..., of all nodes that fit.

Assumes valid input: see ``_fit``; counts that sum to less than 2^62; scores and their changes
below 2^61 in magnitude.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc

from ._bits cimport low_bits, lowest_bit
from ._fit cimport copies_of, fit_word_32, fit_word_64, width_t
from ._growth cimport enlarge
from ._runs cimport TILE, Runs, append, retire, split, take, visit

FIRST_FIT = 0
BEST_FIT = 1
WORST_FIT = 2

cdef enum:
    FIRST = 0
    BEST = 1
    WORST = 2
    BATCH = 64  # classes between two retirements


cdef struct Candidate:
    int64_t score
    int64_t first        # first node: the order from left to right
    Py_ssize_t position
    int64_t size
    int64_t copies       # what one node takes
    int slot


cdef struct Candidates:
    Candidate* items
    Py_ssize_t room
    Py_ssize_t n


cdef inline uint64_t top_word(
    Runs runs, Py_ssize_t position, const width_t* compare
) noexcept nogil:
    """Mask of up to 64 tiles that may have room."""
    cdef int n = <int>(runs.n_blocks - position) if runs.n_blocks - position < 64 else 64
    cdef uint64_t mask
    cdef const width_t* top = <const width_t*>runs.top + position
    # The table of bounds has room for whole words: read 64 and cut off what is not used.
    if width_t is int32_t:
        mask = fit_word_32(top, runs.block_room, 64, runs.n_resources, compare)
    else:
        mask = fit_word_64(top, runs.block_room, 64, runs.n_resources, compare)
    return mask & low_bits(n)


cdef int64_t first_fit(
    Runs runs, int64_t pod_class, const width_t* request, const width_t* compare, int64_t weight,
    int64_t n_pods,
) except -1 nogil:
    """Fill from left to right; return the pods left over."""
    cdef Py_ssize_t word, position, i
    cdef Py_ssize_t size = runs.n_resources * TILE
    cdef uint64_t tiles, mask
    cdef int32_t block
    cdef int slot
    cdef int64_t copies, n_full, rest
    for word in range(0, runs.n_blocks, 64):
        tiles = top_word(runs, word, compare)
        while tiles:
            position = word + lowest_bit(tiles)
            tiles &= tiles - 1
            mask = visit(runs, position, compare)
            block = runs.order[position]
            while mask:
                slot = lowest_bit(mask)
                mask &= mask - 1
                i = <Py_ssize_t>block * TILE + slot
                copies = copies_of(
                    <const width_t*>runs.tile + block * size + slot, TILE, runs.n_resources,
                    request, n_pods)
                n_full = n_pods // copies
                if n_full >= runs.size[i]:
                    runs.emit(pod_class, runs.first[i], runs.size[i], copies)
                    take(runs, position, slot, request, weight, copies)
                    n_pods -= copies * runs.size[i]
                    if n_pods == 0:
                        return 0
                    continue
                rest = n_pods - n_full * copies
                if n_full:
                    runs.emit(pod_class, runs.first[i], n_full, copies)
                if rest:
                    runs.emit(pod_class, runs.first[i] + n_full, 1, rest)
                split(runs, position, slot, request, weight, n_full, copies, rest)
                return 0
    return n_pods


cdef int gather(
    Runs runs, const width_t* request, const width_t* compare, int64_t n_pods, Candidates* found
) except -1 nogil:
    """List the runs that have room, from left to right."""
    cdef Py_ssize_t word, position
    cdef Py_ssize_t size = runs.n_resources * TILE
    cdef uint64_t tiles, mask
    cdef int32_t block
    cdef Candidate* item
    if found.room < runs.n_runs:
        enlarge(<void**>&found.items, <size_t>(2 * runs.n_runs) * sizeof(Candidate))
        found.room = 2 * runs.n_runs
    found.n = 0
    for word in range(0, runs.n_blocks, 64):
        tiles = top_word(runs, word, compare)
        while tiles:
            position = word + lowest_bit(tiles)
            tiles &= tiles - 1
            mask = visit(runs, position, compare)
            block = runs.order[position]
            while mask:
                item = &found.items[found.n]
                found.n += 1
                item.slot = lowest_bit(mask)
                mask &= mask - 1
                item.position = position
                item.score = runs.score[<Py_ssize_t>block * TILE + item.slot]
                item.first = runs.first[<Py_ssize_t>block * TILE + item.slot]
                item.size = runs.size[<Py_ssize_t>block * TILE + item.slot]
                item.copies = copies_of(
                    <const width_t*>runs.tile + block * size + item.slot, TILE,
                    runs.n_resources, request, n_pods)
    return 0


cdef inline bint precedes(const Candidate* a, const Candidate* b, bint most) noexcept nogil:
    if a.score != b.score:
        return (a.score > b.score) == most
    return a.first < b.first


cdef void sift_down(Candidate* heap, Py_ssize_t i, Py_ssize_t n, bint most) noexcept nogil:
    cdef Candidate moving = heap[i]
    cdef Py_ssize_t child = 2 * i + 1
    while child < n:
        if child + 1 < n and precedes(&heap[child + 1], &heap[child], most):
            child += 1
        if not precedes(&heap[child], &moving, most):
            break
        heap[i] = heap[child]
        i = child
        child = 2 * i + 1
    heap[i] = moving


cdef int64_t fill_by_score(
    Runs runs, int64_t pod_class, const width_t* request, int64_t weight, int64_t n_pods,
    Candidates* found, bint most,
) except -1 nogil:
    """Fill the run with the least (or most) score, then the next; return the pods left over."""
    cdef Py_ssize_t n = found.n
    cdef Py_ssize_t i
    cdef Candidate* best = found.items
    cdef int64_t n_full, rest
    for i in range(n // 2 - 1, -1, -1):
        sift_down(found.items, i, n, most)
    while n > 0:
        n_full = n_pods // best.copies
        if n_full < best.size:
            rest = n_pods - n_full * best.copies
            if n_full:
                runs.emit(pod_class, best.first, n_full, best.copies)
            if rest:
                runs.emit(pod_class, best.first + n_full, 1, rest)
            split(
                runs, best.position, best.slot, request, weight, n_full, best.copies, rest)
            return 0
        runs.emit(pod_class, best.first, best.size, best.copies)
        take(runs, best.position, best.slot, request, weight, best.copies)
        n_pods -= best.copies * best.size
        if n_pods == 0:
            return 0
        n -= 1
        best[0] = found.items[n]
        sift_down(found.items, 0, n, most)
    return n_pods


cdef inline int64_t copies_above(
    const Candidate* item, int64_t level, int64_t weight
) noexcept nogil:
    """How many pods one node takes while its score is at least ``level``."""
    cdef int64_t n
    if item.score < level:
        return 0
    n = (item.score - level) // weight + 1
    return n if n < item.copies else item.copies


cdef int64_t pods_above(
    const Candidates* found, int64_t level, int64_t weight, int64_t enough
) noexcept nogil:
    """How many pods all nodes take at scores of at least ``level``; stops counting at enough."""
    cdef Py_ssize_t i
    cdef int64_t n = 0
    cdef int64_t here
    for i in range(found.n):
        here = copies_above(&found.items[i], level, weight)
        if here == 0:
            continue
        if found.items[i].size > (enough - n) // here:
            return enough
        n += here * found.items[i].size
    return n


cdef int64_t level_scores(
    Runs runs, int64_t pod_class, const width_t* request, int64_t weight, int64_t n_pods,
    Candidates* found,
) except -1 nogil:
    """Fill the most room first, pod by pod (weight > 0); return the pods left over."""
    cdef Py_ssize_t i
    cdef Py_ssize_t broken = -1
    cdef Candidate* item
    cdef int64_t low, high, middle, copies, extra, n_extra = 0
    if found.n == 0:
        return n_pods
    low = high = found.items[0].score
    for i in range(found.n):
        item = &found.items[i]
        if item.score > high:
            high = item.score
        if item.score - (item.copies - 1) * weight < low:
            low = item.score - (item.copies - 1) * weight
    copies = pods_above(found, low, weight, n_pods)
    if copies < n_pods:
        for i in range(found.n):
            item = &found.items[i]
            runs.emit(pod_class, item.first, item.size, item.copies)
            take(runs, item.position, item.slot, request, weight, item.copies)
        return n_pods - copies
    # Invariant: scores >= low hold all pods; scores >= high + 1 do not.
    while low < high:
        middle = high - (high - low) // 2
        if pods_above(found, middle, weight, n_pods) >= n_pods:
            low = middle
        else:
            high = middle - 1
    extra = n_pods - pods_above(found, low + 1, weight, n_pods)
    for i in range(found.n):
        item = &found.items[i]
        copies = copies_above(item, low + 1, weight)
        if extra and copies < item.copies and item.score - copies * weight == low:
            if extra < item.size:
                n_extra = extra
                broken = i
                runs.emit(pod_class, item.first, extra, copies + 1)
                if copies:
                    runs.emit(pod_class, item.first + extra, item.size - extra, copies)
                    take(runs, item.position, item.slot, request, weight, copies)
                extra = 0
                continue
            extra -= item.size
            copies += 1
        if copies:
            runs.emit(pod_class, item.first, item.size, copies)
            take(runs, item.position, item.slot, request, weight, copies)
    if broken >= 0:
        item = &found.items[broken]
        split(runs, item.position, item.slot, request, weight, n_extra, 1, 0)
    return 0


cdef int64_t open_nodes(
    Runs runs, int64_t pod_class, const width_t* request, int64_t weight, int64_t n_pods,
    const width_t* capacity, int64_t score, int64_t* n_allowed,
) except -1 nogil:
    """Fill new nodes, the last one perhaps in part; return the pods left over."""
    cdef int r
    cdef int64_t copies, n_full, rest
    for r in range(runs.n_resources):
        if request[r] > 0 and request[r] > capacity[r]:
            return n_pods
    copies = copies_of(capacity, 1, runs.n_resources, request, n_pods)
    n_full = n_pods // copies
    rest = n_pods - n_full * copies
    if n_full >= n_allowed[0]:
        n_full = n_allowed[0]
        rest = 0
    if n_full:
        runs.emit(pod_class, runs.n_nodes, n_full, copies)
        append(runs, capacity, 1, request, copies, score - weight * copies, n_full)
    if rest:
        runs.emit(pod_class, runs.n_nodes, 1, rest)
        append(runs, capacity, 1, request, rest, score - weight * rest, 1)
    n_allowed[0] -= n_full + (rest > 0)
    return n_pods - n_full * copies - rest


cdef void least_to_come(
    const width_t[:, ::1] compares, const int64_t[::1] counts, const int32_t[::1] order,
    width_t* least,
) noexcept nogil:
    """Smallest entry of every resource over the classes of each batch and all later ones.

    In comparing form a zero is the sentinel, which is the smallest of all: as it should be.
    """
    cdef Py_ssize_t n = order.shape[0]
    cdef Py_ssize_t n_resources = compares.shape[1]
    cdef Py_ssize_t n_batches = (n + BATCH - 1) // BATCH
    cdef Py_ssize_t batch, i, r
    cdef width_t* here
    cdef int32_t pod_class
    for batch in range(n_batches - 1, -1, -1):
        here = least + batch * n_resources
        for r in range(n_resources):
            here[r] = here[r + n_resources] if batch + 1 < n_batches else compares[order[n - 1], r]
        for i in range(batch * BATCH, (batch + 1) * BATCH if (batch + 1) * BATCH < n else n):
            pod_class = order[i]
            if counts[pod_class] == 0:
                continue
            for r in range(n_resources):
                if compares[pod_class, r] < here[r]:
                    here[r] = compares[pod_class, r]


def place_classes(
    Runs runs not None, int rule, const width_t[:, ::1] requests, const width_t[:, ::1] compares,
    const int64_t[::1] counts, const int32_t[::1] order, const width_t[::1] capacity,
    const int64_t[::1] weights, int64_t score, int64_t max_new_nodes, int64_t[::1] unplaced,
):
    """Place the pods of every class, class after class, opening nodes when none has room.

    Parameters
    ----------
    runs : Runs
        Existing nodes; new ones and the records are added to it.
    rule : int
        ``FIRST_FIT``, ``BEST_FIT`` or ``WORST_FIT``.
    requests, compares : memoryview of int32 (narrow) or int64, shape (n_classes, n_resources)
        Requests in subtracting and in comparing form.
    counts : memoryview of int64, shape (n_classes,)
        Pods of each class.
    order : memoryview of int32, shape (n_classes,)
        The classes in the order they are placed.
    capacity : memoryview, shape (n_resources,)
        A new node.
    weights : memoryview of int64, shape (n_classes,)
        What one pod takes from a node's score; all 0 for first fit.
    score : int
        Score of a new, empty node.
    max_new_nodes : int
        How many nodes may be opened.
    unplaced : memoryview of int64, shape (n_classes,)
        Pods that found no place.

    Notes
    -----
    O(classes x tiles) with 64 runs to a tile, plus the runs touched (first fit) or the runs that
    have room (best fit: times log; worst fit: times the bits of a score).
    """
    cdef Py_ssize_t i
    cdef Py_ssize_t n = order.shape[0]
    cdef Py_ssize_t n_batches = (n + BATCH - 1) // BATCH
    cdef int32_t pod_class
    cdef int64_t left
    cdef Candidates found
    cdef width_t unit = 0
    cdef width_t* least
    if (sizeof(unit) == 4) != runs.narrow or requests.shape[1] != runs.n_resources:
        raise ValueError("requests do not match the width or the resources of the runs")
    if n == 0:
        return
    found.items = NULL
    found.room = found.n = 0
    least = <width_t*>malloc(<size_t>(n_batches * runs.n_resources) * sizeof(unit))
    if least == NULL:
        raise MemoryError(f"no memory for {n_batches} batches")
    try:
        with nogil:
            least_to_come(compares, counts, order, least)
            for i in range(n):
                if i and i % BATCH == 0:
                    retire(runs, least + i // BATCH * runs.n_resources)
                pod_class = order[i]
                left = counts[pod_class]
                if left and rule == FIRST:
                    left = first_fit(
                        runs, pod_class, &requests[pod_class, 0], &compares[pod_class, 0],
                        weights[pod_class], left)
                elif left:
                    gather(
                        runs, &requests[pod_class, 0], &compares[pod_class, 0], left, &found)
                    if rule == BEST or weights[pod_class] == 0:
                        left = fill_by_score(
                            runs, pod_class, &requests[pod_class, 0], weights[pod_class], left,
                            &found, rule == WORST)
                    else:
                        left = level_scores(
                            runs, pod_class, &requests[pod_class, 0], weights[pod_class], left,
                            &found)
                if left:
                    left = open_nodes(
                        runs, pod_class, &requests[pod_class, 0], weights[pod_class], left,
                        &capacity[0], score, &max_new_nodes)
                unplaced[pod_class] = left
    finally:
        free(least)
        free(found.items)
