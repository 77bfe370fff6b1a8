"""Runs of identical nodes in tiles of 64, left to right, for the packing rules to work on."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from ._fit cimport width_t

cdef enum:
    TILE = 64


cdef struct Record:
    int64_t pod_class
    int64_t first_node
    int64_t n_nodes
    int64_t copies     # on each of these nodes


cdef class Runs:
    cdef readonly int n_resources
    cdef readonly bint narrow          # rooms are int32
    cdef void* tile                    # [block][resource][64]
    cdef void* top                     # [resource][position]: upper bounds of what a block has
    cdef int64_t* first                # [block][64], first node of the run
    cdef int64_t* size                 # [block][64], number of nodes
    cdef int64_t* score                # [block][64], weighted room
    cdef int32_t* order                # [position] -> block; behind n_blocks, the free ones
    cdef int32_t* count                # [block], runs in it
    cdef uint8_t* stale                # [block], top may be too high
    cdef readonly Py_ssize_t block_room
    cdef readonly Py_ssize_t n_blocks
    cdef readonly Py_ssize_t n_runs
    cdef readonly int64_t n_nodes
    cdef Record* record
    cdef Py_ssize_t record_room
    cdef readonly Py_ssize_t n_records

    cdef int reserve_blocks(self, Py_ssize_t n) except -1 nogil
    cdef int emit(
        self, int64_t pod_class, int64_t first_node, int64_t n_nodes, int64_t copies
    ) except -1 nogil


cdef uint64_t visit(Runs runs, Py_ssize_t position, const width_t* compare) noexcept nogil
cdef void take(
    Runs runs, Py_ssize_t position, int slot, const width_t* request, int64_t weight, int64_t copies
) noexcept nogil
cdef int split(
    Runs runs, Py_ssize_t position, int slot, const width_t* request, int64_t weight,
    int64_t n_full, int64_t copies, int64_t rest,
) except -1 nogil
cdef int append(
    Runs runs, const width_t* room, Py_ssize_t stride, const width_t* request, int64_t copies,
    int64_t score, int64_t n_nodes,
) except -1 nogil
cdef int retire(Runs runs, const width_t* least) except -1 nogil
