"""Pods are placed where they were placed before, else by rotating scan."""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t

from pyscale.kernel._bind cimport ClusterState
from pyscale.kernel._draw cimport Draw
from pyscale.kernel._hints cimport Hints
from pyscale.kernel._residents cimport Residents
from pyscale.kernel._sketch cimport Sketch


@cython.final
cdef class HintedPlacement:
    cdef readonly Residents residents
    cdef public Draw draw
    cdef ClusterState state
    cdef Sketch sketch            # takes the pods instead of the state while it is on
    cdef public int64_t last_match
    cdef uint8_t* named           # mask of the nodes that a class names
    cdef int64_t named_room
    # memory of one call: what fits nowhere, by class, controller and likeness
    cdef int32_t round
    cdef int32_t* dead_round
    cdef int64_t* dead_at
    cdef int32_t* alike_round
    cdef int32_t* controller_round
    cdef int32_t* controller_shapes
    cdef int64_t dead_round_room
    cdef int64_t dead_at_room
    cdef int64_t alike_room
    cdef int64_t controller_round_room
    cdef int64_t controller_shapes_room
    cdef int64_t n_placed

    cdef int32_t scan(self, int32_t class_id, const uint8_t* accepted) except -2
    cdef int fetch_ahead(self, int64_t place) noexcept
    cdef int32_t hinted(
        self, Hints hints, int64_t key, int32_t class_id, const uint8_t* usable
    ) except -2
    cdef bint is_hopeless(self, int32_t index) except -1
    cdef int note_failure(self, int32_t index) except -1
    cdef int begin_round(self) except -1
    cdef int64_t place_all(
        self, Hints hints, const int64_t* pods, const int64_t* keys, const int32_t* classes,
        int64_t n, const uint8_t* usable, const uint8_t* accepted, bint stop, int32_t* nodes,
    ) except -1
    cdef int settle(
        self, Hints hints, int64_t i, int64_t pod, int64_t key, int32_t index, int32_t node
    ) except -1
    cdef int check_mask(self, const uint8_t[::1] mask) except -1
