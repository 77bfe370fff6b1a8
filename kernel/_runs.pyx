"""Runs of identical nodes: a node-run is (first node, number of nodes, room of each).

Runs lie left to right in tiles of 64.  A tile keeps its rooms resource-major, so one fit check
covers it, and an insertion moves 64 entries at most.  ``top`` bounds the room of every tile from
above; a check of 64 bounds skips the tiles without room.  The bounds may lag behind (rooms only
shrink), and a visit brings them up to date.

Assumes valid input: magnitudes within the limits of ``_fit``, requests not negative.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memmove, memset

from ._bits cimport low_bits, lowest_bit, popcount
from ._fit cimport LOWEST_32, LOWEST_64, fit_word_32, fit_word_64, peak_32, peak_64, width_t
from ._growth cimport enlarge


@cython.final
cdef class Runs:
    """A row of node-runs and the records of what was placed on them; reusable.

    Parameters
    ----------
    n_resources : int
        Number of resources, at least 1.
    narrow : bool
        Keep rooms as int32 instead of int64.

    Notes
    -----
    Memory grows as needed and is kept by ``clear``, so that a caller who packs a million times
    allocates once. Not for use by two threads at once.
    """

    def __cinit__(self, int n_resources, bint narrow):
        if n_resources < 1:
            raise ValueError(f"n_resources must be >= 1, found {n_resources}")
        self.n_resources = n_resources
        self.narrow = narrow

    def __dealloc__(self):
        free(self.tile)
        free(self.top)
        free(self.first)
        free(self.size)
        free(self.score)
        free(self.order)
        free(self.count)
        free(self.stale)
        free(self.record)

    def clear(self):
        """Forget all runs and records, keep the memory."""
        self.n_blocks = 0
        self.n_runs = 0
        self.n_nodes = 0
        self.n_records = 0

    def add(self, const width_t[:, ::1] rooms, const int64_t[::1] sizes, const int64_t[::1] scores):
        """Append existing nodes, run by run.

        Parameters
        ----------
        rooms : memoryview of int32 (narrow) or int64, shape (n_runs, n_resources)
            Room left on each node of a run; may be negative.
        sizes : memoryview of int64, shape (n_runs,)
            Number of nodes, at least 1.
        scores : memoryview of int64, shape (n_runs,)
            Weighted room, for the rules that compare nodes.
        """
        cdef Py_ssize_t i
        cdef width_t unit = 0
        if (sizeof(unit) == 4) != self.narrow or rooms.shape[1] != self.n_resources:
            raise ValueError("rooms do not match the width or the resources of the runs")
        with nogil:
            for i in range(rooms.shape[0]):
                append(self, &rooms[i, 0], 1, &rooms[i, 0], 0, scores[i], sizes[i])

    def copy_records(self, int64_t[:, ::1] out):
        """Copy the records out.

        Parameters
        ----------
        out : memoryview of int64, shape (n_records, 4)
            Class, first node, number of nodes, copies on each of them.
        """
        if out.shape[0] != self.n_records or out.shape[1] != 4:
            raise ValueError(f"out must have shape ({self.n_records}, 4)")
        if self.n_records:
            memcpy(&out[0, 0], self.record, <size_t>self.n_records * sizeof(Record))

    cdef int reserve_blocks(self, Py_ssize_t n) except -1 nogil:
        """Make room for ``n`` tiles."""
        cdef Py_ssize_t room, p, old
        cdef int r
        cdef size_t width = sizeof(int32_t) if self.narrow else sizeof(int64_t)
        cdef char* top
        if n <= self.block_room:
            return 0
        old = self.block_room
        room = n if n > 2 * old else 2 * old
        room = (room + 63) & ~<Py_ssize_t>63  # bounds are read 64 at a time
        enlarge(&self.tile, <size_t>(room * self.n_resources * TILE) * width)
        enlarge(&self.top, <size_t>(room * self.n_resources) * width)
        enlarge(<void**>&self.first, <size_t>(room * TILE) * sizeof(int64_t))
        enlarge(<void**>&self.size, <size_t>(room * TILE) * sizeof(int64_t))
        enlarge(<void**>&self.score, <size_t>(room * TILE) * sizeof(int64_t))
        enlarge(<void**>&self.order, <size_t>room * sizeof(int32_t))
        enlarge(<void**>&self.count, <size_t>room * sizeof(int32_t))
        enlarge(<void**>&self.stale, <size_t>room)
        top = <char*>self.top
        for r in range(self.n_resources - 1, -1, -1):
            memmove(
                top + <size_t>(r * room) * width, top + <size_t>(r * old) * width,
                <size_t>self.n_blocks * width,
            )
            # Bounds are read 64 at a time: what is behind the last must be a number, too.
            memset(
                top + <size_t>(r * room + self.n_blocks) * width, 0,
                <size_t>(room - self.n_blocks) * width,
            )
        for p in range(old, room):
            self.order[p] = <int32_t>p
        self.block_room = room
        return 0

    cdef int emit(
        self, int64_t pod_class, int64_t first_node, int64_t n_nodes, int64_t copies
    ) except -1 nogil:
        """Write down that each of these nodes takes so many pods of the class."""
        cdef Py_ssize_t room
        cdef Record* record
        if self.n_records == self.record_room:
            room = 2 * self.record_room if self.record_room else 256
            enlarge(<void**>&self.record, <size_t>room * sizeof(Record))
            self.record_room = room
        record = &self.record[self.n_records]
        record.pod_class = pod_class
        record.first_node = first_node
        record.n_nodes = n_nodes
        record.copies = copies
        self.n_records += 1
        return 0


cdef inline width_t lowest(width_t example) noexcept nogil:
    if width_t is int32_t:
        return LOWEST_32
    else:
        return LOWEST_64


cdef inline uint64_t fit_tile(
    const width_t* tile, int n_resources, const width_t* compare
) noexcept nogil:
    if width_t is int32_t:
        return fit_word_32(tile, TILE, TILE, n_resources, compare)
    else:
        return fit_word_64(tile, TILE, TILE, n_resources, compare)


cdef inline void lift_top(Runs runs, Py_ssize_t position, const width_t* tile) noexcept nogil:
    """Set the bounds of a tile from its rooms."""
    cdef width_t* top = <width_t*>runs.top + position
    if width_t is int32_t:
        peak_32(tile, TILE, runs.n_resources, top, runs.block_room)
    else:
        peak_64(tile, TILE, runs.n_resources, top, runs.block_room)


cdef inline void blank(width_t* tile, int n_resources, int start) noexcept nogil:
    """Empty the slots from ``start`` on, so that they raise no bound."""
    cdef int r, i
    for r in range(n_resources):
        for i in range(start, TILE):
            tile[r * TILE + i] = lowest(tile[0])


cdef uint64_t visit(Runs runs, Py_ssize_t position, const width_t* compare) noexcept nogil:
    """Mask of the runs of one tile that have room."""
    cdef int32_t block = runs.order[position]
    cdef width_t* tile = <width_t*>runs.tile + <Py_ssize_t>block * runs.n_resources * TILE
    if runs.stale[block]:
        lift_top(runs, position, tile)
        runs.stale[block] = 0
    return fit_tile(tile, runs.n_resources, compare) & low_bits(runs.count[block])


cdef void take(
    Runs runs, Py_ssize_t position, int slot, const width_t* request, int64_t weight, int64_t copies
) noexcept nogil:
    """Place copies on every node of one run."""
    cdef int32_t block = runs.order[position]
    cdef width_t* room = <width_t*>runs.tile + <Py_ssize_t>block * runs.n_resources * TILE + slot
    cdef int r
    for r in range(runs.n_resources):
        if request[r]:
            room[r * TILE] -= <width_t>(request[r] * copies)
    runs.score[<Py_ssize_t>block * TILE + slot] -= weight * copies
    runs.stale[block] = 1


cdef void open_position(Runs runs, Py_ssize_t position, width_t example) noexcept nogil:
    """Put an unused tile at ``position``; the caller reserved it and fills it."""
    cdef int32_t block = runs.order[runs.n_blocks]
    cdef width_t* top = <width_t*>runs.top
    cdef Py_ssize_t behind = runs.n_blocks - position
    cdef int r
    memmove(
        &runs.order[position + 1], &runs.order[position], <size_t>behind * sizeof(int32_t))
    runs.order[position] = block
    for r in range(runs.n_resources):
        memmove(
            top + r * runs.block_room + position + 1, top + r * runs.block_room + position,
            <size_t>behind * sizeof(width_t),
        )
        top[r * runs.block_room + position] = lowest(example)
    runs.count[block] = 0
    runs.stale[block] = 0
    runs.n_blocks += 1


cdef int halve(Runs runs, Py_ssize_t position, width_t example) except -1 nogil:
    """Move the right half of a full tile to a new tile at its right."""
    cdef int half = TILE // 2
    cdef int n_resources = runs.n_resources
    cdef Py_ssize_t size = n_resources * TILE
    cdef width_t* old
    cdef width_t* new
    cdef width_t* top
    cdef int32_t left, right
    cdef int moved, r
    runs.reserve_blocks(runs.n_blocks + 1)
    open_position(runs, position + 1, example)
    left = runs.order[position]
    right = runs.order[position + 1]
    old = <width_t*>runs.tile + left * size
    new = <width_t*>runs.tile + right * size
    top = <width_t*>runs.top + position
    moved = runs.count[left] - half
    blank(new, n_resources, moved)
    for r in range(n_resources):
        memcpy(new + r * TILE, old + r * TILE + half, <size_t>moved * sizeof(width_t))
        top[r * runs.block_room + 1] = top[r * runs.block_room]
    blank(old, n_resources, half)
    memcpy(&runs.first[right * TILE], &runs.first[left * TILE + half],
           <size_t>moved * sizeof(int64_t))
    memcpy(&runs.size[right * TILE], &runs.size[left * TILE + half],
           <size_t>moved * sizeof(int64_t))
    memcpy(&runs.score[right * TILE], &runs.score[left * TILE + half],
           <size_t>moved * sizeof(int64_t))
    runs.count[left] = half
    runs.count[right] = moved
    runs.stale[left] = runs.stale[right] = 1
    return 0


cdef void duplicate(Runs runs, int32_t block, int slot, width_t example) noexcept nogil:
    """Repeat one run at its right; the tile has a free slot."""
    cdef int r
    cdef int behind = runs.count[block] - slot
    cdef width_t* room = <width_t*>runs.tile + <Py_ssize_t>block * runs.n_resources * TILE + slot
    cdef Py_ssize_t i = <Py_ssize_t>block * TILE + slot
    for r in range(runs.n_resources):
        memmove(room + r * TILE + 1, room + r * TILE, <size_t>behind * sizeof(width_t))
    memmove(&runs.first[i + 1], &runs.first[i], <size_t>behind * sizeof(int64_t))
    memmove(&runs.size[i + 1], &runs.size[i], <size_t>behind * sizeof(int64_t))
    memmove(&runs.score[i + 1], &runs.score[i], <size_t>behind * sizeof(int64_t))
    runs.count[block] += 1
    runs.n_runs += 1


cdef int split(
    Runs runs, Py_ssize_t position, int slot, const width_t* request, int64_t weight,
    int64_t n_full, int64_t copies, int64_t rest,
) except -1 nogil:
    """Break one run in up to three: ``n_full`` nodes that take ``copies``, one that takes ``rest``
    (if any), and the others as they were.  Positions at the right may change.
    """
    cdef int32_t block
    cdef Py_ssize_t i
    cdef int64_t first, size
    if runs.count[runs.order[position]] > TILE - 2:
        halve(runs, position, request[0])
        if slot >= TILE // 2:
            position += 1
            slot -= TILE // 2
    block = runs.order[position]
    i = <Py_ssize_t>block * TILE + slot
    first = runs.first[i]
    size = runs.size[i]
    if n_full and n_full < size:
        duplicate(runs, block, slot, request[0])
        runs.size[i] = n_full
    if n_full:
        take(runs, position, slot, request, weight, copies)
        i += 1
        slot += 1
    first += n_full
    size -= n_full
    if rest:
        if size > 1:
            duplicate(runs, block, slot, request[0])
        runs.first[i] = first
        runs.size[i] = 1
        take(runs, position, slot, request, weight, rest)
        i += 1
        first += 1
        size -= 1
    if size:
        runs.first[i] = first
        runs.size[i] = size
    return 0


cdef int append(
    Runs runs, const width_t* room, Py_ssize_t stride, const width_t* request, int64_t copies,
    int64_t score, int64_t n_nodes,
) except -1 nogil:
    """Add nodes at the right end: ``room`` less ``copies`` of the request on each."""
    cdef Py_ssize_t position = runs.n_blocks - 1
    cdef Py_ssize_t size = runs.n_resources * TILE
    cdef int32_t block
    cdef int slot, r
    cdef width_t left
    cdef width_t* tile
    cdef width_t* top
    if position < 0 or runs.count[runs.order[position]] == TILE:
        runs.reserve_blocks(runs.n_blocks + 1)
        position = runs.n_blocks
        open_position(runs, position, room[0])
        blank(<width_t*>runs.tile + runs.order[position] * size, runs.n_resources, 0)
    block = runs.order[position]
    slot = runs.count[block]
    tile = <width_t*>runs.tile + block * size
    top = <width_t*>runs.top + position
    for r in range(runs.n_resources):
        left = room[r * stride]
        if copies:
            left -= <width_t>(request[r] * copies)
        tile[r * TILE + slot] = left
        if left > top[r * runs.block_room]:
            top[r * runs.block_room] = left
    runs.first[<Py_ssize_t>block * TILE + slot] = runs.n_nodes
    runs.size[<Py_ssize_t>block * TILE + slot] = n_nodes
    runs.score[<Py_ssize_t>block * TILE + slot] = score
    runs.count[block] += 1
    runs.n_nodes += n_nodes
    runs.n_runs += 1
    return 0


cdef int retire(Runs runs, const width_t* least) except -1 nogil:
    """Drop the runs that have no room for ``least`` (comparing form of the smallest requests to
    come), and close the gaps, if that frees an eighth of the tiles or more.
    """
    cdef Py_ssize_t size = runs.n_resources * TILE
    cdef Py_ssize_t position, kept = 0, to = 0, last, i, j
    cdef int32_t block, target
    cdef int slot, r, place = 0
    cdef uint64_t mask
    cdef width_t* source
    cdef width_t* tile
    for position in range(runs.n_blocks):
        kept += popcount(visit(runs, position, least))
    if kept > runs.n_blocks * (TILE - TILE // 8):
        return 0
    # Invariant: (to, place) is never right of the run being read, so nothing unread is lost.
    target = runs.order[0] if runs.n_blocks else 0
    for position in range(runs.n_blocks):
        block = runs.order[position]
        source = <width_t*>runs.tile + block * size
        mask = visit(runs, position, least)
        while mask:
            slot = lowest_bit(mask)
            mask &= mask - 1
            if place == TILE:
                runs.count[target] = TILE
                to += 1
                place = 0
            target = runs.order[to]
            tile = <width_t*>runs.tile + target * size
            for r in range(runs.n_resources):
                tile[r * TILE + place] = source[r * TILE + slot]
            i = <Py_ssize_t>target * TILE + place
            j = <Py_ssize_t>block * TILE + slot
            runs.first[i] = runs.first[j]
            runs.size[i] = runs.size[j]
            runs.score[i] = runs.score[j]
            place += 1
    last = runs.n_blocks
    runs.n_runs = kept
    runs.n_blocks = (kept + TILE - 1) // TILE
    if kept:
        runs.count[target] = place
        blank(<width_t*>runs.tile + target * size, runs.n_resources, place)
    for position in range(runs.n_blocks if runs.n_blocks < last else last):
        block = runs.order[position]
        lift_top(runs, position, <width_t*>runs.tile + block * size)
        runs.stale[block] = 0
    return 0
